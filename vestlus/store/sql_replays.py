"""Dead letters of conversations that go on their way again, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    bindparam,
    exists,
    literal_column,
    select,
    update,
)

from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.replaying import Refusal, replay_refusal
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, window_end_ms
from vestlus.store import schema
from vestlus.store.rows import (
    EVENT_SOURCE,
    LEDGER_SOURCE,
    MOST_SENDS,
    DeadLetter,
    EventState,
    LetterState,
    NewSend,
    Origin,
    ReplayWish,
    SendRow,
    Silence,
)
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dead_letters import LETTER_COLUMNS, letter_of
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_memory import Memory, history_rows
from vestlus.store.sql_promises import Promises
from vestlus.store.sql_rows import REMOVED
from vestlus.store.sql_standing import Standing
from vestlus.store.sql_trail import longer
from vestlus.store.trail import Moment, written

_EVENT: Final = schema.inbox_event.c
_HISTORY: Final = schema.history.c
_LETTER: Final = schema.dead_letter.c
_SEND: Final = TypeAdapter(SendRow)


@dataclass(frozen=True, slots=True)
class _Done:
    """What a replay made: events that call for an answer again, or nothing to tell of."""

    pending: tuple[int, ...] = ()


class Replays:
    """Statements on dead letters that are replayed. Callers hold the conversations' rows.

    A letter is replayed once, however often that is asked for: whoever comes second finds it
    replayed. What is refused stays as it is, and its history says why.
    """

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        self._memory = Memory(dialect)
        self._promises = Promises(dialect, outbox_partitions)
        of = bindparam("of", type_=Text())
        named = _LETTER.id == bindparam("letter", type_=Text())
        self._lock = (
            select(*LETTER_COLUMNS).where(named, _LETTER.conversation == of).with_for_update()
        )
        trail = longer(_LETTER.trail, bindparam("moment", type_=Text()))
        self._note = update(schema.dead_letter).where(named).values(trail=trail)
        self._replayed = (
            update(schema.dead_letter)
            .where(named)
            .values(state=str(LetterState.REPLAYED), replays=_LETTER.replays + 1, trail=trail)
        )
        self._ask_again = (
            update(schema.inbox_event)
            .where(
                _EVENT.conversation == of,
                _EVENT.key == bindparam("event", type_=Text()),
                _EVENT.state == str(EventState.DEAD),
            )
            .values(state=literal_column(schema.PENDING, Text))
            .returning(_EVENT.seq)
        )
        self._is_said = select(
            exists().where(
                _HISTORY.conversation == of,
                _HISTORY.turn == bindparam("of_turn", type_=BigInteger()),
                _HISTORY.role != REMOVED,
            )
        )

    def replay(
        self,
        connection: Connection,
        standing: Standing,
        wish: ReplayWish,
        *,
        turn: int,
        traceparent: str,
        now_ms: int,
    ) -> tuple[int, ...]:
        """Replays a letter of the conversation, if it may be; the numbers of events that call
        for an answer again. ``turn`` is a version from which no turn can be committed any more.
        """
        named = {"letter": cleaned(wish.letter), "of": standing.id}
        row = connection.execute(self._lock, named).one_or_none()
        if row is None:
            return ()
        letter = letter_of(row)
        if letter.state is not LetterState.OPEN:
            return ()
        if letter.source == EVENT_SOURCE:
            done = self._ask(connection, standing, letter, wish, now_ms)
        elif letter.source == LEDGER_SOURCE:
            done = self._send(
                connection,
                standing,
                letter,
                wish,
                turn=turn,
                traceparent=traceparent,
                now_ms=now_ms,
            )
        else:
            done = Refusal.UNDECODABLE
        if isinstance(done, Refusal):
            moment = Moment(now_ms, "replay_refused", f"{done} {wish.by}")
            statement = self._note
        else:
            moment = Moment(now_ms, "replayed", wish.by)
            statement = self._replayed
        values = {"letter": letter.id, "moment": cleaned(written([moment]))}
        connection.execute(statement, values)
        return () if isinstance(done, Refusal) else done.pending

    def _ask(
        self,
        connection: Connection,
        standing: Standing,
        letter: DeadLetter,
        wish: ReplayWish,
        now_ms: int,
    ) -> _Done | Refusal:
        refusal = _refusal(standing, letter, wish, persons=False, now_ms=now_ms)
        if refusal is not None:
            return refusal
        event = letter.id.partition(":")[2]
        named = {"of": standing.id, "event": event}
        pending = tuple(connection.execute(self._ask_again, named).scalars())
        return _Done(pending) if pending else Refusal.NOT_DEAD

    def _send(
        self,
        connection: Connection,
        standing: Standing,
        letter: DeadLetter,
        wish: ReplayWish,
        *,
        turn: int,
        traceparent: str,
        now_ms: int,
    ) -> _Done | Refusal:
        if not letter.body:
            return Refusal.ERASED
        try:
            dead = _SEND.validate_json(letter.body)
        except ValidationError:
            return Refusal.UNDECODABLE
        persons = dead.origin is Origin.PERSON
        refusal = _refusal(standing, letter, wish, persons=persons, now_ms=now_ms)
        if refusal is not None:
            return refusal
        until_ms = (
            standing.user_ms + HUMAN_AGENT_WINDOW_MS if persons else window_end_ms(standing.user_ms)
        )
        again = NewSend(
            id=f"{standing.id}.{turn}.0",
            account=standing.account,
            user=standing.user_id,
            conversation=standing.id,
            # Behind everything that was decided before.
            position=turn * MOST_SENDS,
            text=dead.text,
            answers=dead.answers,
            due_ms=now_ms,
            deadline_ms=until_ms,
            traceparent=traceparent,
            kind=dead.kind,
            pictures=dead.pictures,
            origin=dead.origin,
            turn=turn,
        )
        self._promises.add(connection, [again], now_ms)
        if not persons and not self._is_in_history(connection, standing, dead.turn):
            self._say(connection, standing, dead, turn, now_ms)
        return _Done()

    def _is_in_history(self, connection: Connection, standing: Standing, turn: int) -> bool:
        """Whether the history still has what that turn said: others of its sends were seen."""
        named = {"of": standing.id, "of_turn": turn}
        return bool(connection.execute(self._is_said, named).scalar())

    def _say(
        self, connection: Connection, standing: Standing, dead: SendRow, turn: int, now_ms: int
    ) -> None:
        shown = " ".join(f"[picture {picture}]" for picture in dead.pictures)
        said = HistoryMessage(Role.ASSISTANT, dead.text or shown, now_ms)
        rows = history_rows(standing.id, standing.messages, [said], turn)
        self._memory.append(connection, rows)
        standing.messages += len(rows)


def _refusal(
    standing: Standing, letter: DeadLetter, wish: ReplayWish, *, persons: bool, now_ms: int
) -> Refusal | None:
    return replay_refusal(
        erased=not letter.body,
        doubtful=letter.doubtful,
        although_sent=wish.although_sent,
        stopped=standing.silence == Silence.STOPPED,
        persons=persons,
        user_ms=standing.user_ms,
        now_ms=now_ms,
    )
