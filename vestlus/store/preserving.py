"""Conversations of which nothing may go, and the port that marks them.

A dispute, an inquiry: while the mark holds, nothing of the conversation is pruned, whatever its
age, and erasing it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Preservation:
    """Why a conversation is preserved. Times are milliseconds since 1970."""

    conversation: str
    reason: str
    #: Who said so.
    by: str
    since_ms: int
    #: The mark ends by itself then; 0 for when somebody releases it.
    until_ms: int = 0

    def holds(self, now_ms: int) -> bool:
        """Whether the mark has not ended."""
        return self.until_ms == 0 or now_ms < self.until_ms


class Preserving(Protocol):
    """Marks conversations, and takes the marks away. All methods raise StoreUnavailable."""

    async def preserve(self, conversation: str, *, reason: str, by: str, until_ms: int = 0) -> bool:
        """Marks a conversation, or marks it anew; whether there is such a conversation.

        One that is marked already is preserved since it was marked first.
        """
        ...

    async def release_conversation(self, conversation: str) -> bool:
        """Takes the mark away, and has the next walks look at everything again; whether there is
        such a conversation.
        """
        ...

    async def preservation(self, conversation: str) -> Preservation | None:
        """Its mark; None where it has none, or one that ended by the database's clock."""
        ...

    async def end_preservations(self) -> int:
        """Takes marks away that ended; how many."""
        ...
