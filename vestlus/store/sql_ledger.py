"""The ledger in SQL: what is to be sent, read. Its steps are in ``sql_transitions``."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.names import partition_number
from vestlus.store.rows import EchoRow, Lease, SendRow
from vestlus.store.sql_codec import cleaned, event_of
from vestlus.store.sql_database import Database
from vestlus.store.sql_part import SqlPart

_LEDGER: Final = schema.ledger.c
_EVENT: Final = schema.inbox_event.c

SEND_COLUMNS: Final = (
    _LEDGER.id,
    _LEDGER.account,
    _LEDGER.user_id,
    _LEDGER.conversation,
    _LEDGER.position,
    _LEDGER.text,
    _LEDGER.answers,
    _LEDGER.state,
    _LEDGER.due_ms,
    _LEDGER.deadline_ms,
    _LEDGER.attempts,
    _LEDGER.resends,
    _LEDGER.attempted_ms,
    _LEDGER.traceparent,
)


def send_row(row: Row[*tuple[Any, ...]]) -> SendRow:
    """A row of :data:`SEND_COLUMNS` as a value."""
    return SendRow(
        id=row.id,
        account=row.account,
        user=row.user_id,
        conversation=row.conversation,
        position=row.position,
        text=row.text,
        answers=tuple(json.loads(row.answers)),
        state=SendState(row.state),
        due_ms=row.due_ms,
        deadline_ms=row.deadline_ms,
        attempts=row.attempts,
        resends=row.resends,
        attempted_ms=row.attempted_ms,
        traceparent=row.traceparent,
    )


class SqlLedger(SqlPart):
    """What is to be sent. See :class:`~vestlus.store.port.Ledger`."""

    def __init__(self, database: Database, outbox_partitions: int) -> None:
        super().__init__(database, outbox_partitions)
        dialect = database.dialect
        self._recover = (
            update(schema.ledger)
            .where(_LEDGER.outbox == bindparam("of", type_=Integer()), _is_unfinished(_LEDGER))
            .where(_LEDGER.state == str(SendState.SENDING))
            .values(state=str(SendState.LOOKING), changed_ms=bindparam("at", type_=BigInteger()))
            .returning(_LEDGER.id)
        )
        of = bindparam("of", type_=Integer())
        self._first = _first_of_each_conversation().where(_LEDGER.outbox == of)
        self._first_without = self._first.where(~dialect.one_of(_LEDGER.account, "without"))
        named = schema.ledger.alias("named")
        # Adding nothing keeps SQLite from walking the whole outbox for a few conversations.
        self._first_named = _first_of_each_conversation().where(
            _LEDGER.outbox + schema.ZERO == of,
            _LEDGER.conversation.in_(
                select(named.c.conversation).where(dialect.one_of(named.c.id, "ids"))
            ),
        )
        self._first_named_without = self._first_named.where(
            ~dialect.one_of(_LEDGER.account, "without")
        )
        self._unclaimed = (
            select(_EVENT.mid, _EVENT.payload, _EVENT.timestamp_ms, _EVENT.recorded_ms)
            .where(
                _EVENT.kind == literal_column(schema.ECHO, Text),
                _EVENT.conversation == bindparam("of", type_=Text()),
                _EVENT.timestamp_ms >= bindparam("since", type_=BigInteger()),
                _EVENT.mid.is_not(None),
                ~exists().where(_LEDGER.account == _EVENT.account, _LEDGER.sent_mid == _EVENT.mid),
            )
            .order_by(_EVENT.timestamp_ms, _EVENT.seq)
        )
        self._claimed = select(_LEDGER.sent_mid).where(
            _LEDGER.account == bindparam("of", type_=Text()),
            dialect.one_of(_LEDGER.sent_mid, "mids"),
        )

    async def recover(self, lease: Lease, now_ms: int) -> int:
        """See :meth:`vestlus.store.port.Ledger.recover`."""

        def work(connection: Connection) -> int:
            self._hold(connection, lease)
            values = {"of": partition_number(lease.name), "at": now_ms}
            return len(connection.execute(self._recover, values).all())

        return await self._database.write(work)

    async def unfinished(
        self,
        outbox: int,
        *,
        limit: int,
        ids: Collection[str] | None = None,
        without_accounts: Collection[str] = (),
    ) -> tuple[SendRow, ...]:
        """See :meth:`vestlus.store.port.Ledger.unfinished`."""
        if ids is not None and not ids:
            return ()
        parameters: dict[str, object] = {"of": outbox, "most": limit}
        statement, without = self._first, self._first_without
        if ids is not None:
            parameters["ids"] = self._dialect.value_set(ids)
            statement, without = self._first_named, self._first_named_without
        if without_accounts:
            parameters["without"] = self._dialect.value_set(without_accounts)
            statement = without
        return tuple(send_row(row) for row in await self._database.fetch(statement, parameters))

    async def unclaimed_echoes(self, conversation: str, since_ms: int) -> tuple[EchoRow, ...]:
        """See :meth:`vestlus.store.port.Ledger.unclaimed_echoes`."""
        rows = await self._database.fetch(self._unclaimed, {"of": conversation, "since": since_ms})
        return tuple(
            EchoRow(mid, event_of(payload).text or "", timestamp_ms, recorded_ms)
            for mid, payload, timestamp_ms, recorded_ms in rows
        )

    async def claimed_mids(self, account: str, mids: Collection[str]) -> frozenset[str]:
        """See :meth:`vestlus.store.port.Ledger.claimed_mids`."""
        if not mids:
            return frozenset()
        rows = await self._database.fetch(
            self._claimed, {"of": cleaned(account), "mids": self._dialect.value_set(mids)}
        )
        return frozenset(mid for (mid,) in rows)


def _is_unfinished(columns: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[bool]:
    state: ColumnElement[str] = columns.state
    return state.bool_op("IN")(literal_column(schema.UNFINISHED))


def _first_of_each_conversation() -> Select[Any]:
    """Unfinished rows with no unfinished row before them, nearest deadline first.

    The index of deadlines gives them in order, and the index of places tells for each whether
    one is before it: the cost follows the limit, and neither the backlog nor what is finished.
    Only rows of accounts that are left out are passed over one by one (20 ms for 50,000).
    """
    before = schema.ledger.alias("before")
    is_before = or_(
        before.c.position < _LEDGER.position,
        and_(before.c.position == _LEDGER.position, before.c.id < _LEDGER.id),
    )
    return (
        select(*SEND_COLUMNS)
        .where(
            _is_unfinished(_LEDGER),
            ~exists().where(
                before.c.conversation == _LEDGER.conversation,
                _is_unfinished(before.c),
                is_before,
            ),
        )
        .order_by(_LEDGER.deadline_ms, _LEDGER.id)
        .limit(bindparam("most", type_=BigInteger()))
    )
