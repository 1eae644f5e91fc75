"""What the store takes and gives: plain values. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vestlus.conversation.allowance import NO_USAGE, Usage
from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage
from vestlus.store.ledger import SendState
from vestlus.store.token_rows import TokenRow
from vestlus.store.trail import Moment


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act for ``name``, as of ``epoch``. A later epoch makes this one void."""

    name: str
    epoch: int


class MemberKind(StrEnum):
    """What a member of the service is."""

    CONVERSATION = "conversation"
    PUBLISHER = "publisher"
    SCHEDULER = "scheduler"
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
    #: An echo of which it cannot be told yet whether a person wrote it.
    UNDETERMINED = "undetermined"


class Silence(StrEnum):
    """Why the bot does not answer a user."""

    NONE = ""
    #: A person of the account answered.
    PERSON = "person"
    #: A person is waited for.
    HANDOVER = "handover"
    #: Another app, or the Instagram inbox, has control of the thread.
    STANDBY = "standby"
    #: The user asked for no more answers.
    STOPPED = "stopped"


#: A silence that ends only when something ends it.
FOREVER_MS = 2**62


def stopped_until_ms(persons_ms: int) -> int:
    """The end of a silence that the user asked for, which never comes, while a person has the
    conversation until ``persons_ms``, 0 for nobody: what is beyond FOREVER_MS says that.
    """
    return FOREVER_MS + persons_ms


def persons_until_ms(silence: Silence | str, silent_until_ms: int) -> int:
    """Until when a person has a conversation that stands so, 0 for never.

    A stop leaves it theirs: they have it when the user starts again.
    """
    match silence:
        case Silence.PERSON:
            return silent_until_ms
        case Silence.STOPPED:
            return max(silent_until_ms - FOREVER_MS, 0)
        case _:
            return 0


#: Positions of the sends of one version of a conversation; there are never as many.
MOST_SENDS = 1000

#: The positions of a version from here on are those of the text for an emergency, which no stop
#: cancels. An answer never has as many messages: it is cut off at some dozens.
EMERGENCY_FROM = 900


class Kind(StrEnum):
    """What a send is made of."""

    TEXT = "text"
    #: One message of one to ten pictures.
    PICTURES = "pictures"


class Origin(StrEnum):
    """Who decided a send."""

    #: The assistant, or a fixed text in its place.
    BOT = "bot"
    #: A person at the account's side: only such may bear Meta's tag HUMAN_AGENT.
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSend:
    """A message that a person at the account's side wrote through us."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWish:
    """That the dead letter ``letter`` be replayed. ``by`` says who wishes it."""

    letter: str
    by: str
    #: Also if it may have been sent.
    although_sent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an event changes of its conversation, besides being recorded.

    Applied in the transaction that records or settles the event, and only if the event is new.
    ``None`` leaves things as they are.
    """

    #: Raises the conversation's version, so that turns under way are thought anew.
    rethink: bool = True

    #: A new silence; ``silent_until_ms`` says until when. Silence.NONE ends one.
    silence: Silence | None = None
    silent_until_ms: int = 0
    #: What the bot has decided and not sent is cancelled, drafts too, and never sent.
    cancel_sends: bool = False
    #: Somebody answered: unanswered events recorded before this one are ANSWERED.
    answers_all: bool = False
    #: Of these, only what was written until then, Meta's time; ``None`` for all.
    answers_until_ms: int | None = None
    #: Added to the history.
    history: tuple[HistoryMessage, ...] = ()
    #: The message ``mid`` of the user has a new text: in the history, and in its event.
    edited: tuple[str, str] | None = None
    #: The user took this message back: its content goes from the history and from its event,
    #: which calls for no answer any more.
    removed_mid: str | None = None
    #: Nothing of the bot's is sent until then. Never sooner than said before; 0 ends it.
    held_until_ms: int | None = None
    #: Since when a person is waited for; 0 ends it.
    waiting_ms: int | None = None
    note: str | None = None
    #: The next answer says again that it is an automated one.
    disclose_again: bool = False
    #: A person's messages, to be sent. Their ids and places are made by the store.
    sends: tuple[PersonSend, ...] = ()
    #: The drafts of this turn may be sent; with texts, these instead of the drafts' own.
    approved_turn: int | None = None
    approved_texts: tuple[str, ...] = ()
    #: The drafts of this turn are cancelled.
    rejected_turn: int | None = None
    #: A dead letter of the conversation goes on its way again, if it may.
    replay: ReplayWish | None = None
    #: The user wrote then, in a message that calls for no answer any more. Whoever waits for a
    #: person already goes on waiting, with the note there is.
    heard_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be recorded: its first state, and what it changes."""

    event: Event
    state: EventState
    change: Change | None = None
    #: The ledger row whose echo this is.
    echo_of: str | None = None
    #: The name of its user's tombstone, should there be one; empty for no look.
    grave: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An undetermined echo of which it is known now what it is."""

    seq: int
    conversation: str
    #: NOTED. An echo calls for no answer, whoever wrote it.
    state: EventState = EventState.NOTED
    change: Change | None = None
    echo_of: str | None = None
    mid: str = ""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event in the store. ``seq`` rises with the order of recording within a conversation."""

    seq: int
    event: Event
    state: EventState
    recorded_ms: int


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A recorded message of either side, as far as a listed one can be compared with it."""

    mid: str | None
    text: str
    timestamp_ms: int
    #: The user's, and not an echo.
    from_user: bool
    #: The user took it back: it is listed no more.
    taken_back: bool = False


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
    language: str = ""
    silence: Silence = Silence.NONE
    silent_until_ms: int = 0
    #: Since when a person is waited for, 0 for not; and what that person should know.
    waiting_ms: int = 0
    note: str = ""
    #: When the user last wrote, 0 for never: the window begins there.
    user_ms: int = 0
    #: When the bot last answered, said that it is one, and apologised; 0 for never.
    answered_ms: int = 0
    disclosed_ms: int = 0
    apology_ms: int = 0
    #: Ids of pictures that were sent.
    pictures: tuple[str, ...] = ()
    #: What the first ``summarised`` of ``messages`` messages say.
    summary: str = ""
    summarised: int = 0
    messages: int = 0
    #: How often the model was asked for this user.
    usage: Usage = NO_USAGE
    #: When the user was asked whether everything is to be erased, until the next turn; 0 for not.
    erase_asked_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What a turn makes of its conversation's state; ``None`` leaves things as they are."""

    language: str | None = None
    silence: Silence | None = None
    silent_until_ms: int = 0
    waiting_ms: int | None = None
    note: str | None = None
    answered_ms: int | None = None
    disclosed_ms: int | None = None
    apology_ms: int | None = None
    #: When the user was asked whether everything is to be erased; ``None`` for "not just now".
    erase_asked_ms: int | None = None
    #: All pictures that were sent, these included; ids.
    pictures: tuple[str, ...] | None = None
    usage: Usage | None = None
    #: What the bot has decided before and not sent is cancelled, drafts too, and never sent; but
    #: for the text for an emergency.
    cancel_sends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSend:
    """A ledger row to be written. ``id`` makes a second writing of the same row harmless."""

    id: str
    account: str
    user: str
    conversation: str
    #: Orders the sends of one conversation: the version times MOST_SENDS, and from EMERGENCY_FROM
    #: on for an emergency.
    position: int
    #: Empty for pictures.
    text: str
    #: The mids of the user's messages that this answers.
    answers: tuple[str, ...]
    #: Not before this time, 0 for at once.
    due_ms: int
    #: Not sent after this time: Instagram's window will have closed.
    deadline_ms: int
    traceparent: str = ""
    kind: Kind = Kind.TEXT
    #: Ids of the image bank's pictures: one to ten for PICTURES, none for TEXT.
    pictures: tuple[str, ...] = ()
    origin: Origin = Origin.BOT
    #: The conversation's version that the turn was built from.
    turn: int = 0
    #: Waits for a person's yes.
    draft: bool = False
    #: For the last send of an answer, when the oldest message that it answers was durable.
    asked_ms: int = 0


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
    after: After = field(default_factory=After)


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
    kind: Kind = Kind.TEXT
    pictures: tuple[str, ...] = ()
    origin: Origin = Origin.BOT
    turn: int = 0
    #: When it was decided.
    created_ms: int = 0
    #: As of :class:`NewSend`.
    asked_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentSend:
    """A ledger row as far as an echo can be compared with it."""

    id: str
    conversation: str
    kind: Kind
    text: str
    #: How many pictures it has.
    pictures: int
    state: SendState
    attempted_ms: int
    #: When it last changed: for a finished one, when it ended.
    changed_ms: int
    sent_mid: str | None
    echo_mid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A send that waits for a person's yes."""

    id: str
    account: str
    user: str
    conversation: str
    turn: int
    kind: Kind
    text: str
    pictures: tuple[str, ...]
    created_ms: int
    deadline_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of a ledger row, on the condition that it is in ``before``.

    A step to SENDING counts an attempt and notes ``at_ms`` as its time. A step from LOOKING to
    PENDING counts a resend. A step to SENT needs ``sent_mid``, which proves one row only. Steps
    to DEAD, UNKNOWN and CANCELLED need ``reason``, and others may have one; a step to DEAD or
    UNKNOWN writes a dead letter with it.

    What a turn said is taken from the history once a step makes the last of its sends CANCELLED, or
    DEAD as a draft: the user has seen and will see nothing of it. The version rises then.
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
    #: A step to SENDING of the bot's: an echo of the conversation is undetermined. Try again soon.
    HELD = "held"
    #: A step to SENDING of the bot's: a person answered since it was decided. Cancel it.
    SILENCED = "silenced"
    LEASE_LOST = "lease_lost"


@dataclass(frozen=True, slots=True)
class EchoRow:
    """An echo that no ledger row has claimed by its mid."""

    mid: str
    text: str
    timestamp_ms: int
    recorded_ms: int
    #: How many attachments it has; a message of text has none.
    attachments: int = 0


#: Where dead letters of a conversation come from: messages to us, and from us.
EVENT_SOURCE = "inbox_event"
LEDGER_SOURCE = "ledger"

#: What the ids of events' dead letters begin with; the event's key follows.
EVENT_LETTER_PREFIX = "event:"


class LetterState(StrEnum):
    """What people made of a dead letter."""

    #: Nobody has seen to it.
    OPEN = "open"
    #: It was let go on its way again.
    REPLAYED = "replayed"
    #: Nothing comes of it, on purpose; its content is gone.
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something given up: what it was, whole, and why. ``id`` makes adding it twice harmless."""

    id: str
    #: The queue or table it comes from.
    source: str
    reason: str
    #: Empty where it was erased or discarded.
    body: bytes
    at_ms: int
    account: str | None = None
    user: str | None = None
    conversation: str | None = None
    #: What happened to it, oldest first.
    history: tuple[Moment, ...] = ()
    state: LetterState = LetterState.OPEN
    #: How often it was replayed.
    replays: int = 0
    #: It may have been done all the same: a send that ended UNKNOWN.
    doubtful: bool = False
    #: Names of tombstones: where one of them stands, nothing is kept of the letter. Not stored.
    graves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersWanted:
    """Which dead letters are listed; ``None`` stands for any."""

    state: LetterState | None = None
    reason: str | None = None
    account: str | None = None
    doubtful: bool | None = None
    #: Buried then or later, and earlier than that; milliseconds since 1970.
    since_ms: int = 0
    before_ms: int | None = None
    #: Only what is listed behind this letter: the last one of the page before.
    behind: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over the store, for measures and readiness."""

    #: Events by kind and state, as ``kind/state``.
    events: Mapping[str, int]
    #: Ledger rows by state.
    sends: Mapping[str, int]
    #: Those nobody has seen to.
    dead_letters: int
    #: Conversations that wait for a person.
    waiting: int = 0
    #: Conversations with something unanswered or unsent whose window closes within two hours.
    closing: int = 0
    #: The accounts' tokens, in their state of now.
    tokens: tuple[TokenRow, ...] = ()
    #: Posts by state.
    posts: Mapping[str, int] = field(default_factory=dict)
    #: Occurrences by state.
    occurrences: Mapping[str, int] = field(default_factory=dict)
