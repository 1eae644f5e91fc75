"""Whether a person may write to a user now, and as what. Plain decisions."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vestlus.conversation.splitting import split_text
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, window_end_ms
from vestlus.desk.moments import moment
from vestlus.errors import VestlusError

#: Messages that one text may become. Each has at most 1,000 bytes.
MOST_MESSAGES: Final = 20


class Way(StrEnum):
    """How a person's message goes out."""

    #: As anybody's, within 24 hours of what the user wrote last.
    USUAL = "usual"
    #: As a human agent's, with Meta's tag HUMAN_AGENT, within 7 days.
    HUMAN_AGENT = "human_agent"
    #: Not at all: those are over.
    CLOSED = "closed"
    #: Not at all: the user has never written.
    NEVER = "never"

    @property
    def is_open(self) -> bool:
        """Whether anything goes out."""
        return self in (Way.USUAL, Way.HUMAN_AGENT)


class ReplyRefused(VestlusError):
    """What was to be written cannot be sent. Its message says why; nothing was handed in.

    ``reason`` is a stable word: ``blank``, ``too_long``, ``never_wrote``, ``too_late``.
    """

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(reason, words)
        self.reason = reason
        self.words = words

    def __str__(self) -> str:
        return self.words


def way_to_write(user_ms: int, now_ms: int) -> Way:
    """How a person may write to a user who wrote last at ``user_ms``, 0 for never."""
    if not user_ms:
        return Way.NEVER
    if now_ms <= window_end_ms(user_ms):
        return Way.USUAL
    return Way.HUMAN_AGENT if now_ms <= user_ms + HUMAN_AGENT_WINDOW_MS else Way.CLOSED


def checked_text(text: str) -> str:
    """The text, if it can be sent whenever anything can. Raises ReplyRefused."""
    if not text.strip():
        raise ReplyRefused("blank", "there is nothing to send: the text is blank")
    pieces = len(split_text(text))
    if pieces > MOST_MESSAGES:
        raise ReplyRefused(
            "too_long",
            f"not sent: the text would become {pieces} messages of 1000 bytes, and "
            f"{MOST_MESSAGES} are the most",
        )
    return text


def checked_way(user_ms: int, now_ms: int) -> Way:
    """How a person's message goes out. Raises ReplyRefused where it would not."""
    way = way_to_write(user_ms, now_ms)
    if way is Way.NEVER:
        raise ReplyRefused(
            "never_wrote", "not sent: Instagram lets nobody write to a user who has never written"
        )
    if way is Way.CLOSED:
        raise ReplyRefused(
            "too_late",
            f"not sent: the user last wrote at {moment(user_ms)}, and Instagram lets a person "
            "write for 7 days after that",
        )
    return way
