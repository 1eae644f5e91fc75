"""What events change of their conversations: applied one by one, written together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, literal_column, select, update

from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.transcript import as_history
from vestlus.conversation.window import WINDOW_MS
from vestlus.store import schema
from vestlus.store.rows import Change, EventState, NewSend, Origin, Silence
from vestlus.store.sql_codec import event_of, rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_memory import Memory, history_rows
from vestlus.store.sql_promises import MOST_SENDS, Promises
from vestlus.store.sql_sends import Mark, Sends

_EVENT: Final = schema.inbox_event.c
_CONVERSATION: Final = schema.conversation.c

#: Meta, "Human Agent": a person may write until seven days after the user's last message.
_PERSONS_WINDOW_MS: Final = 7 * WINDOW_MS

#: What changes may change, as in :class:`Standing`.
_WRITTEN: Final[dict[str, Any]] = {
    "version": BigInteger(),
    "messages": BigInteger(),
    "user_ms": BigInteger(),
    "silence": Text(),
    "silent_until_ms": BigInteger(),
    "silenced_turn": BigInteger(),
    "held_until_ms": BigInteger(),
    "waiting_ms": BigInteger(),
    "note": Text(),
    "disclosed_ms": BigInteger(),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """A change and the event that brings it."""

    seq: int
    conversation: str
    change: Change
    traceparent: str = ""


@dataclass(slots=True)
class Standing:
    """A locked conversation, as it becomes."""

    id: str
    account: str
    user_id: str
    version: int
    messages: int
    user_ms: int
    silence: str
    silent_until_ms: int
    silenced_turn: int
    held_until_ms: int
    waiting_ms: int
    note: str
    disclosed_ms: int

    def hear(self, at_ms: int) -> None:
        """The user wrote then."""
        self.user_ms = max(self.user_ms, at_ms)

    def take(self, change: Change) -> None:
        """Takes over what a change says of the conversation itself."""
        self.version += 1
        # Nobody but the user ends a silence that the user asked for.
        if change.silence is not None and self.silence != Silence.STOPPED:
            self.silence = str(change.silence)
            self.silent_until_ms = change.silent_until_ms
        if change.cancel_sends:
            self.silenced_turn = self.version
        if change.held_until_ms is not None:
            longer = max(self.held_until_ms, change.held_until_ms)
            self.held_until_ms = longer if change.held_until_ms else 0
        if change.waiting_ms is not None:
            self.waiting_ms = change.waiting_ms
        if change.note is not None:
            self.note = change.note
        if change.disclose_again:
            self.disclosed_ms = 0


class Changes:
    """Applies changes, in the transaction that records their events.

    The order of locks: :meth:`lock` the conversations first, then :meth:`apply`, which locks ledger
    rows before it changes any, then :meth:`write`.
    """

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        self._dialect = dialect
        self._memory = Memory(dialect)
        self._sends = Sends(dialect, outbox_partitions)
        self._promises = Promises(dialect, outbox_partitions)
        columns = [_CONVERSATION[name] for name in ("id", "account", "user_id", *_WRITTEN)]
        self._lock = (
            select(*columns)
            .where(dialect.one_of(_CONVERSATION.id, "ids"))
            .order_by(_CONVERSATION.id)
            .with_for_update()
        )
        rows = dialect.rows({"id": Text(), **_WRITTEN})
        self._write = (
            update(schema.conversation)
            .where(_CONVERSATION.id == rows.c.id, dialect.one_of(_CONVERSATION.id, "ids"))
            .values({name: rows.c[name] for name in _WRITTEN})
        )
        before = (
            _EVENT.conversation == bindparam("of", type_=Text()),
            _EVENT.state == literal_column(schema.PENDING, Text),
            _EVENT.seq < bindparam("before", type_=BigInteger()),
        )
        self._unanswered = select(_EVENT.seq, _EVENT.payload).where(*before).order_by(_EVENT.seq)
        self._answer = (
            update(schema.inbox_event).where(*before).values(state=str(EventState.ANSWERED))
        )

    def lock(self, connection: Connection, conversations: Collection[str]) -> dict[str, Standing]:
        """Locks conversations and reads how they stand; unknown ones are left out."""
        ids = {"ids": self._dialect.value_set(conversations)}
        rows = connection.execute(self._lock, ids)
        return {row.id: Standing(*row) for row in rows}

    def apply(
        self,
        connection: Connection,
        standings: Mapping[str, Standing],
        occasions: Sequence[Occasion],
        marks: Mapping[str, Mark],
        now_ms: int,
    ) -> dict[int, EventState]:
        """Applies changes in order and notes whose echoes were recorded.

        Returns which events, by number, called for an answer until now, and what they are.
        """
        touched = {one.conversation for one in occasions if _touches_sends(one.change)}
        if touched:
            self._sends.lock(connection, touched, marks)
        self._sends.mark_echoes(connection, marks)
        became: dict[int, EventState] = {}
        for occasion in occasions:
            standing = standings.get(occasion.conversation)
            if standing is not None:
                became |= self._apply(connection, standing, occasion, now_ms)
        return became

    def write(self, connection: Connection, standings: Collection[Standing]) -> None:
        """Writes how conversations stand now."""
        if standings:
            rows = []
            for standing in standings:
                row = asdict(standing)
                del row["account"], row["user_id"]
                rows.append(row)
            ids = self._dialect.value_set([standing.id for standing in standings])
            connection.execute(self._write, {"rows": rows_parameter(rows), "ids": ids})

    def _apply(
        self, connection: Connection, standing: Standing, occasion: Occasion, now_ms: int
    ) -> dict[int, EventState]:
        change, turn = occasion.change, standing.version
        became: dict[int, EventState] = {}
        standing.take(change)
        self._apply_to_sends(connection, standing, change, now_ms)
        if change.answers_all:
            unanswered = {"of": standing.id, "before": occasion.seq}
            rows = connection.execute(self._unanswered, unanswered).all()
            connection.execute(self._answer, unanswered)
            asked = [as_history(event_of(payload)) for _, payload in rows]
            self._append(connection, standing, asked)
            became |= dict.fromkeys((row.seq for row in rows), EventState.ANSWERED)
        self._append(connection, standing, change.history)
        if change.edited is not None:
            mid, text = change.edited
            self._memory.edit(connection, standing.id, standing.account, mid, text)
        if change.removed_mid is not None:
            unasked = self._memory.remove(
                connection, standing.id, standing.account, change.removed_mid
            )
            became |= dict.fromkeys(unasked, EventState.NOTED)
        written = _persons_sends(standing, occasion, turn, now_ms)
        self._promises.add(connection, written, now_ms)
        return became

    def _append(
        self, connection: Connection, standing: Standing, messages: Sequence[HistoryMessage]
    ) -> None:
        rows = history_rows(standing.id, standing.messages, messages)
        self._memory.append(connection, rows)
        standing.messages += len(rows)

    def _apply_to_sends(
        self, connection: Connection, standing: Standing, change: Change, now_ms: int
    ) -> None:
        unsaid: set[int] = set()
        if change.cancel_sends:
            unsaid |= self._sends.cancel_bots(connection, standing.id, now_ms)
        turn = change.rejected_turn
        if turn is not None and self._sends.reject(connection, standing.id, turn, now_ms):
            unsaid.add(turn)
        turn, texts = change.approved_turn, change.approved_texts
        if turn is not None:
            is_there = self._sends.approve(connection, standing.id, turn, texts, now_ms)
            if is_there and texts:
                self._memory.reword(connection, standing.id, turn, "\n\n".join(texts))
        self._memory.unsay(connection, standing.id, unsaid)


def _touches_sends(change: Change) -> bool:
    """Whether the change changes rows that publishers may be locking."""
    decided = change.approved_turn is not None or change.rejected_turn is not None
    return change.cancel_sends or decided


def _persons_sends(standing: Standing, occasion: Occasion, turn: int, now_ms: int) -> list[NewSend]:
    """What a person wrote. No turn can have been built from ``turn`` and committed."""
    return [
        NewSend(
            id=f"{standing.id}.{turn}.{index}",
            account=standing.account,
            user=standing.user_id,
            conversation=standing.id,
            position=turn * MOST_SENDS + index,
            text=send.text,
            answers=(),
            due_ms=now_ms,
            deadline_ms=standing.user_ms + _PERSONS_WINDOW_MS,
            traceparent=occasion.traceparent,
            origin=Origin.PERSON,
            turn=turn,
        )
        for index, send in enumerate(occasion.change.sends)
    ]
