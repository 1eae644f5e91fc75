"""The live conversations of a process: plain objects, woken by a message, dropped when idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from vestlus.assistant.port import Assistant
from vestlus.clock import Clock
from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.turn import SuspectPolicy
from vestlus.errors import LeaseLost
from vestlus.grouping import GroupCommitter
from vestlus.hosting.answers import Answers
from vestlus.hosting.commits import PACE_SECONDS, TurnCommits
from vestlus.hosting.courtesy import Courtesy
from vestlus.hosting.mailbox import HISTORY_MESSAGES, MOST_EVENTS, Mailbox
from vestlus.hosting.resting import Resting, may_rest
from vestlus.hosting.summaries import Summaries
from vestlus.hosting.suspects import Suspects
from vestlus.hosting.turn_counts import TurnCounts
from vestlus.hosting.turn_parts import Eraser, HandedOver, SuspectGap, TurnPolicies
from vestlus.hosting.turn_places import Limits, Places
from vestlus.hosting.turns import Conversing
from vestlus.measuring.catalogue import (
    LIVE,
    TAKEN_OVER,
    TURNS_IN_FLIGHT,
    TURNS_QUEUED,
    TURNS_QUEUED_AGE,
)
from vestlus.settings_account import Account
from vestlus.store.port import Turns
from vestlus.store.rows import ConversationRow, EventState, Lease, RecordedEvent

#: A conversation not used for so long is dropped; the store rebuilds it in milliseconds.
IDLE_MS = 10 * 60 * 1000

#: Between two looks for those, and how many are dropped before others get the event loop: about
#: a millisecond of work.
SWEEP_SECONDS = 5.0
DROPPED_TOGETHER = 500

#: Conversations read in one query: a takeover may find thousands.
LOADED_TOGETHER = 200

#: A mailbox that waits for longer keeps nothing of what the store has.
LIGHT_AFTER_SECONDS = 30.0


class Conversations:
    """Gives each conversation with something unanswered a task, one at most.

    Memory is bounded: what waits for its turn, for its time or for a person keeps no messages
    here, and while very many wait for their turn :meth:`room` holds up the intake, so that the
    bus holds the rest. What has nothing unanswered rests as bytes, as much as there is room for.

    ``lost`` is told of a lease that a turn found to be lost, ``failed`` of anything unexpected.
    """

    def __init__(
        self,
        *,
        store: Turns,
        commits: TurnCommits,
        assistant: Assistant,
        clock: Clock,
        policies: TurnPolicies,
        suspects: SuspectPolicy,
        account_of: Callable[[str], Account | None],
        courtesy: Courtesy,
        suspect_gap: SuspectGap,
        handed_over: Callable[[HandedOver], None],
        lost: Callable[[Lease], None],
        failed: Callable[[BaseException], None],
        limits: Limits | None = None,
        spent_until: Callable[[str], int] = lambda _: 0,
        eraser: Eraser | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits or Limits()
        self._lost = lost
        self._failed = failed
        self._loader = GroupCommitter[str, ConversationRow | None](
            self._load, name="loader", max_items=LOADED_TOGETHER, pace=PACE_SECONDS
        )
        self._summaries = Summaries(store, assistant, self._settle)
        self._conversing = Conversing(
            store=store,
            load=self._loader.submit,
            commits=commits,
            assistant=assistant,
            answers=Answers(account_of, spent_until),
            courtesy=courtesy,
            suspect_gap=suspect_gap,
            summaries=self._summaries,
            clock=clock,
            policies=policies,
            handed_over=handed_over,
            eraser=eraser,
        )
        self._suspects = Suspects(
            suspects, store=store, clock=clock, start=self._start, drop=lost, failed=failed
        )
        self._places = Places(self._limits, self._begin)
        #: Those with something to do, or that are being summed up.
        self._boxes: dict[str, Mailbox] = {}
        self._resting = Resting(most=self._limits.live, most_bytes=self._limits.live_bytes)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._loader)
        sweeper = asyncio.create_task(self._sweep(), name="passivation")
        sweeper.add_done_callback(self._swept)
        self._stack.callback(sweeper.cancel)
        self._stack.callback(self._suspects.stop)
        self._stack.push_async_callback(self._summaries.close)
        self._stack.push_async_callback(self._conversing.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def counts(self) -> TurnCounts:
        """What happened to turns since the start."""
        return self._conversing.counts

    @property
    def live(self) -> int:
        """Conversations in memory."""
        return len(self._boxes) + len(self._resting)

    @property
    def resting_bytes(self) -> int:
        """What those of them that rest take in memory, about."""
        return self._resting.size

    @property
    def in_flight(self) -> int:
        """Conversations that are being answered."""
        return sum(1 for box in self._boxes.values() if box.task is not None)

    @property
    def waiting(self) -> int:
        """Conversations that wait for a place among those."""
        return len(self._places)

    def measure(self) -> None:
        """Tells the measures how many there are."""
        TURNS_IN_FLIGHT.set(self.in_flight)
        TURNS_QUEUED.set(self.waiting)
        TURNS_QUEUED_AGE.set(self._places.waiting_seconds)
        LIVE.set(self.live)

    async def room(self) -> None:
        """Returns when more may be taken in."""
        await self._places.room()

    @property
    def suspects(self) -> int:
        """Conversations that wait to be tried apart from the others."""
        return len(self._suspects)

    async def take_over(self, lease: Lease) -> None:
        """Goes on with everything that is unanswered in a partition.

        Raises LeaseLost, StoreUnavailable; nothing of the partition is left running then.
        """
        try:
            waiting = await self._store.take_over(lease)
            TAKEN_OVER.inc(len(waiting))
            for first in range(0, len(waiting), LOADED_TOGETHER):
                some = waiting[first : first + LOADED_TOGETHER]
                rows = await self._store.load(some, HISTORY_MESSAGES, unanswered=MOST_EVENTS)
                for conversation in some:
                    if conversation in rows:
                        self._resume(lease, rows[conversation])
        except BaseException:
            await self.forget(lease, 0)
            raise

    @property
    def summarised(self) -> int:
        """Summaries made since the start."""
        return self._summaries.made

    def changed(self, lease: Lease, conversation: str) -> None:
        """Something else than an unanswered event changed the conversation in the store.

        It is read again, also where nothing was unanswered: messages whose answer was cancelled
        wait for one again.
        """
        box = self._box(conversation, lease)
        box.outdated()
        self._start(box)

    def noted(self, lease: Lease, conversation: str, said: Sequence[HistoryMessage]) -> None:
        """The history got messages that call for no new thoughts."""
        box = self._boxes.get(conversation) or self._resting.take(lease, conversation)
        if box is not None and box.lease == lease and box.loaded:
            box.history = [*box.history, *said][-HISTORY_MESSAGES:]
            box.known.messages += len(said)
            if conversation not in self._boxes:
                self._resting.put(box, self._clock())

    def deliver(self, lease: Lease, recorded: Sequence[RecordedEvent]) -> None:
        """New events are in the store: whoever is concerned hears of it."""
        for one in recorded:
            if one.state is not EventState.PENDING or one.event.conversation is None:
                continue
            box = self._box(one.event.conversation, lease)
            if box.add(one):
                self._conversing.heard(box, one.event)
                self._start(box)

    def reread(self, lease: Lease, conversations: Collection[str]) -> None:
        """What the store has of these conversations may be more than their mailboxes know."""
        for conversation in conversations:
            box = self._box(conversation, lease)
            box.outdated()
            self._start(box)

    def erased(self, lease: Lease, conversation: str) -> None:
        """The user was erased: nothing of them stays here, and a turn under way commits nothing.

        What they have written since is read from the store.
        """
        box = self._boxes.get(conversation)
        if box is not None and box.lease == lease:
            box.stop()
            box.erased()
            del self._boxes[conversation]
            self._places.purge()
        self._resting.forget(lease, conversation)
        self._summaries.forget(conversation)
        self.reread(lease, [conversation])

    async def forget(self, lease: Lease, deadline_seconds: float) -> None:
        """Lets the turns of a partition end within the deadline, and drops its conversations."""
        boxes = [box for box in self._boxes.values() if box.lease == lease]
        for box in boxes:
            if box.queued:  # its turn has not begun, and does not any more
                box.stop()
        self._places.purge()
        running = {box.task for box in boxes if box.task is not None}
        if running and deadline_seconds > 0:
            await asyncio.wait(running, timeout=deadline_seconds)
        self.drop(lease)
        left = {box.task for box in boxes if box.task is not None}
        if left:
            await asyncio.wait(left)

    def drop(self, lease: Lease) -> None:
        """Stops everything of a partition at once, but for commits under way."""
        for box in [box for box in self._boxes.values() if box.lease == lease]:
            box.stop()
            del self._boxes[box.id]
        self._resting.drop(lease)
        self._places.purge()

    def passivate(self, unused_since_ms: int, most: int | None = None) -> int:
        """Drops conversations at rest that were not used since then; returns how many."""
        return self._resting.passivate(unused_since_ms, most)

    def _box(self, conversation: str, lease: Lease) -> Mailbox:
        box = self._boxes.get(conversation)
        if box is not None and box.lease.epoch < lease.epoch:
            # The partition was lost and taken again: what the box knows may be old.
            box.stop()
            box = None
        if box is None:
            box = self._resting.take(lease, conversation) or Mailbox(conversation, lease)
            self._boxes[conversation] = box
        return box

    def _settle(self, box: Mailbox) -> None:
        """Lays the conversation to rest if there is nothing more to do in it.

        One that has no use as a copy of what the store has is dropped.
        """
        if self._boxes.get(box.id) is not box or box.id in self._summaries or box.is_busy:
            return
        del self._boxes[box.id]
        if may_rest(box):
            self._resting.put(box, self._clock())

    def _resume(self, lease: Lease, row: ConversationRow) -> None:
        box = self._box(row.id, lease)
        box.more = False
        box.fill(row, frozenset(box.unanswered))
        box.loaded = True
        if self._suspects.holds(box):
            box.lighten()
        else:
            self._start(box)

    def _start(self, box: Mailbox) -> None:
        """Gives the conversation a task, unless it has one, waits, or is a suspect."""
        waits = box.timer is not None or box.queued
        if box.task is not None or waits or box.suspect or box.stopped:
            return
        box.awake(self._clock())
        wait = (box.due_ms - self._clock()) / 1000 if box.loaded else 0.0
        if wait > 0:
            if wait > LIGHT_AFTER_SECONDS:
                box.lighten()
            box.timer = asyncio.get_running_loop().call_later(wait, self._wake, box)
            return
        self._places.ask(box)

    def _begin(self, box: Mailbox) -> None:
        box.task = asyncio.create_task(self._conversing.run(box), name="conversation")
        box.task.add_done_callback(lambda done: self._ended(box, done))

    def _wake(self, box: Mailbox) -> None:
        box.timer = None
        self._start(box)

    def _ended(self, box: Mailbox, task: asyncio.Task[None]) -> None:
        box.task = None
        self._places.leave()
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            # Or the store has more since the task looked.
            if box.unanswered or not box.loaded:
                self._start(box)
            else:
                self._settle(box)
        elif isinstance(error, LeaseLost):
            self._lost(box.lease)
        else:
            self._failed(error)

    async def _load(self, conversations: list[str]) -> list[ConversationRow | None]:
        rows = await self._store.load(set(conversations), HISTORY_MESSAGES, unanswered=MOST_EVENTS)
        return [rows.get(conversation) for conversation in conversations]

    async def _sweep(self) -> None:
        dropped = 0
        while True:
            await asyncio.sleep(0 if dropped else SWEEP_SECONDS)
            dropped = self.passivate(self._clock() - IDLE_MS, DROPPED_TOGETHER)

    def _swept(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
