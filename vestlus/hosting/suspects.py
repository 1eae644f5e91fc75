"""Turns that may have killed earlier owners are tried apart from the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

import structlog

from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.conversation.turn import Start, SuspectPolicy
from vestlus.errors import ConversationGone, LeaseLost
from vestlus.hosting.mailbox import Mailbox
from vestlus.store.port import Turns
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)

#: The reason on dead letters of turns that killed their process again and again.
POISON = "kills_its_process"


class Suspects:
    """Holds suspected conversations back and tries them in groups, each counted beforehand.

    The count is durable before the turns begin: should the process die, the next owner knows
    whose turns they were, and tries fewer of them together. ``start`` gives a conversation its
    task; ``drop`` is told of a lost lease.
    """

    def __init__(
        self,
        policy: SuspectPolicy,
        *,
        store: Turns,
        clock: Clock,
        start: Callable[[Mailbox], None],
        drop: Callable[[Lease], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._policy = policy
        self._store = store
        self._clock = clock
        self._start = start
        self._drop = drop
        self._failed = failed
        self._waiting: deque[Mailbox] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def holds(self, box: Mailbox) -> bool:
        """Whether the conversation is a suspect; if so it is tried when its time comes.

        One that waits for the time of its next try was not under way when the owner before ended:
        a try that does not begin would be counted.
        """
        box.awake(self._clock())
        if box.wake_ms > self._clock():
            return False
        if self._policy.decide(box.takeovers, box.probes) is Start.FREELY:
            return False
        box.suspect = True
        self._waiting.append(box)
        self._go_on()
        return True

    def stop(self) -> None:
        """Tries no more of them."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while self._waiting:
            group = self._next_group()
            await asyncio.gather(*(self._begin(box) for box in group))
            turns = {box.task for box in group if box.task is not None}
            if turns:
                await asyncio.wait(turns)

    def _next_group(self) -> list[Mailbox]:
        """Those with the fewest probes first: they are likelier innocent, and many at a time."""
        self._waiting = deque(
            sorted((box for box in self._waiting if not box.stopped), key=lambda box: box.probes)
        )
        if not self._waiting:
            return []
        first = self._waiting[0].probes
        most = self._policy.together(first)
        group: list[Mailbox] = []
        while self._waiting and self._waiting[0].probes == first and len(group) < most:
            group.append(self._waiting.popleft())
        return group

    async def _begin(self, box: Mailbox) -> None:
        try:
            await self._count_or_give_up(box)
        except LeaseLost:
            self._drop(box.lease)
            return
        except ConversationGone:
            box.erased()
        box.suspect = False
        self._start(box)

    async def _count_or_give_up(self, box: Mailbox) -> None:
        if self._policy.decide(box.takeovers, box.probes) is Start.WATCHED:
            box.probes = await until_available(partial(self._store.probe, box.lease, box.id))
            return
        _log.error("turn_quarantined", conversation=box.id, probes=box.probes)
        give_up = partial(
            self._store.give_up, box.lease, box.id, reason=POISON, now_ms=self._clock()
        )
        await until_available(give_up)
        box.forget()

    def _go_on(self) -> None:
        if self._task is None and self._waiting:
            self._task = asyncio.create_task(self._run(), name="suspects")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._failed(error)
        # One that came between the last look and the end of the task.
        self._go_on()
