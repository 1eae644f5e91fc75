"""What people do with conversations: take over, answer, agree to drafts, hand back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

import structlog

from vestlus.clock import Clock
from vestlus.conversation.events import Event
from vestlus.conversation.operating import Act, operator_event
from vestlus.desk.looking import Looking, silence_of
from vestlus.desk.writing import Way, checked_text, checked_way
from vestlus.errors import StoreUnavailable, VestlusError
from vestlus.store.port import Store
from vestlus.store.rows import ConversationRow, Silence, persons_until_ms
from vestlus.store.talk_rows import Talk

_log = structlog.get_logger(__name__)

#: Hands an act in: publishes it, durably. Raises BusUnavailable.
HandIn = Callable[[Event], Awaitable[None]]


class NoSuchDraft(VestlusError):
    """No draft of that turn waits: somebody was faster, or its window has closed."""


class HandedBack(StrEnum):
    """What handing a conversation back to the bot came to."""

    #: The bot answers again.
    ANSWERS = "answers"
    #: The user asked for no answers; the conversation waits for nobody any more, and nobody has it.
    SEEN_TO = "seen_to"
    #: The user asked for no answers: nothing changes, and nothing was handed in.
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Handed:
    """An act is on its way. ``key`` is its event's, the same for the same act handed in twice."""

    conversation: str
    key: str
    way: Way = Way.USUAL


class ConversationDesk(Looking):
    """The conversations of the service. Acts are upon one as :meth:`talk` read it just now.

    What is done goes to the conversation's owner over the bus, durably, and is there within
    moments. ``identity`` tells acts apart: the same one twice, as of a form that was sent twice,
    is done once.
    """

    def __init__(self, store: Store, hand_in: HandIn, clock: Clock) -> None:
        super().__init__(store, clock)
        self._hand_in = hand_in

    async def take_over(self, talk: Talk, identity: str = "") -> Handed:
        """Silences the bot, and cancels what it has not sent."""
        return await self._act(Act.TAKE_OVER, talk.row, identity)

    async def reply(self, talk: Talk, text: str, identity: str = "") -> Handed:
        """Writes to the user as a person; the bot is silent then. Whoever writes has read, as far
        as that can be noted just now.

        Raises ReplyRefused where Instagram would not take it.
        """
        checked_text(text)
        row = talk.row
        way = checked_way(row.user_ms, self._clock())
        handed = await self._act(Act.REPLY, row, identity, text=text, way=way)
        try:
            await self._store.mark_read(row.id, row.user_ms, self._clock())
        except StoreUnavailable:
            # It is on its way: whoever is told that it failed would write it once more.
            _log.warning("not_marked_as_read", conversation=row.id)
        return handed

    async def approve(
        self, talk: Talk, turn: int, text: str | None = None, identity: str = ""
    ) -> Handed:
        """Sends the drafts of a turn; with ``text``, that instead.

        Raises NoSuchDraft, and ReplyRefused for a text that is too long.
        """
        if text is not None and text.strip():
            checked_text(text)
        await self._look_for_draft(talk, turn)
        return await self._act(Act.APPROVE, talk.row, identity, text=text, turn=turn)

    async def reject(self, talk: Talk, turn: int, identity: str = "") -> Handed:
        """Does not send the drafts of a turn. Raises NoSuchDraft."""
        await self._look_for_draft(talk, turn)
        return await self._act(Act.REJECT, talk.row, identity, turn=turn)

    async def hand_back(self, talk: Talk, identity: str = "") -> tuple[HandedBack, Handed | None]:
        """Lets the bot answer again, unless the user asked for no more answers."""
        row = talk.row
        stopped = silence_of(row, self._clock()) is Silence.STOPPED
        persons = persons_until_ms(row.silence, row.silent_until_ms) > self._clock()
        if stopped and not (row.waiting_ms or persons):
            return HandedBack.STOPPED, None
        handed = await self._act(Act.HAND_BACK, row, identity)
        # An emergency makes a person wanted even there; this is how it is marked as seen to.
        return HandedBack.SEEN_TO if stopped else HandedBack.ANSWERS, handed

    async def read(self, talk: Talk, until_ms: int | None = None) -> None:
        """Notes that somebody has read up to the user's message of that time, or all of it."""
        row = talk.row
        until = row.user_ms if until_ms is None else min(until_ms, row.user_ms)
        await self._store.mark_read(row.id, until, self._clock())

    async def _look_for_draft(self, talk: Talk, turn: int) -> None:
        waiting = await self._store.drafts_of(talk.row.id) if talk.drafts else ()
        if turn not in waiting:
            raise NoSuchDraft("no such draft waits: it was decided about, or its window closed")

    async def _act(
        self,
        act: Act,
        row: ConversationRow,
        identity: str,
        *,
        text: str | None = None,
        turn: int | None = None,
        way: Way = Way.USUAL,
    ) -> Handed:
        event = operator_event(
            act,
            account=row.account,
            user=row.user,
            identity=f"{row.id}.{act}.{identity}" if identity else uuid4().hex,
            at_ms=self._clock(),
            text=text,
            turn=turn,
        )
        await self._hand_in(event)
        return Handed(row.id, event.key, way)
