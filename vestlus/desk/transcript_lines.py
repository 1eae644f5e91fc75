"""The lines of a transcript."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who said something."""

    USER = "user"
    BOT = "bot"
    PERSON = "person"
    #: Nobody: it tells what happened.
    NOTE = "note"


class LineState(StrEnum):
    """What became of a message. Of a user's: whether it is answered; of ours: whether it went."""

    #: Nothing to say of it.
    NONE = ""
    UNANSWERED = "unanswered"
    DRAFT = "draft"
    QUEUED = "queued"
    SENDING = "sending"
    #: May have been sent: Instagram is asked.
    LOOKING = "looking"
    SENT = "sent"
    READ = "read"
    FAILED = "failed"
    #: May have been sent, and nothing can tell.
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class What(StrEnum):
    """What a note tells."""

    NONE = ""
    TAKE_OVER = "take_over"
    HAND_BACK = "hand_back"
    APPROVE = "approve"
    REJECT = "reject"
    REPLAY = "replay"
    #: Another app, or the Instagram inbox, took or gave control of the thread.
    HANDOVER = "handover"
    #: Where the user came from; the text says it.
    REFERRAL = "referral"
    #: The text, as the history has it.
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Came:
    """Something that came with a user's message. ``type`` is Meta's word for it.

    ``number`` is its place among the message's attachments.
    """

    type: str
    number: int
    title: str = ""

    @property
    def is_picture(self) -> bool:
        """Whether it can be shown. Pictures of story mentions must not be kept by anybody."""
        return self.type == "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message, or one thing that happened. ``id`` is the same whenever it is read."""

    id: str
    who: Who
    #: Milliseconds since 1970: when the user wrote, or when ours was decided.
    at_ms: int
    text: str = ""
    #: The person's name as the audit has it; for a draft's message, of who agreed to it.
    by: str = ""
    #: Written in the Instagram app.
    in_app: bool = False
    state: LineState = LineState.NONE
    #: A stable word: why it failed, or was cancelled.
    reason: str = ""
    what: What = What.NONE
    #: The number of the recorded message, for its pictures.
    seq: int = 0
    came: tuple[Came, ...] = ()
    #: Ids of the image bank's pictures.
    bank_pictures: tuple[str, ...] = ()
    turn: int | None = None
    deadline_ms: int = 0
    #: What others made of it.
    edited: bool = False
    taken_back: bool = False
    reactions: tuple[str, ...] = ()
    #: It answers another message, or a story.
    replies_to: str = ""
    #: Instagram did not pass its content on.
    unsupported: bool = False
