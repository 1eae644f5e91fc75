"""Hosts the conversations of the partitions that this process holds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import structlog

from vestlus.assistant.port import Assistant
from vestlus.bus.port import Bus
from vestlus.clock import Clock
from vestlus.conversation.events import Event
from vestlus.conversation.turn import SuspectPolicy
from vestlus.errors import LeaseLost, VestlusError
from vestlus.grouping import GroupCommitter
from vestlus.hosting.commits import TurnCommits
from vestlus.hosting.counts import HostCounts
from vestlus.hosting.intake import IntakeStore, PartitionIntake, Recorder
from vestlus.hosting.mailbox import HISTORY_MESSAGES, Mailbox
from vestlus.hosting.places import place_of
from vestlus.hosting.suspects import Suspects
from vestlus.hosting.turns import Conversing, TurnPolicies
from vestlus.store.rows import ConversationRow, EventState, Lease, RecordedEvent

_log = structlog.get_logger(__name__)

#: A mailbox not used for so long is dropped; the store rebuilds it in milliseconds.
IDLE_MS = 10 * 60 * 1000

#: Conversations read in one query: a takeover may find thousands.
LOADED_TOGETHER = 200

#: Calls to the model at a time. More wait in order; the broker holds the rest.
MOST_TURNS = 2000


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
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._partitions = partitions
        self._commits = TurnCommits(store, bus, clock, outbox_partitions)
        self._recorder: Recorder = GroupCommitter(self._record, name="recorder", max_items=64)
        self._loader = GroupCommitter[str, ConversationRow | None](
            self._load, name="loader", max_items=LOADED_TOGETHER
        )
        self._conversing = Conversing(
            store=store,
            load=self._loader.submit,
            commits=self._commits,
            assistant=assistant,
            clock=clock,
            policies=policies,
        )
        self._turns = asyncio.Semaphore(MOST_TURNS)
        self._boxes: dict[str, Mailbox] = {}
        self._intakes: dict[str, tuple[Lease, PartitionIntake, asyncio.Task[None]]] = {}
        self._suspects = Suspects(
            suspects or SuspectPolicy(),
            store=store,
            clock=clock,
            start=self._start,
            drop=self._drop,
            failed=self._fail,
        )
        self._stack = AsyncExitStack()
        self._recorded = 0
        self.lost: set[str] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        for part in (self._commits, self._recorder, self._loader):
            await self._stack.enter_async_context(part)
        sweeper = asyncio.create_task(self._passivate(), name="passivation")
        sweeper.add_done_callback(self._watch)
        self._stack.callback(sweeper.cancel)
        self._stack.callback(self._suspects.stop)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._intakes):
            await self.let_go(name, 0)
        await self._stack.__aexit__(kind, error, trace)

    async def hold(self, lease: Lease) -> None:
        """Takes over a partition: finds what is unanswered, then begins to consume.

        Raises LeaseLost, StoreUnavailable.
        """
        waiting = await self._store.take_over(lease)
        for first in range(0, len(waiting), LOADED_TOGETHER):
            rows = await self._store.load(
                waiting[first : first + LOADED_TOGETHER], HISTORY_MESSAGES
            )
            for conversation in waiting[first : first + LOADED_TOGETHER]:
                if conversation in rows:
                    self._resume(lease, rows[conversation])
        intake = PartitionIntake(
            lease,
            bus=self._bus,
            store=self._store,
            recorder=self._recorder,
            partitions=self._partitions,
            clock=self._clock,
            deliver=self._deliver,
            reread=self._reread,
        )
        task = asyncio.create_task(intake.run(), name=f"intake {lease.name}")
        task.add_done_callback(lambda done: self._intake_ended(lease, done))
        self._intakes[lease.name] = (lease, intake, task)

    async def let_go(self, name: str, deadline_seconds: float) -> None:
        """Stops consuming a partition, lets its turns under way end within the deadline, and
        forgets it. What is not answered by then stays in the store for the next holder.
        """
        held = self._intakes.pop(name, None)
        if held is None:
            return
        lease, intake, task = held
        self._recorded += intake.recorded
        task.cancel()
        await asyncio.wait({task})
        boxes = [box for box in self._boxes.values() if box.lease == lease]
        running = {box.task for box in boxes if box.task is not None}
        if running and deadline_seconds > 0:
            await asyncio.wait(running, timeout=deadline_seconds)
        for box in boxes:
            box.stop()
            self._boxes.pop(box.id, None)
        left = {box.task for box in boxes if box.task is not None}
        if left:
            await asyncio.wait(left)

    def counts(self) -> HostCounts:
        """What there is and what happened."""
        done = self._conversing.counts
        return HostCounts(
            partitions=len(self._intakes),
            conversations=len(self._boxes),
            in_flight=sum(1 for box in self._boxes.values() if box.task is not None),
            thinking=done.thinking,
            recorded=self._recorded + sum(part.recorded for _, part, _ in self._intakes.values()),
            answered=done.answered,
            restarted=done.restarted,
            conflicts=done.conflicts,
            failed=done.failed,
            given_up=done.given_up,
            suspects=len(self._suspects),
        )

    async def _record(
        self, batches: list[tuple[Lease, Sequence[Event]]]
    ) -> list[list[RecordedEvent] | None]:
        return await self._store.record(batches, self._clock())

    async def _load(self, conversations: list[str]) -> list[ConversationRow | None]:
        rows = await self._store.load(set(conversations), HISTORY_MESSAGES)
        return [rows.get(conversation) for conversation in conversations]

    def _deliver(self, lease: Lease, recorded: Sequence[RecordedEvent]) -> None:
        """New events are in the store: whoever is concerned hears of it."""
        now = self._clock()
        for one in recorded:
            conversation = one.event.conversation
            if one.state is not EventState.PENDING or conversation is None:
                continue
            box = self._boxes.get(conversation)
            if box is None:
                box = self._boxes[conversation] = Mailbox(conversation, lease)
            box.used_ms = now
            if box.add(one, now):
                self._conversing.heard(box)
                self._start(box)

    def _reread(self, lease: Lease, conversations: Collection[str]) -> None:
        """What the store has of these conversations may be more than their mailboxes know."""
        for conversation in conversations:
            box = self._boxes.get(conversation)
            if box is None:
                box = self._boxes[conversation] = Mailbox(conversation, lease)
            box.used_ms = self._clock()
            box.loaded = False
            self._start(box)

    def _resume(self, lease: Lease, row: ConversationRow) -> None:
        box = Mailbox(row.id, lease)
        box.fill(row, self._clock())
        box.used_ms = self._clock()
        self._boxes[row.id] = box
        if not self._suspects.holds(box):
            self._start(box)

    def _start(self, box: Mailbox) -> None:
        """Gives the conversation a task, unless it has one, waits, or is a suspect."""
        if box.task is not None or box.timer is not None or box.suspect or box.stopped:
            return
        wait = (box.wake_ms - self._clock()) / 1000 if box.loaded else 0.0
        if wait > 0:
            loop = asyncio.get_running_loop()
            box.timer = loop.call_later(wait, self._wake, box)
            return
        box.task = asyncio.create_task(self._converse(box), name="conversation")
        box.task.add_done_callback(lambda done: self._ended(box, done))

    def _wake(self, box: Mailbox) -> None:
        box.timer = None
        self._start(box)

    async def _converse(self, box: Mailbox) -> None:
        async with self._turns:
            await self._conversing.run(box)

    def _ended(self, box: Mailbox, task: asyncio.Task[None]) -> None:
        box.task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if box.unanswered and self._boxes.get(box.id) is box:
                self._start(box)
        elif isinstance(error, LeaseLost):
            self._drop(box.lease)
        else:
            self._fail(error)

    def _intake_ended(self, lease: Lease, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, LeaseLost):
            self._drop(lease)
        elif error is not None:
            self._fail(error)

    def _drop(self, lease: Lease) -> None:
        """Somebody else has the partition: nothing of it is touched any more."""
        held = self._intakes.get(lease.name)
        if held is None or held[0] != lease:
            return
        _log.warning("lease_lost", lease=lease.name, epoch=lease.epoch)
        del self._intakes[lease.name]
        self._recorded += held[1].recorded
        held[2].cancel()
        for box in [box for box in self._boxes.values() if box.lease == lease]:
            box.stop()
            del self._boxes[box.id]
        self.lost.add(lease.name)

    async def _passivate(self) -> None:
        while True:
            await asyncio.sleep(IDLE_MS / 1000 / 10)
            oldest = self._clock() - IDLE_MS
            idle = [
                box
                for box in self._boxes.values()
                if box.used_ms < oldest and not box.unanswered and box.task is None
            ]
            for box in idle:
                del self._boxes[box.id]

    def _watch(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        _log.error("host_failed", error=type(error).__name__, place=place_of(error))
        if not self.failed.done():
            self.failed.set_exception(
                error if isinstance(error, VestlusError) else RuntimeError(place_of(error))
            )
