"""Dead letters: found, handed in for a replay or refused with the reason said, and put away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.conversation.events import Event
from vestlus.conversation.operating import Act, operator_event
from vestlus.conversation.replaying import Refusal, replay_refusal
from vestlus.errors import VestlusError
from vestlus.privacy.export import readable
from vestlus.republishing import Republish, inbox_of, republish
from vestlus.settings import Settings
from vestlus.store.port import Store
from vestlus.store.rows import (
    LEDGER_SOURCE,
    ConversationRow,
    DeadLetter,
    LetterState,
    Origin,
    Silence,
)

#: What is said of each refusal, and what to do about it.
WHY: Mapping[Refusal, str] = {
    Refusal.WINDOW_CLOSED: "window_closed: the user last wrote too long ago, and Instagram lets "
    "nobody answer now. It can be replayed once the user writes again",
    Refusal.MAY_HAVE_BEEN_SENT: "may_have_been_sent: the user may have it already. Look into the "
    "conversation in Instagram; --although-it-may-have-been-sent sends it once more",
    Refusal.USER_STOPPED: "user_stopped: the user asked for no more answers",
    Refusal.ERASED: "erased: its content is gone, by the user's wish or with an earlier discard",
    Refusal.UNDECODABLE: "undecodable: its bytes are no message that this version can read. "
    "`show` has them; `discard` puts it away",
    Refusal.NOT_DEAD: "not_dead: it is not given up any more",
}


class Hands(Protocol):
    """What whoever sees to dead letters works with."""

    @property
    def settings(self) -> Settings:
        """The service's."""
        ...

    @property
    def clock(self) -> Clock:
        """Now, milliseconds since 1970."""
        ...

    @property
    def store(self) -> Store:
        """Raises StoreUnavailable where there is none."""
        ...

    @property
    def bus(self) -> Bus:
        """Raises BusUnavailable where there is none."""
        ...

    async def hand_in(self, event: Event) -> None:
        """Publishes an act to its user's partition, durably."""
        ...


#: Entered before a letter goes on its way, and left when it is: with the letter, and the key of the
#: event that takes it there, empty where those are the letter's own. Nothing is handed in where
#: entering raises.
Handing = Callable[[DeadLetter, str], AbstractAsyncContextManager[None]]


class NoSuchLetter(VestlusError):
    """There is none of that id. Its message says where ids are listed."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wishes the replay, and whether also of what may have been sent."""

    by: str
    although_sent: bool


async def letter_named(service: Hands, letter: str) -> DeadLetter:
    """The letter of that id. Raises NoSuchLetter."""
    found = await service.store.dead_letter(letter)
    if found is None:
        raise NoSuchLetter(
            f"there is no dead letter {letter}: `vestlus dead-letters list --all` shows their ids"
        )
    return found


async def replayed(
    service: Hands, letters: Sequence[str], wish: Wish, handing: Handing
) -> list[tuple[str, Refusal | None]]:
    """Letter and refusal, in the order in which they were handed in. Raises NoSuchLetter, before
    any of them is.
    """
    found = [await letter_named(service, one) for one in dict.fromkeys(letters)]
    ordered = sorted(found, key=_place)
    return [(one.id, await _replay(service, one, wish, handing)) for one in ordered]


async def discarded(service: Hands, letter: str, by: str) -> bool:
    """Puts a letter away; not where somebody had seen to it already."""
    return await service.store.discard(letter, by=by, now_ms=service.clock())


async def _replay(
    service: Hands, letter: DeadLetter, wish: Wish, handing: Handing
) -> Refusal | None:
    if letter.state is not LetterState.OPEN:
        return Refusal.NOT_DEAD
    if not letter.body:
        return Refusal.ERASED
    if letter.conversation is None:
        return await _republished(service, letter, wish, handing)
    rows = await service.store.load([letter.conversation], 0)
    row = rows.get(letter.conversation)
    if row is None:
        return Refusal.NOT_DEAD
    refusal = _refusal(letter, row, wish, service.clock())
    if refusal is None:
        event = operator_event(
            Act.REPLAY,
            account=row.account,
            user=row.user,
            # Whoever else asks at the same time finds it replayed already.
            identity=uuid4().hex,
            at_ms=service.clock(),
            text=wish.by,
            turn=1 if wish.although_sent else None,
            letter=letter.id,
        )
        async with handing(letter, event.key):
            await service.hand_in(event)
    return refusal


def _refusal(letter: DeadLetter, row: ConversationRow, wish: Wish, now_ms: int) -> Refusal | None:
    """As the conversation's owner will judge it, for whoever asks to hear it now."""
    return replay_refusal(
        erased=not letter.body,
        doubtful=letter.doubtful,
        although_sent=wish.although_sent,
        stopped=row.silence is Silence.STOPPED,
        persons=letter.source == LEDGER_SOURCE and _body(letter).get("origin") == Origin.PERSON,
        user_ms=row.user_ms,
        now_ms=now_ms,
    )


async def _republished(
    service: Hands, letter: DeadLetter, wish: Wish, handing: Handing
) -> Refusal | None:
    """Publishes a delivery's events again. First that, then the note: a kill in between makes
    it possible twice, which the events' keys make harmless.
    """
    message = inbox_of(letter.body)
    if message is None:
        return Refusal.UNDECODABLE
    talks = {event.conversation for event in message.events if event.conversation}
    rows = await service.store.load(talks, 0)
    wrote = {id_: row.user_ms for id_, row in rows.items()}
    now = service.clock()
    plan = republish(message, service.settings.partitions, lambda id_: wrote.get(id_, 0), now)
    if not isinstance(plan, Republish):
        return plan
    async with handing(letter, ""):
        for partition, body in plan.messages:
            await service.bus.publish(Queue.INBOX, partition, [body])
    await service.store.note_replay(letter.id, by=wish.by, now_ms=now)
    return None


def _place(letter: DeadLetter) -> tuple[int, int, str]:
    """Orders what is replayed together as it was decided."""
    position = _body(letter).get("position") if letter.source == LEDGER_SOURCE else 0
    return letter.at_ms, position if isinstance(position, int) else 0, letter.id


def _body(letter: DeadLetter) -> dict[str, Any]:
    found = readable(letter.body)
    return found if isinstance(found, dict) else {}
