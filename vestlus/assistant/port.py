"""What a conversation needs of an assistant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be answered: the unanswered messages, and what was said before them."""

    account: str
    user: str
    #: Earlier messages, oldest first.
    history: tuple[HistoryMessage, ...]
    #: What the user wrote since, oldest first; at least one.
    messages: tuple[HistoryMessage, ...]
    #: Now, milliseconds since 1970, UTC.
    now_ms: int
    #: W3C trace context, empty when there is none.
    traceparent: str = ""


class Assistant(Protocol):
    """Answers questions. One per process; cancellable at any moment."""

    async def reply(self, question: Question) -> Reply:
        """An answer with at least one part that is not empty.

        Raises AssistantUnavailable after its own bounded retries, AssistantInvalid when the
        model's output cannot be used.
        """
        ...

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice."""
        ...
