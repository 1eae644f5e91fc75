"""Conversations as people have them before them: in lists, and as transcripts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vestlus.store.ledger import SendState
from vestlus.store.rows import ConversationRow, Kind, Origin, RecordedEvent


class Wanted(StrEnum):
    """Which conversations are listed, and in which order."""

    #: All of them, those first in which something happened last.
    NEWEST = "newest"
    #: In which the user wrote since somebody last read; ordered as NEWEST.
    UNREAD = "unread"
    #: That wait for a person, longest first.
    WAITING = "waiting"
    #: In which the bot is silent; whose silence ends first comes first.
    PAUSED = "paused"
    #: Of which something was given up that nobody has seen to, newest first.
    FAILED = "failed"
    #: With drafts, nearest deadline first.
    DRAFTS = "drafts"
    #: With something open, whose window closes soon; soonest first.
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list, behind which the next page begins."""

    number: int
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation in a list."""

    #: Without its history and what is unanswered.
    row: ConversationRow
    #: The newest message of either side that is still kept.
    last: RecordedEvent | None = None
    #: Messages that wait for a person's yes.
    drafts: int = 0
    #: What was given up of it, and nobody has seen to.
    failed: int = 0
    #: Up to which message of the user's somebody has read, by its time; 0 for none.
    read_ms: int = 0

    @property
    def unread(self) -> bool:
        """Whether the user wrote since somebody last read."""
        return self.row.user_ms > self.read_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkPage:
    """A page of a list. It may be empty and yet not the last one: a search looks at so many
    messages at a time.
    """

    talks: tuple[Talk, ...]
    #: Where the next page begins; None at the end.
    behind: Place | None = None
    #: For a list that goes back in time: until when was looked.
    looked_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """A message of the history, and its place there. ``role`` is that of a history message."""

    position: int
    role: str
    text: str
    at_ms: int
    mid: str | None
    turn: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Something that was to be sent, and what became of it."""

    id: str
    position: int
    turn: int
    kind: Kind
    text: str
    pictures: tuple[str, ...]
    origin: Origin
    state: SendState
    reason: str
    created_ms: int
    changed_ms: int
    deadline_ms: int
    sent_mid: str | None
    echo_mid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptPart:
    """What the store has of a part of a conversation, all of it before some moment, newest first.

    The same message may be in the history, in the events and in the ledger: each is kept for a
    time of its own.
    """

    history: tuple[HistoryLine, ...] = ()
    #: Messages of both sides and what people did.
    events: tuple[RecordedEvent, ...] = ()
    sends: tuple[Sending, ...] = ()
    #: Edits, unsends and reactions to what is in this part.
    about: tuple[RecordedEvent, ...] = ()
    #: Mids of the history of which an event is recorded, also if not in this part.
    recorded: frozenset[str] = frozenset()
    #: Turns of the history of which something is in the ledger.
    promised: frozenset[int] = frozenset()
    #: Mids of echoes that are a send's.
    claimed: frozenset[str] = frozenset()
    #: When the user last read what was sent, by Meta's clock; 0 where it is not known.
    seen_ms: int = 0
    #: Whether there is something older.
    more: bool = False
