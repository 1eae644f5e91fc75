"""What was said before, and how much of it a prompt may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who said it. ``OPERATOR`` is a person at the account's side."""

    USER = "user"
    ASSISTANT = "assistant"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class HistoryMessage:
    """One message of a conversation's history. ``at_ms``: milliseconds since 1970."""

    role: Role
    text: str
    at_ms: int
    mid: str | None = None
    #: Meta's addresses of pictures that came with it. Never stored: they are shown to the model
    #: while the message is unanswered, and are words in brackets afterwards.
    images: tuple[str, ...] = ()


#: Characters per token, low on purpose: Estonian and Russian take more tokens than English, and a
#: prompt that is a little short costs less than one that is refused.
CHARACTERS_PER_TOKEN = 2.5

#: What the envelope of a message costs in a prompt, in tokens.
MESSAGE_OVERHEAD_TOKENS = 6


def estimated_tokens(text: str) -> int:
    """An upper guess of the tokens of a text."""
    return int(len(text) / CHARACTERS_PER_TOKEN) + MESSAGE_OVERHEAD_TOKENS


def newest_within(
    history: Sequence[HistoryMessage], budget_tokens: int
) -> tuple[HistoryMessage, ...]:
    """The newest messages, in order, that fit in the budget; never a gap in the middle."""
    kept = len(history)
    left = budget_tokens
    while kept > 0:
        left -= estimated_tokens(history[kept - 1].text)
        if left < 0:
            break
        kept -= 1
    return tuple(history[kept:])
