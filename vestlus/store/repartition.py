"""Another number of inbox partitions for a store that nobody uses meanwhile.

All of it is one transaction: a store that it broke off in is as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    literal_column,
    select,
    update,
)

from vestlus.conversation.identity import partition_of
from vestlus.errors import PartitionMismatch
from vestlus.store import schema
from vestlus.store.in_use import check_not_in_use
from vestlus.store.names import INBOX_PREFIX
from vestlus.store.open import open_backend
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_errors import translated

#: Rows that are read and written at once.
PAGE: Final = 2_000
Say = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """What was moved: rows that serve another partition than before."""

    conversations: int
    events: int


async def repartition(url: str, old: int, new: int, moved: Say) -> Repartitioned:
    """Makes a store of ``old`` inbox partitions one of ``new``. Nobody may use it meanwhile.

    ``moved`` is told now and then how many rows have been looked at. Raises PartitionMismatch when
    the store has another number than ``old``, StoreInUse, StoreUnavailable.
    """
    backend = open_backend(url)
    work = _Work(backend.dialect, old, new, moved)
    try:
        with translated():
            await backend.migrate(work, closed=True)
    finally:
        await backend.close()
    return Repartitioned(work.conversations, work.events)


class _Work:
    """The transaction. It may be run once."""

    def __init__(self, dialect: Dialect, old: int, new: int, moved: Say) -> None:
        self.conversations = self.events = 0
        self._dialect = dialect
        self._old, self._new = old, new
        self._moved = moved
        self._seen = 0

    def __call__(self, connection: Connection) -> None:
        self._check(connection)
        conversation, event = schema.conversation, schema.inbox_event
        self.conversations = self._move(connection, conversation, conversation.c.id, "", None)
        # What is settled already is looked up by its conversation only.
        open_ones = event.c.state.in_(
            [literal_column(schema.PENDING), literal_column(schema.UNDETERMINED)]
        )
        self.events = self._move(connection, event, event.c.seq, 0, open_ones)
        # The registry computes them anew.
        connection.execute(
            delete(schema.assignment).where(schema.assignment.c.lease.startswith(INBOX_PREFIX))
        )
        connection.execute(
            update(schema.meta)
            .where(schema.meta.c.name == "partitions")
            .values(value=str(self._new))
        )

    def _check(self, connection: Connection) -> None:
        recorded = connection.execute(
            select(schema.meta.c.value).where(schema.meta.c.name == "partitions")
        ).scalar_one()
        if recorded != str(self._old):
            raise PartitionMismatch(int(recorded), self._old)
        check_not_in_use(connection, self._dialect)

    def _move(
        self,
        connection: Connection,
        table: Table,
        key: ColumnElement[Any],
        first: str | int,
        which: ColumnElement[bool] | None,
    ) -> int:
        columns = (key, table.c.account, table.c.user_id, table.c.partition)
        page = select(*columns).where(key > bindparam("after")).order_by(key).limit(PAGE)
        if which is not None:
            page = page.where(which)
        of_row = {"row_key": Text() if isinstance(first, str) else BigInteger(), "place": Integer()}
        rows = self._dialect.rows(of_row)
        put = update(table).where(key == rows.c.row_key).values(partition=rows.c.place)
        after, moved = first, 0
        while found := connection.execute(page, {"after": after}).all():
            after = found[-1][0]
            changed = [
                {"row_key": row_key, "place": place}
                for row_key, account, user, partition in found
                if (place := partition_of(account, user or "", self._new)) != partition
            ]
            if changed:
                connection.execute(put, {"rows": rows_parameter(changed)})
            moved += len(changed)
            self._seen += len(found)
            self._moved(self._seen)
        return moved
