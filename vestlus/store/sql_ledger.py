"""The ledger in SQL: what is to be sent, read. Its steps are in ``sql_transitions``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
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
from vestlus.store.rows import Lease, SendRow
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_rows import SEND_COLUMNS, send_row
from vestlus.store.sql_trail import longer
from vestlus.store.trail import Moment, written

_LEDGER: Final = schema.ledger.c


class SqlLedger(SqlPart):
    """What is to be sent. See :class:`~vestlus.store.port.Ledger`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._recover = (
            update(schema.ledger)
            .where(_LEDGER.outbox == bindparam("of", type_=Integer()), _is_unfinished(_LEDGER))
            .where(_LEDGER.state == str(SendState.SENDING))
            .values(
                state=str(SendState.LOOKING),
                changed_ms=bindparam("at", type_=BigInteger()),
                trail=longer(_LEDGER.trail, bindparam("moment", type_=Text())),
            )
            .returning(_LEDGER.id)
        )
        of = bindparam("of", type_=Integer())
        self._first = _first_of_each_conversation().where(_LEDGER.outbox == of)
        self._first_without = self._first.where(~dialect.one_of(_LEDGER.account, "without"))
        self._first_people = self._first.where(
            _LEDGER.origin == literal_column(schema.PERSON, Text)
        )
        self._first_people_without = self._first_people.where(
            ~dialect.one_of(_LEDGER.account, "without")
        )
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
        head = _first_of_each_conversation().where(
            # Adding nothing keeps SQLite from walking whole outboxes, as above.
            dialect.one_of(_LEDGER.outbox + schema.ZERO, "outboxes"),
            _LEDGER.conversation.in_(
                select(named.c.conversation).where(dialect.one_of(named.c.id, "ids"))
            ),
        )
        self._heads = head.with_only_columns(_LEDGER.outbox, *SEND_COLUMNS)
        self._overdue = (
            select(*SEND_COLUMNS)
            .where(
                _LEDGER.state == literal_column(schema.DRAFT, Text),
                _LEDGER.outbox == of,
                _LEDGER.deadline_ms < bindparam("now", type_=BigInteger()),
            )
            .order_by(_LEDGER.deadline_ms, _LEDGER.id)
            .limit(bindparam("most", type_=BigInteger()))
        )

    async def recover(self, lease: Lease, now_ms: int) -> int:
        """See :meth:`vestlus.store.port.Ledger.recover`."""

        def work(connection: Connection) -> int:
            self._hold(connection, lease)
            left = Moment(now_ms, str(SendState.LOOKING), "left_by_another_holder")
            values = {
                "of": partition_number(lease.name),
                "at": now_ms,
                "moment": written([left]),
            }
            return len(connection.execute(self._recover, values).all())

        return await self._database.write(work)

    async def unfinished(
        self,
        outbox: int,
        *,
        limit: int,
        ids: Collection[str] | None = None,
        without_accounts: Collection[str] = (),
        people: bool = False,
    ) -> tuple[SendRow, ...]:
        """See :meth:`vestlus.store.port.Ledger.unfinished`."""
        if ids is not None and not ids:
            return ()
        parameters: dict[str, object] = {"of": outbox, "most": limit}
        statement, without = self._first, self._first_without
        if people:
            statement, without = self._first_people, self._first_people_without
        if ids is not None:
            parameters["ids"] = self._dialect.value_set(ids)
            statement, without = self._first_named, self._first_named_without
        if without_accounts:
            parameters["without"] = self._dialect.value_set(without_accounts)
            statement = without
        return tuple(send_row(row) for row in await self._database.fetch(statement, parameters))

    async def heads(self, ids: Mapping[int, Collection[str]]) -> dict[int, tuple[SendRow, ...]]:
        """See :meth:`vestlus.store.port.Ledger.heads`."""
        wanted = {one for some in ids.values() for one in some}
        if not wanted:
            return {}
        parameters = {
            "outboxes": self._dialect.value_set(ids.keys()),
            "ids": self._dialect.value_set(wanted),
            "most": len(wanted),
        }
        found: dict[int, list[SendRow]] = {}
        for outbox, *columns in await self._database.fetch(self._heads, parameters):
            found.setdefault(outbox, []).append(send_row(columns))
        return {outbox: tuple(rows) for outbox, rows in found.items()}

    async def overdue_drafts(self, outbox: int, now_ms: int, limit: int) -> tuple[SendRow, ...]:
        """See :meth:`vestlus.store.port.Ledger.overdue_drafts`."""
        rows = await self._database.fetch(
            self._overdue, {"of": outbox, "now": now_ms, "most": limit}
        )
        return tuple(send_row(row) for row in rows)


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
