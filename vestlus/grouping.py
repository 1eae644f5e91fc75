"""Group commit: many callers hand in items, one task writes them together.

One fsync, one transaction or one round trip is then shared by everybody who asked while the
previous one ran. Under light load nobody waits for a group to fill: the first item leaves at
once, alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

from vestlus.measuring.catalogue import GROUP_ITEMS, GROUP_SECONDS, of

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Writes a group: one result per item, in order. An exception in the place of a result is
#: raised to that item's caller alone; an exception that is raised goes to every caller.
Flush = Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]]


class GroupCommitter(Generic[Item, Result]):
    """Collects what many tasks submit and flushes it in groups, one group at a time.

    - Items are flushed in the order in which they were submitted, each at most once.
    - A caller that is cancelled before its group began takes its item back; afterwards the item
      is flushed with the others and its result is dropped.
    - Leaving ``async with`` flushes everything that was submitted before.
    - Should the collecting task itself die, every caller, waiting or later, gets an error.
    """

    def __init__(
        self,
        flush: Flush[Item, Result],
        *,
        name: str,
        max_items: int = 500,
        linger: float = 0.0,
        pace: float = 0.0,
        weigh: Callable[[Item], int] = lambda _: 0,
        max_weight: int = 0,
    ) -> None:
        """``linger`` is how long, in seconds, a group that is not full waits for more; ``pace``,
        how long after the last group began the next one begins, if it is not full: whoever comes
        after a quiet time still leaves at once.

        A group's items weigh ``max_weight`` together at most; one that weighs more goes alone.
        """
        if max_items < 1:
            message = "max_items must be at least 1"
            raise ValueError(message)
        self._flush = flush
        self._name = name
        self._max_items = max_items
        self._linger = linger
        self._pace = pace
        self._began = float("-inf")
        self._weigh = weigh
        self._max_weight = max_weight
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._grew = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._task is not None:
            message = f"{self._name} was already opened"
            raise RuntimeError(message)
        self._task = asyncio.create_task(self._run(), name=self._name)
        self._task.add_done_callback(self._fail_waiting)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def submit(self, item: Item) -> Result:
        """Returns what the flush returned for this item, or raises what it raised.

        Raises RuntimeError when the committer is not open.
        """
        if self._task is None or self._closing or self._task.done():
            message = f"{self._name} is not open"
            raise RuntimeError(message)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._grew.set()
        if len(self._waiting) >= self._max_items:
            self._full.set()
        return await future

    async def close(self) -> None:
        """Takes nothing more, flushes what is waiting and stops. Safe to call twice.

        Raises what the collecting task died of, if it did.
        """
        self._closing = True
        self._grew.set()
        self._full.set()
        if self._task is not None:
            # wait() and not await: a caller who gives up closing must not cancel the flush.
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()

    async def _run(self) -> None:
        while True:
            await self._grew.wait()
            now = asyncio.get_running_loop().time()
            wait = max(self._linger, self._began + self._pace - now)
            if wait > 0 and not self._closing:
                await self._wait_for_more(wait)
            self._began = asyncio.get_running_loop().time()
            group = self._take_group()
            if group:
                await flush_group(self._flush, group, self._name)
            elif self._closing:
                return

    async def _wait_for_more(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._full.wait()
        except TimeoutError:
            return

    def _take_group(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        group: list[tuple[Item, asyncio.Future[Result]]] = []
        weight = 0
        while self._waiting and len(group) < self._max_items:
            item, future = self._waiting[0]
            if not future.done():
                weight += self._weigh(item)
                if group and weight > self._max_weight:
                    break
                group.append((item, future))
            self._waiting.popleft()
        if not self._closing:
            if not self._waiting:
                self._grew.clear()
            if len(self._waiting) < self._max_items:
                self._full.clear()
        return group

    def _fail_waiting(self, _: asyncio.Task[None]) -> None:
        group = list(self._waiting)
        self._waiting.clear()
        settle(group, [stopped(self._name)] * len(group))


Waiting = tuple[Item, "asyncio.Future[Result]"]


async def flush_group(
    flush: Flush[Item, Result], group: Sequence[Waiting[Item, Result]], name: str
) -> None:
    """Flushes a group and tells every caller of it, whatever happens.

    Raises what is no Exception, such as a cancellation, after the callers got an error.
    """
    results: Sequence[Result | Exception]
    outcome, began = "done", time.perf_counter()
    try:
        results = await flush([item for item, _ in group])
        if len(results) != len(group):
            message = f"{name}: {len(results)} results for {len(group)} items"
            raise RuntimeError(message)  # noqa: TRY301 - callers must get it, like any other
    except Exception as error:  # noqa: BLE001 - handed to every caller of the group
        results, outcome = [error] * len(group), "failed"
    except BaseException:
        settle(group, [stopped(name)] * len(group))
        raise
    of(GROUP_SECONDS, name, outcome).observe(time.perf_counter() - began)
    of(GROUP_ITEMS, name).observe(len(group))
    settle(group, results)


def settle(group: Sequence[Waiting[Item, Result]], results: Sequence[Result | Exception]) -> None:
    """Tells those who still wait what came of their items."""
    for (_, future), result in zip(group, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


def stopped(name: str) -> RuntimeError:
    """What callers get whose items are not done any more."""
    return RuntimeError(f"{name} stopped before this item was done")
