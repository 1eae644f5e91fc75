"""Hosts the conversations of the partitions that this process holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog

from vestlus.assistant.port import Assistant
from vestlus.bus.port import Bus
from vestlus.clock import Clock
from vestlus.conversation.turn import SuspectPolicy
from vestlus.delivery_gaps import GapTeller
from vestlus.errors import LeaseLost, VestlusError
from vestlus.grouping import GroupCommitter
from vestlus.hosting.burial import DeadQueue
from vestlus.hosting.commits import PACE_SECONDS, TurnCommits
from vestlus.hosting.conversations import Conversations
from vestlus.hosting.counts import HostCounts
from vestlus.hosting.courtesy import Courtesy
from vestlus.hosting.echo_desk import EchoDesk
from vestlus.hosting.effects import people_policy
from vestlus.hosting.intake import MOST_EVENTS_TOGETHER, IntakeStore, PartitionIntake, Recorder
from vestlus.hosting.turn_parts import Eraser, HandedOver, TurnPolicies
from vestlus.hosting.turn_places import Limits
from vestlus.log_errors import place_of
from vestlus.privacy.graves import Graves
from vestlus.settings_account import Account
from vestlus.store.names import partition_number
from vestlus.store.rows import Lease, NewEvent, RecordedEvent

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    """A partition that is served, and the tasks that take in for it; none while it rests."""

    lease: Lease
    intake: PartitionIntake
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


def _unknown(_: str) -> Account | None:
    """No account has settings of its own."""
    return None


def _told_nobody(handed_over: HandedOver) -> None:
    """Nobody is told: who looks sees it in the store."""
    _log.info("handed_over", account=handed_over.account, conversation=handed_over.conversation)


def _forgotten_by_nobody(_: str) -> None:
    """Nobody else has anything of conversations in memory."""


class ConversationHost:
    """Records, converses and commits for the partitions whose leases it is given.

    State lives in the store; everything here is a cache of it. Leases are handed in by
    :meth:`hold` and taken back by :meth:`let_go`; when the store says that one is lost, its
    partition is dropped and :attr:`lost` names it. Background tasks are named and held; one that
    fails unexpectedly sets :attr:`failed`, upon which the owner must stop.
    """

    def __init__(
        self,
        *,
        store: IntakeStore,
        bus: Bus,
        assistant: Assistant,
        clock: Clock,
        partitions: int,
        outbox_partitions: int,
        policies: TurnPolicies,
        suspects: SuspectPolicy | None = None,
        account_of: Callable[[str], Account | None] = _unknown,
        handed_over: Callable[[HandedOver], None] = _told_nobody,
        limits: Limits | None = None,
        spent_until: Callable[[str], int] = lambda _: 0,
        graves: Graves | None = None,
        eraser: Eraser | None = None,
        forgotten: Callable[[str], None] = _forgotten_by_nobody,
    ) -> None:
        """``graves`` names the tombstones that recorded events are compared with, and ``eraser``
        carries out what users wish; without them nobody is erased here. ``forgotten`` is told the
        conversation of each user who was. ``spent_until``: until when an account may not have
        models asked, 0 if it may.
        """
        self._graves = graves
        self._forgotten = forgotten
        self._store = store
        self._bus = bus
        self._clock = clock
        self._partitions = partitions
        self._commits = TurnCommits(store, bus, clock, outbox_partitions)
        self._recorder: Recorder = GroupCommitter(
            self._record,
            name="recorder",
            max_items=64,
            pace=PACE_SECONDS,
            weigh=lambda batch: len(batch[1]),
            max_weight=MOST_EVENTS_TOGETHER,
        )
        self._courtesy = Courtesy(bus, clock, outbox_partitions)
        self._gaps = GapTeller(bus, outbox_partitions=outbox_partitions, clock=clock)
        self.conversations = Conversations(
            store=store,
            commits=self._commits,
            assistant=assistant,
            clock=clock,
            policies=policies,
            suspects=suspects or SuspectPolicy(),
            account_of=account_of,
            courtesy=self._courtesy,
            suspect_gap=self._gaps.suspect,
            handed_over=handed_over,
            lost=self._drop,
            failed=self._fail,
            limits=limits,
            spent_until=spent_until,
            eraser=eraser,
        )
        self._echoes = EchoDesk(
            store=store,
            clock=clock,
            policy_of=lambda account: people_policy(account_of(account)),
            changed=self.conversations.changed,
            lost=self._drop,
            failed=self._fail,
        )
        self._limits = limits or Limits()
        self._held: dict[str, _Held] = {}
        self._stack = AsyncExitStack()
        self._recorded = 0
        self.lost: set[Lease] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        for part in (
            *(self._commits, self._courtesy, self._recorder, self._gaps),
            *(self.conversations, self._echoes),
        ):
            await self._stack.enter_async_context(part)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._held):
            await self.let_go(name, 0)
        await self._stack.__aexit__(kind, error, trace)

    async def hold(self, lease: Lease) -> None:
        """Takes over a partition: goes on with what is unanswered, then begins to consume.

        Raises LeaseLost, StoreUnavailable.
        """
        if lease.name in self._held:
            await self.let_go(lease.name, 0)
        await self._echoes.take_over(lease)
        await self.conversations.take_over(lease)
        intake = PartitionIntake(
            lease,
            bus=self._bus,
            store=self._store,
            recorder=self._recorder,
            partitions=self._partitions,
            clock=self._clock,
            deliver=self.conversations.deliver,
            reread=self.conversations.reread,
            weigh=self._echoes.weigh,
            changed=self.conversations.changed,
            noted=self.conversations.noted,
            undetermined=self._echoes.hold,
            room=self.conversations.room,
            erased=self._erased,
            graves=self._graves,
        )
        held = self._held[lease.name] = _Held(lease, intake)
        self._take_in(held)

    def _take_in(self, held: _Held) -> None:
        lease = held.lease
        tasks = [asyncio.create_task(held.intake.run(), name=f"intake {lease.name}")]
        if partition_number(lease.name) == 0:
            dead = DeadQueue(self._bus, self._store, self._clock, self._graves)
            tasks.append(asyncio.create_task(dead.run(), name="dead queue"))
        for task in tasks:
            task.add_done_callback(lambda done: self._ended(lease, done))
        held.tasks.extend(tasks)

    async def rest(self, name: str) -> None:
        """Consumes a partition no more. What is recorded of it goes on being answered. What is
        not comes again, to whoever consumes next.
        """
        held = self._held.get(name)
        if held is not None and held.tasks:
            tasks = held.tasks.copy()
            held.tasks.clear()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def resume(self, name: str) -> None:
        """Consumes a partition again that rests."""
        held = self._held.get(name)
        if held is not None and not held.tasks:
            self._take_in(held)

    async def let_go(self, name: str, deadline_seconds: float) -> None:
        """Stops consuming a partition, lets its turns under way end within the deadline, and
        forgets it. What is not answered by then stays in the store for the next holder.
        """
        held = self._held.pop(name, None)
        if held is None:
            return
        self._recorded += held.intake.recorded
        for task in held.tasks:
            task.cancel()
        try:
            if held.tasks:
                await asyncio.wait(held.tasks)
            await self.conversations.forget(held.lease, deadline_seconds)
        finally:
            # Whoever gives up waiting must leave nothing running.
            self.conversations.drop(held.lease)
            self._echoes.drop(held.lease)

    @property
    def full(self) -> float:
        """How many of the places for turns are taken, 0 to 1."""
        return self.conversations.in_flight / self._limits.turns

    @property
    def backlog_seconds(self) -> float:
        """How long the oldest of what is taken in waited on the bus, seconds."""
        now_ms = self._clock()
        waits = (one.intake.waited.seconds(now_ms) for one in self._held.values())
        return max(waits, default=0.0)

    def counts(self) -> HostCounts:
        """What there is and what happened."""
        done = self.conversations.counts
        return HostCounts(
            partitions=len(self._held),
            conversations=self.conversations.live,
            in_flight=self.conversations.in_flight,
            waiting=self.conversations.waiting,
            thinking=done.thinking,
            recorded=self._recorded + sum(one.intake.recorded for one in self._held.values()),
            answered=done.answered,
            restarted=done.restarted,
            conflicts=done.conflicts,
            failed=done.failed,
            given_up=done.given_up,
            suspects=self.conversations.suspects,
            handed_over=done.handed_over,
            apologised=done.apologised,
            limited=done.limited,
            erased=done.erased,
            summarised=self.conversations.summarised,
            echoes_ours=self._echoes.counts.ours,
            echoes_persons=self._echoes.counts.persons,
            echoes_unmatched=self._echoes.counts.unmatched,
        )

    async def _record(
        self, batches: list[tuple[Lease, Sequence[NewEvent]]]
    ) -> list[list[RecordedEvent] | None]:
        graves = self._graves
        if graves is not None:
            batches = [(lease, graves.marked(events)) for lease, events in batches]
        return await self._store.record(batches, self._clock())

    def _erased(self, lease: Lease, conversation: str) -> None:
        self._echoes.forget(lease, conversation)
        self.conversations.erased(lease, conversation)
        self._forgotten(conversation)

    def _ended(self, lease: Lease, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, LeaseLost):
            self._drop(lease)
        elif error is not None:
            self._fail(error)

    def _drop(self, lease: Lease) -> None:
        """Somebody else has the partition: nothing of it is touched any more."""
        held = self._held.get(lease.name)
        if held is None or held.lease != lease:
            return
        _log.warning("lease_lost", lease=lease.name, epoch=lease.epoch)
        del self._held[lease.name]
        self._recorded += held.intake.recorded
        for task in held.tasks:
            task.cancel()
        self.conversations.drop(lease)
        self._echoes.drop(lease)
        self.lost.add(lease)

    def _fail(self, error: BaseException) -> None:
        _log.error("host_failed", error=type(error).__name__, place=place_of(error))
        if not self.failed.done():
            self.failed.set_exception(
                error if isinstance(error, VestlusError) else RuntimeError(place_of(error))
            )
