"""A live conversation: a plain object, with a task only while something is unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.reply import Reply
from vestlus.store.rows import ConversationRow, Lease, RecordedEvent

#: Messages of history kept in memory and offered to prompts; the token budget cuts further.
HISTORY_MESSAGES = 40


@dataclass(slots=True, eq=False)
class Mailbox:
    """One conversation in memory. Touched only by the event loop of its host.

    The store is the truth: a mailbox can be dropped at any moment and is rebuilt by loading.
    ``unanswered`` and ``taken_in`` are by ``seq``, in order of recording.
    """

    id: str
    lease: Lease
    account: str = ""
    user: str = ""
    loaded: bool = False
    version: int = 0
    failures: int = 0
    takeovers: int = 0
    probes: int = 0
    wake_ms: int = 0
    history: list[HistoryMessage] = field(default_factory=list)
    unanswered: dict[int, Event] = field(default_factory=dict)
    taken_in: dict[int, int] = field(default_factory=dict)
    #: Runs while something is unanswered and due.
    task: asyncio.Task[None] | None = None
    #: The model's call of the turn under way, while it may be cancelled.
    thinking: asyncio.Task[Reply] | None = None
    #: Set when something newer arrives.
    news: asyncio.Event | None = None
    #: Tries in a row that found the model away.
    outages: int = 0
    #: Restarts of the present answer.
    restarts: int = 0
    timer: asyncio.TimerHandle | None = None
    used_ms: int = 0
    #: Waits to be tried apart: earlier owners died with it under way.
    suspect: bool = False
    #: Dropped by its host: never started again.
    stopped: bool = False

    def add(self, recorded: RecordedEvent) -> bool:
        """Takes in an unanswered event; False when it is known already."""
        if recorded.seq in self.unanswered:
            return False
        self.unanswered[recorded.seq] = recorded.event
        self.taken_in[recorded.seq] = recorded.recorded_ms
        self.account = recorded.event.account
        self.user = recorded.event.user or self.user
        return True

    def fill(self, row: ConversationRow, known: Collection[int]) -> None:
        """Takes over what the store knows.

        ``known`` are the events that the mailbox had before the store was asked: of these the
        store says which are still unanswered. Those that came meanwhile are newer than its
        answer, and stay.
        """
        self.account, self.user = row.account, row.user
        self.version = row.version
        self.failures, self.wake_ms = row.failures, row.wake_ms
        self.takeovers, self.probes = row.takeovers, row.probes
        self.history = list(row.history)
        newer = {seq: event for seq, event in self.unanswered.items() if seq not in known}
        taken_in = {seq: self.taken_in[seq] for seq in newer}
        self.unanswered = {one.seq: one.event for one in row.pending} | newer
        self.taken_in = {one.seq: one.recorded_ms for one in row.pending} | taken_in

    def answered(self, seqs: tuple[int, ...], history: tuple[HistoryMessage, ...]) -> None:
        """Takes in that a turn was committed."""
        for seq in seqs:
            self.unanswered.pop(seq, None)
            self.taken_in.pop(seq, None)
        self.history = [*self.history, *history][-HISTORY_MESSAGES:]
        self.version += 1
        self.failures = self.outages = self.takeovers = self.probes = 0
        self.restarts = self.wake_ms = 0

    def forget(self) -> None:
        """The unanswered events were given up: events that came meanwhile are read again."""
        self.unanswered.clear()
        self.taken_in.clear()
        self.outages = 0
        self.loaded = False

    def stop(self) -> None:
        """Cancels what runs for this conversation, for good; a commit under way still ends."""
        self.stopped = True
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.task is not None:
            self.task.cancel()
