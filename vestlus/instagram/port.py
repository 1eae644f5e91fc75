"""What publishers need of Instagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RecentMessage:
    """One message as the Conversations API lists it. ``created_ms``: since 1970, whole seconds."""

    mid: str
    sender: str
    text: str
    created_ms: int


class Messaging(Protocol):
    """Sending direct messages, and looking at what was sent.

    Every method raises the :class:`~vestlus.errors.GraphError` family: ``NotSent`` and
    ``Refused`` mean certainly not done, ``OutcomeUnknown`` means that request bytes were written.
    """

    async def send_text(self, account: str, user: str, text: str) -> str:
        """Sends at most 1000 bytes of UTF-8; returns Graph's ``message_id``."""
        ...

    async def recent_messages(self, account: str, user: str) -> tuple[RecentMessage, ...]:
        """The newest messages of the conversation, at most 20, newest first."""
        ...
