"""Work of many callers done together, no more often than so many seconds apart.

Under light load nobody waits: what comes after a pause begins at once. Under load whatever comes
between two beginnings shares the next one, so that their number does not grow with the load. On a
machine that has more to do than it can, the work takes longer: then there is less of it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Generic, TypeVar

from vestlus.grouping import Flush, flush_group, settle, stopped

Item = TypeVar("Item")
Result = TypeVar("Result")

#: How many times its usual space a group is waited for at most.
LONGEST = 6.0


class Spaced(Generic[Item, Result]):
    """Gathers what many tasks submit, and has it done in groups, one at a time, in order.

    A caller that is cancelled before its group begins takes its item back. Nothing runs while
    nothing waits. All callers are of one event loop.
    """

    def __init__(
        self,
        work: Flush[Item, Result],
        *,
        name: str,
        seconds: Callable[[], float],
        monotonic: Callable[[], float],
        linger: float = 0.0,
        stretch: float = 1.0,
        most: int = 500,
    ) -> None:
        """``seconds`` is from one group's beginning to the next one's, and more where ``stretch``
        times what the group took is more. After a pause the first item waits ``linger`` seconds for
        others that come with it. ``most`` is how many items a group has at most.
        """
        self._work = work
        self._name = name
        self._seconds = seconds
        self._monotonic = monotonic
        self._linger = linger
        self._stretch = stretch
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._next = monotonic()
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Returns what the work returned for this item, or raises what it raised."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            # It is everybody's work: not about the messages of whoever came first, nor in its span.
            self._task = asyncio.create_task(
                self._run(), name=self._name, context=contextvars.Context()
            )
        return await future

    async def settled(self) -> None:
        """Waits until nothing is being done."""
        while self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while self._waiting:
                # Once around the loop at least, for those who are woken together.
                await asyncio.sleep(max(self._linger, self._next - self._monotonic(), 0.0))
                taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                group = [one for one in taken if not one[1].done()]
                if group:
                    began, seconds = self._monotonic(), self._seconds()
                    await flush_group(self._work, group, self._name)
                    took = self._monotonic() - began
                    space = min(max(seconds, self._stretch * took), LONGEST * seconds)
                    self._next = began + space
        finally:
            self._task = None
            left, self._waiting = self._waiting, []
            settle(left, [stopped(self._name)] * len(left))
