"""Conversations as people look at them: lists, searches, transcripts."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from vestlus.clock import Clock
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.window import WINDOW_MS
from vestlus.desk.transcripts import NEWEST_MS, Transcript, happened, transcript_of
from vestlus.errors import VestlusError
from vestlus.store.port import Store
from vestlus.store.rows import ConversationRow, Draft, RecordedEvent, Silence
from vestlus.store.talk_rows import Place, Talk, TalkPage, Wanted

#: Conversations of a page, and messages of a transcript's.
PAGE: Final = 50
PART: Final = 60

#: What the audit says is found in so many of its newest entries about a conversation.
_ENTRIES: Final = 200

HOUR_MS: Final = 3_600_000
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_USER: Final = re.compile(r"[0-9]{5,40}", re.ASCII)

#: Of a place's number, with its sign: fewer than a database's numbers have.
_DIGITS: Final = 18

#: What the audit calls what is done with conversations, and what is none of their doings.
ACTIONS: Final = "conversation."
_UNSAID: Final = frozenset({"conversation.read"})


class NoSuchConversation(VestlusError):
    """There is none of that id. Its message says where ids are listed."""


class Looking:
    """What can be seen of the service's conversations."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def conversation(self, conversation: str, history: int) -> ConversationRow:
        """The conversation with its newest messages. Raises NoSuchConversation."""
        rows = await self._store.load([conversation], history)
        if conversation not in rows:
            raise _no_such()
        return rows[conversation]

    async def listed(
        self, limit: int, account: str | None, *, waiting: bool, closing_hours: float | None
    ) -> tuple[ConversationRow, ...]:
        """The newest by the user's last message, those that wait for a person, or those with
        something open whose 24 hours end within so many hours.
        """
        if closing_hours is None:
            return await self._store.conversations(limit=limit, waiting=waiting, account=account)
        now = self._clock()
        return await self._store.unfinished_conversations(
            after_ms=now - WINDOW_MS,
            before_ms=now - WINDOW_MS + round(closing_hours * HOUR_MS),
            limit=limit,
            account=account,
            waiting=waiting,
        )

    async def page(
        self,
        wanted: Wanted,
        *,
        account: str | None = None,
        behind: Place | None = None,
        limit: int = PAGE,
        closing_hours: float = 2.0,
    ) -> TalkPage:
        """A page of a list, to go on with where the one before ended."""
        return await self._store.talks(
            wanted,
            now_ms=self._clock(),
            limit=limit,
            account=account,
            behind=behind,
            closing_ms=round(closing_hours * HOUR_MS),
        )

    async def found(
        self,
        query: str,
        accounts: Collection[str],
        *,
        account: str | None = None,
        behind: Place | None = None,
        limit: int = PAGE,
    ) -> TalkPage:
        """Conversations by their own id, by the user's id at Instagram, or by words said in them.

        Users' names are not known: Instagram tells messages apart by ids alone.
        """
        asked = query.strip()
        ids = [asked] if _ID.fullmatch(asked) else []
        if _USER.fullmatch(asked):
            ids += [conversation_id(one, asked) for one in accounts]
        if ids and behind is None:
            named = [talk for one in ids if (talk := await self._store.talk(one)) is not None]
            named = [talk for talk in named if account in (None, talk.row.account)]
            if named:
                return TalkPage(talks=tuple(named))
        return await self._store.talks_saying(
            asked.split(), limit=limit, account=account, behind=behind
        )

    async def talk(self, conversation: str) -> Talk:
        """How the conversation stands. Raises NoSuchConversation."""
        found = await self._store.talk(conversation)
        if found is None:
            raise _no_such()
        return found

    async def transcript(self, conversation: str, *, before_ms: int = NEWEST_MS) -> Transcript:
        """What was said and done before that time, the newest part of it, and how the
        conversation stands. Raises NoSuchConversation.
        """
        talk = await self.talk(conversation)
        part = await self._store.transcript(
            conversation, talk.row.account, before_ms=before_ms, limit=PART
        )
        entries = await self._store.audit_entries(
            target=conversation, action=ACTIONS, limit=_ENTRIES
        )
        told = [one for one in entries if one.action not in _UNSAID]
        done = happened(told, {one.event.key for one in part.events})
        return transcript_of(talk, part, done, now_ms=self._clock(), limit=PART)

    async def message(self, conversation: str, seq: int) -> RecordedEvent | None:
        """A recorded message of the conversation, for what came with it."""
        return await self._store.recorded_event(conversation, seq)

    async def drafts(self, *, limit: int) -> tuple[Draft, ...]:
        """What waits for a person's yes, nearest deadline first."""
        return await self._store.drafts(limit=limit)


def silence_of(row: ConversationRow, now_ms: int) -> Silence:
    """Why the bot is silent now, if it is."""
    return row.silence if row.silent_until_ms > now_ms else Silence.NONE


def place_of(text: str) -> Place | None:
    """The place that :func:`place_word` wrote; None for an empty text. Raises ValueError."""
    if not text:
        return None
    number, _, id_ = text.partition(".")
    if len(number) > _DIGITS or (id_ and not _ID.fullmatch(id_)):
        raise ValueError("is no place in a list")
    return Place(int(number), id_)


def place_word(place: Place | None) -> str:
    """A place in a list as a word for an address; empty for the end."""
    if place is None:
        return ""
    return f"{place.number}.{place.id}" if place.id else str(place.number)


def _no_such() -> NoSuchConversation:
    return NoSuchConversation(
        "there is no such conversation: `vestlus conversations list` shows their ids"
    )
