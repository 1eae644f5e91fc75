"""A live conversation: a plain object, with a task only while something is unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace

from vestlus.conversation.allowance import NO_USAGE, Usage
from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.reply import Reply
from vestlus.store.rows import After, ConversationRow, Lease, RecordedEvent, Silence

#: Unanswered events of one conversation in memory. A user who writes more at once is answered in
#: pieces; the rest waits in the store.
MOST_EVENTS = 100

#: No failed turn is put off for so long.
LONGEST_WAIT_MS = 10 * 60 * 1000

#: Messages of history kept in memory and offered to prompts; the token budget cuts further.
HISTORY_MESSAGES = 40


@dataclass(slots=True)
class Known:
    """What the store knows of a conversation beside its messages: see ConversationRow."""

    language: str = ""
    silence: Silence = Silence.NONE
    silent_until_ms: int = 0
    waiting_ms: int = 0
    note: str = ""
    user_ms: int = 0
    answered_ms: int = 0
    disclosed_ms: int = 0
    apology_ms: int = 0
    pictures: tuple[str, ...] = ()
    summary: str = ""
    summarised: int = 0
    messages: int = 0
    usage: Usage = NO_USAGE
    erase_asked_ms: int = 0

    @classmethod
    def of(cls, row: ConversationRow) -> Known:
        """What a row says."""
        return cls(**{one.name: getattr(row, one.name) for one in fields(cls)})

    def became(self, after: After, messages: int) -> None:
        """Takes in what a committed turn changed, and that it added so many messages."""
        self.erase_asked_ms = 0
        for one in fields(after):
            value = getattr(after, one.name)
            if one.name in _KNOWN and value is not None:
                setattr(self, one.name, value)
        if after.silence is not None:
            self.silent_until_ms = after.silent_until_ms
        self.messages += messages


_KNOWN = frozenset(one.name for one in fields(Known)) - {"silent_until_ms"}


@dataclass(slots=True, eq=False)
class Mailbox:
    """One conversation in memory. Touched only by the event loop of its host.

    The store is the truth: a mailbox can be dropped at any moment and is rebuilt by loading.
    ``unanswered`` and ``taken_in`` are by ``seq``, in order of recording. They are the first ones
    that the store has, without gaps: where ``more`` is set it has others after them.
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
    #: Not before this time, because the last try failed.
    wake_ms: int = 0
    #: Not before this time, because people see to this user; anything new is looked at before.
    silent_ms: int = 0
    known: Known = field(default_factory=Known)
    history: list[HistoryMessage] = field(default_factory=list)
    unanswered: dict[int, Event] = field(default_factory=dict)
    taken_in: dict[int, int] = field(default_factory=dict)
    #: The store has unanswered events that are not here, and that come after those that are.
    more: bool = False
    #: For which version, and whether a person had the conversation then, nothing in the store goes
    #: ahead of what waits here, up to which ``seq``.
    looked: tuple[tuple[int, bool], int] = ((-1, False), 0)
    #: The answer under way is to as many messages as one answer may be to.
    full: bool = False
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
    #: When the assistant was first asked for the answer that is due, by the event loop's clock,
    #: which nobody puts back; 0 before.
    asked_since_ms: int = 0
    #: The model was asked since the last commit: ``known.usage`` is more than the store has.
    asked: bool = False
    #: Waits to be tried apart: earlier owners died with it under way.
    suspect: bool = False
    #: Something came that may not wait until ``wake_ms``.
    urgent: bool = False
    #: Waits for a place among the turns under way, since then by the monotonic clock, seconds.
    queued: bool = False
    queued_since: float = 0.0
    #: Dropped by its host: never started again.
    stopped: bool = False

    def awake(self, now_ms: int) -> None:
        """Forgets a wait that is longer than any: the clock was put back since."""
        if self.wake_ms - now_ms > LONGEST_WAIT_MS:
            self.wake_ms = 0

    @property
    def due_ms(self) -> int:
        """Not before this time, 0 for at once."""
        return max(self.wake_ms, self.silent_ms)

    def add(self, recorded: RecordedEvent) -> bool:
        """Takes in an unanswered event; False when it is known already.

        Where there is no room for it, it waits in the store.
        """
        if recorded.seq in self.unanswered:
            return False
        self.more = self.more or len(self.unanswered) >= MOST_EVENTS
        if not self.more:
            self.unanswered[recorded.seq] = recorded.event
            self.taken_in[recorded.seq] = recorded.recorded_ms
        self.account = recorded.event.account
        self.user = recorded.event.user or self.user
        # It may be what ends the silence, or what may not wait for its end.
        self.silent_ms = 0
        self.disarm()
        return True

    def fill(self, row: ConversationRow, known: Collection[int]) -> None:
        """Takes over what the store knows.

        ``known`` are the events that the mailbox had before the store was asked: of these the
        store says which are still unanswered. Those that came meanwhile are newer than its
        answer, and stay, unless the store has others before them. The row has been asked for with
        :data:`MOST_EVENTS`.
        """
        self.account, self.user = row.account, row.user
        self.version = row.version
        self.failures, self.wake_ms = row.failures, 0 if self.urgent else row.wake_ms
        self.takeovers, self.probes = row.takeovers, row.probes
        usage = self.known.usage if self.asked else row.usage
        self.known = replace(Known.of(row), usage=usage)
        self.silent_ms = 0
        self.history = list(row.history)
        newer: dict[int, Event] = {}
        if len(row.pending) >= MOST_EVENTS:
            self.more = True
        else:
            newer = {seq: event for seq, event in self.unanswered.items() if seq not in known}
        taken_in = {seq: self.taken_in[seq] for seq in newer}
        self.unanswered = {one.seq: one.event for one in row.pending} | newer
        self.taken_in = {one.seq: one.recorded_ms for one in row.pending} | taken_in
        if not self.unanswered:
            # What was asked for is not wanted any more; what comes next has not been tried.
            self.outages = self.asked_since_ms = 0

    def answered(
        self, seqs: tuple[int, ...], history: tuple[HistoryMessage, ...], after: After
    ) -> None:
        """Takes in that a turn was committed."""
        for seq in seqs:
            self.unanswered.pop(seq, None)
            self.taken_in.pop(seq, None)
        if self.more:
            self.loaded = False
        self.history = [*self.history, *history][-HISTORY_MESSAGES:]
        self.known.became(after, len(history))
        self.version += 1
        self.failures = self.outages = self.takeovers = self.probes = 0
        self.restarts = self.wake_ms = self.asked_since_ms = 0
        self.urgent = self.asked = False

    def lighten(self) -> None:
        """Keeps nothing that the store has: for one that will not be answered soon."""
        self.unanswered.clear()
        self.taken_in.clear()
        self.history = []
        self.more, self.loaded = True, False

    def is_stale(self) -> bool:
        """Whether there is nothing to answer from what is known here."""
        return not (self.loaded and self.unanswered)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to do here, now or later."""
        waits = self.timer is not None or self.queued or self.suspect
        unanswered = bool(self.unanswered) or self.more or not self.loaded
        return self.task is not None or waits or unanswered

    def outdated(self) -> None:
        """The store has more than is known here: what runs on old knowledge is called off."""
        self.loaded = False
        self.silent_ms = 0
        self.disarm()
        if self.thinking is not None:
            self.thinking.cancel()

    def forget(self) -> None:
        """The unanswered events were given up: events that came meanwhile are read again."""
        self.lighten()
        self.outages = self.asked_since_ms = 0

    def erased(self) -> None:
        """Everything of before is gone; what came meanwhile is read from the store."""
        self.lighten()
        self.known, self.more = Known(), False
        self.outages = self.asked_since_ms = 0
        self.urgent = self.asked = False

    def disarm(self) -> None:
        """Stops the timer, if one runs."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def stop(self) -> None:
        """Cancels what runs for this conversation, for good; a commit under way still ends."""
        self.stopped = True
        self.disarm()
        if self.task is not None:
            self.task.cancel()
