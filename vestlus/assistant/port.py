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
    #: What was said before ``history``, in a few sentences; empty when that is everything.
    summary: str = ""
    #: The ids of pictures that this conversation has had already.
    pictures_sent: tuple[str, ...] = ()
    #: The language that the conversation had so far, BCP 47; empty when not known.
    language: str = ""
    #: W3C trace context, empty when there is none.
    traceparent: str = ""
    #: When an answer to these messages was first asked for, by the event loop's clock, seconds;
    #: 0 for now. Of those who wait for the model, who has waited for longest goes first.
    asked_since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is to be summed up: a stretch of a conversation, and what came before it."""

    account: str
    user: str
    #: The summary of what came before ``messages``; empty when nothing did.
    summary: str
    #: Oldest first; at least one.
    messages: tuple[HistoryMessage, ...]


class Assistant(Protocol):
    """Answers questions. One per process; cancellable at any moment."""

    async def reply(self, question: Question) -> Reply:
        """An answer with at least one part that is not empty, or a ``concern`` and no parts.

        What is in it was checked against what the assistant was given: pictures exist and may be
        sent, links and personal data are from the account's own texts, masked data is restored.
        Raises AssistantUnavailable after its own bounded retries, AssistantInvalid when the
        model's output cannot be used.
        """
        ...

    async def summarise(self, past: Past) -> str:
        """The gist of the summary and the messages together, in a few sentences; not empty.

        Of the messages alone where a provider's filter refuses only the two together. Raises what
        :meth:`reply` raises, AssistantRefused where the messages are refused by themselves.
        """
        ...

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice."""
        ...
