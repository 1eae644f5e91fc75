"""How a table is walked in search of what is old, in SQL.

A step is one short transaction: the next keys are read from the index that orders them, those rows
of them that may go are locked where nobody else holds them, and taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Row,
    Table,
    Text,
    Update,
    bindparam,
    delete,
    select,
    tuple_,
)
from sqlalchemy.sql import visitors

from vestlus.store.pruning import Batch, Cursor
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect

#: Smaller than every number of a column.
_LEAST: Final = -(2**62)


#: The database's clock as it was before the step, where a statement wants it: a function of each
#: moment's time is sought in no index.
NOW: Final = bindparam("now", type_=BigInteger())


class Walk:
    """Statements on one table. ``order``: columns of an index; ``key``: those that name a row."""

    def __init__(
        self,
        dialect: Dialect,
        table: Table,
        order: Sequence[Column[Any]],
        key: Sequence[Column[Any]],
        may_go: ColumnElement[bool],
        *,
        bound: Sequence[ColumnElement[bool]] = (),
        age: Column[Any] | None = None,
        instead: Update | None = None,
        also: Sequence[tuple[Table, Column[Any]]] = (),
    ) -> None:
        """``bound`` ends the walk, in words that the index understands. Where the order is not
        that of age, ``age`` is the column of it. ``instead`` is done in the place of a deletion;
        ``also`` are tables whose rows go with a row, by a column that has its key.
        """
        self.first: Cursor = tuple("" if isinstance(c.type, Text) else _LEAST for c in order)
        self._places = [place for place, column in enumerate(order) if column in set(key)]
        self._names = [column.name for column in key]
        self._by_age = age is not None
        self._by_now = any(NOW in set(visitors.iterate(condition)) for condition in bound)
        after = [bindparam(f"after_{place}", type_=c.type) for place, c in enumerate(order)]
        self._window = (
            select(*order, *([] if age is None else [age]))
            .where(*bound, tuple_(*order) > tuple_(*after))
            .order_by(*order)
            .limit(bindparam("most", type_=BigInteger()))
        )
        rows = dialect.rows({column.name: column.type for column in key})
        named = tuple_(*key).in_(select(*(rows.c[name] for name in self._names)))
        # Not waited for, so that nobody ever waits for us in turn.
        self._going = select(*key).where(named, may_go).with_for_update(skip_locked=True, of=table)
        self._take: Delete | Update
        self._take = delete(table).where(named) if instead is None else instead.where(named)
        self._also = [
            delete(other).where(column.in_(select(rows.c[self._names[0]])))
            for other, column in also
        ]
        self._now = select(dialect.now_ms())

    def step(self, connection: Connection, before_ms: int, limit: int, after: Cursor) -> Batch:
        """Takes away what may go of the next rows."""
        values = {f"after_{place}": value for place, value in enumerate(after)}
        limits = {"before": before_ms}
        if self._by_now:
            limits["now"] = connection.execute(self._now).scalar_one()
        found = connection.execute(self._window, limits | values | {"most": limit}).all()
        named = {"rows": self._keys(found, self._places)}
        going = connection.execute(self._going, limits | named).all() if found else []
        if going:
            taken = {"rows": self._keys(going, range(len(self._names)))}
            for statement in self._also:
                connection.execute(statement, taken)
            connection.execute(self._take, taken)
        ended = len(found) < limit or (
            self._by_age and self._is_young(connection, found, before_ms)
        )
        return Batch(len(going), None if ended else tuple(found[-1][: len(after)]))

    def _keys(self, rows: Sequence[Row[*tuple[Any, ...]]], places: Sequence[int]) -> str:
        return rows_parameter(
            [{n: row[at] for n, at in zip(self._names, places, strict=True)} for row in rows]
        )

    def _is_young(
        self, connection: Connection, found: Sequence[Row[*tuple[Any, ...]]], before_ms: int
    ) -> bool:
        """Whether what follows is younger too. Rows of a clock that was ahead tell nothing."""
        now_ms = connection.execute(self._now).scalar_one()
        ages = [row[-1] for row in found if row[-1] <= now_ms]
        return bool(ages) and min(ages) >= before_ms
