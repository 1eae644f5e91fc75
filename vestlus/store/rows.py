"""What the store takes and gives: plain values. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage
from vestlus.store.ledger import SendState


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act for ``name``, as of ``epoch``. A later epoch makes this one void."""

    name: str
    epoch: int


class MemberKind(StrEnum):
    """What a member of the service is."""

    CONVERSATION = "conversation"
    PUBLISHER = "publisher"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Member:
    """A process that can hold leases.

    ``id`` is the same after a restart, unique over all clusters on the store; ``incarnation`` is
    new with every start.
    """

    id: str
    kind: MemberKind
    incarnation: str
    host: str
    pid: int

    @property
    def owner(self) -> str:
        """The name under which this incarnation holds leases."""
        return f"{self.id}#{self.incarnation}"


class EventState(StrEnum):
    """What became of a recorded event."""

    #: Calls for an answer and has none yet.
    PENDING = "pending"
    #: A committed turn answers it.
    ANSWERED = "answered"
    #: Recorded; calls for no answer.
    NOTED = "noted"
    #: Given up; a dead letter exists.
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event in the store. ``seq`` rises with the order of recording within a conversation."""

    seq: int
    event: Event
    state: EventState
    recorded_ms: int


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as the store knows it.

    ``version`` rises with every committed turn and with everything else that changes what a
    prompt is built from, but not with new events. ``pending`` are in order of recording.
    """

    id: str
    account: str
    user: str
    partition: int
    version: int
    #: Failed attempts to answer since the last success.
    failures: int
    #: Not before this time, 0 for at once.
    wake_ms: int
    #: Takeovers that found events unanswered since the last committed turn.
    takeovers: int
    #: Turns begun as a suspect since the last committed turn.
    probes: int
    history: tuple[HistoryMessage, ...]
    pending: tuple[RecordedEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSend:
    """A ledger row to be written. ``id`` makes a second writing of the same row harmless."""

    id: str
    account: str
    user: str
    conversation: str
    #: Orders the sends of one conversation.
    position: int
    text: str
    #: The mids of the user's messages that this answers.
    answers: tuple[str, ...]
    due_ms: int
    #: Not sent after this time: Instagram's window will have closed.
    deadline_ms: int
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCommit:
    """Everything that one turn changes, written in one transaction or not at all."""

    lease: Lease
    conversation: str
    #: The version that the prompt was built from.
    version: int
    #: The events that this turn answers, by ``seq``.
    answered: tuple[int, ...]
    #: What is added to the history: the user's messages and the answer.
    history: tuple[HistoryMessage, ...]
    sends: tuple[NewSend, ...]


class CommitResult(StrEnum):
    """What became of a turn's commit."""

    COMMITTED = "committed"
    #: The conversation's version, or one of its events, is not what the turn was built from.
    CONFLICT = "conflict"
    #: Somebody else owns the partition now.
    LEASE_LOST = "lease_lost"
    #: The database does not take the turn's values; committing it again is useless.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRow:
    """A ledger row that is not finished."""

    id: str
    account: str
    user: str
    conversation: str
    position: int
    text: str
    answers: tuple[str, ...]
    state: SendState
    due_ms: int
    deadline_ms: int
    #: Requests that may have been written so far.
    attempts: int
    #: Of these, repeats after an ambiguous outcome.
    resends: int
    #: When the last request was begun, 0 before the first.
    attempted_ms: int
    traceparent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of a ledger row, on the condition that it is in ``before``.

    A step to SENDING counts an attempt and notes ``at_ms`` as its time. A step from LOOKING to
    PENDING counts a resend. A step to SENT needs ``sent_mid``, which proves one row only. Steps
    to DEAD and UNKNOWN need ``reason``; a step to DEAD writes a dead letter with it.
    """

    id: str
    before: SendState
    after: SendState
    at_ms: int
    #: When to go on, for steps to PENDING and LOOKING.
    due_ms: int = 0
    sent_mid: str | None = None
    reason: str = ""


class TransitionResult(StrEnum):
    """What became of a transition."""

    DONE = "done"
    #: The row was not in the state before.
    STALE = "stale"
    #: Another row already holds this ``sent_mid``.
    MID_TAKEN = "mid_taken"
    LEASE_LOST = "lease_lost"


@dataclass(frozen=True, slots=True)
class EchoRow:
    """An echo that no ledger row has claimed by its mid."""

    mid: str
    text: str
    timestamp_ms: int
    recorded_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something given up: what it was, whole, and why. ``id`` makes adding it twice harmless."""

    id: str
    #: The queue or table it comes from.
    source: str
    reason: str
    body: bytes
    at_ms: int
    account: str | None = None
    user: str | None = None
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over the store, for measures and readiness."""

    #: Events by kind and state, as ``kind/state``.
    events: Mapping[str, int]
    #: Ledger rows by state.
    sends: Mapping[str, int]
    dead_letters: int
