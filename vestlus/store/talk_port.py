"""The store's port for people who read conversations and answer in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vestlus.store.rows import RecordedEvent
from vestlus.store.talk_rows import Place, Talk, TalkPage, TranscriptPart, Wanted


class Talks(Protocol):
    """Lists of conversations, page by page, and transcripts. Nothing here reads a table whole."""

    async def talks(
        self,
        wanted: Wanted,
        *,
        now_ms: int,
        limit: int,
        account: str | None = None,
        behind: Place | None = None,
        closing_ms: int = 0,
    ) -> TalkPage:
        """A page of a list. ``closing_ms``: for CLOSING, within which time windows close.

        NEWEST and UNREAD go back through recorded events, and find conversations in which nothing
        happened for as long as those are kept in no other list than their own.
        """
        ...

    async def talks_saying(
        self,
        words: Sequence[str],
        *,
        limit: int,
        account: str | None = None,
        behind: Place | None = None,
    ) -> TalkPage:
        """Conversations in which either side wrote a message with all of these words, in whatever
        case; those first in which it was recorded last. Goes back through so many recorded events
        at a time, and no further than those are kept.
        """
        ...

    async def talk(self, conversation: str) -> Talk | None:
        """One conversation as it is listed."""
        ...

    async def mark_read(self, conversation: str, user_ms: int, now_ms: int) -> None:
        """Notes that somebody has read up to the user's message of that time; never back."""
        ...

    async def transcript(
        self, conversation: str, account: str, *, before_ms: int, limit: int
    ) -> TranscriptPart:
        """What is kept of the conversation before that time, the newest: at most so many of
        each kind.
        """
        ...

    async def drafts_of(self, conversation: str) -> frozenset[int]:
        """The turns of the conversation of which something waits for a person's yes."""
        ...

    async def recorded_event(self, conversation: str, seq: int) -> RecordedEvent | None:
        """The event of that number, if it is one of this conversation's."""
        ...

    async def talk_stamp(self, conversation: str) -> str:
        """Differs when something happened in the conversation; cheap to ask for."""
        ...

    async def talks_stamp(self) -> str:
        """Differs when something happened in any; cheap to ask for."""
        ...
