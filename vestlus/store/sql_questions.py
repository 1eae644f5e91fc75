"""Which messages wait for an answer: answered by a person, or asked again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, literal_column, select, update

from vestlus.conversation.events import Event
from vestlus.conversation.words import Command, command_of
from vestlus.store import schema
from vestlus.store.rows import EventState
from vestlus.store.sql_codec import cleaned, event_of
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_memory import Memory

_EVENT: Final = schema.inbox_event.c

#: Asked of the service and not of whoever answers: only we can carry these out.
_OURS: Final = frozenset({Command.STOP, Command.START, Command.DELETE})


class Questions:
    """Statements on events that call for an answer. Callers hold the conversations' rows."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._memory = Memory(dialect)
        of = _EVENT.conversation == bindparam("of", type_=Text())
        self._unanswered = (
            select(_EVENT.seq, _EVENT.payload)
            .where(
                of,
                _EVENT.state == literal_column(schema.PENDING, Text),
                _EVENT.seq < bindparam("before", type_=BigInteger()),
            )
            .order_by(_EVENT.seq)
        )
        self._answered = select(_EVENT.seq, _EVENT.mid).where(
            _EVENT.account == bindparam("account", type_=Text()),
            dialect.one_of(_EVENT.mid, "mids"),
            of,
            _EVENT.state == str(EventState.ANSWERED),
            _EVENT.seq > bindparam("after", type_=BigInteger()),
        )
        self._become = (
            update(schema.inbox_event)
            .where(dialect.one_of(_EVENT.seq, "seqs"))
            .values(state=bindparam("now", type_=Text()))
        )

    def answer(
        self,
        connection: Connection,
        conversation: str,
        before: int,
        *,
        until_ms: int | None = None,
    ) -> dict[int, Event]:
        """What a person answers who writes as event ``before``: all that waits, by number; with
        ``until_ms`` only what was written until then, Meta's time.

        Commands wait on: no person's answer carries them out.
        """
        rows = connection.execute(self._unanswered, {"of": conversation, "before": before})
        waiting = ((seq, event_of(payload)) for seq, payload in rows)
        answered = {
            seq: event
            for seq, event in waiting
            if command_of(event.text or "") not in _OURS
            and (until_ms is None or event.timestamp_ms <= until_ms)
        }
        self._make(connection, tuple(answered), EventState.ANSWERED)
        return answered

    def ask_again(
        self,
        connection: Connection,
        conversation: str,
        account: str,
        mids: Collection[str],
        *,
        after: int,
    ) -> list[int]:
        """Makes answered messages with a number over ``after`` unanswered again; their numbers.

        They go from the history, to which their answer will add them. Those that are not there,
        taken back or erased, stay answered.
        """
        if not mids:
            return []
        values = {
            "of": conversation,
            "account": account,
            "mids": self._dialect.value_set({cleaned(mid) for mid in mids}),
            "after": after,
        }
        answered = connection.execute(self._answered, values).all()
        if not answered:
            return []
        asked = self._memory.unask(connection, conversation, {mid for _, mid in answered})
        seqs = sorted(seq for seq, mid in answered if mid in asked)
        self._make(connection, seqs, EventState.PENDING)
        return seqs

    def _make(self, connection: Connection, seqs: Sequence[int], state: EventState) -> None:
        if seqs:
            values = {"seqs": self._dialect.value_set(seqs), "now": str(state)}
            connection.execute(self._become, values)
