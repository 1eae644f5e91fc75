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
    case,
    delete,
    select,
    tuple_,
)
from sqlalchemy.sql import visitors

from vestlus.store.pruning import Batch, Cursor, Whose
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect

#: Smaller than every number of a column.
_LEAST: Final = -(2**62)


#: Whether the accounts named are those meant, or all others are.
_NAMED: Final = bindparam("named", type_=BigInteger())

#: The database's clock as it was before the step, where a statement wants it: a function of each
#: moment's time is sought in no index.
NOW: Final = bindparam("now", type_=BigInteger())


def is_whose(named: ColumnElement[bool]) -> ColumnElement[bool]:
    """``named``: whether a row is of one of the parameter ``accounts``."""
    return case((named, 1), else_=0) == _NAMED


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
        self._value_set = dialect.value_set

    def step(
        self, connection: Connection, before_ms: int, limit: int, after: Cursor, whose: Whose
    ) -> Batch:
        """Takes away what may go of the next rows."""
        values = {f"after_{place}": value for place, value in enumerate(after)}
        limits: dict[str, Any] = {"before": before_ms}
        if self._by_now:
            limits["now"] = connection.execute(self._now).scalar_one()
        found = connection.execute(self._window, limits | values | {"most": limit}).all()
        named = {
            "rows": self._keys(found, self._places),
            "accounts": self._value_set(whose.accounts),
            "named": int(not whose.others),
        }
        going = connection.execute(self._going, limits | named).all() if found else []
        if going:
            taken = {"rows": self._keys(going, range(len(self._names)))}
            for statement in self._also:
                connection.execute(statement, taken)
            connection.execute(self._take, taken)
        ages = self._ages(connection, found) if self._by_age else []
        ended = len(found) < limit or (bool(ages) and min(ages) >= before_ms)
        return Batch(
            len(going),
            None if ended else tuple(found[-1][: len(after)]),
            behind=not ages or max(ages) < before_ms,
        )

    def _keys(self, rows: Sequence[Row[*tuple[Any, ...]]], places: Sequence[int]) -> str:
        return rows_parameter(
            [{n: row[at] for n, at in zip(self._names, places, strict=True)} for row in rows]
        )

    def _ages(self, connection: Connection, found: Sequence[Row[*tuple[Any, ...]]]) -> list[int]:
        """What tells whether what follows is younger: not rows of a clock that was ahead."""
        now_ms = connection.execute(self._now).scalar_one()
        return [row[-1] for row in found if row[-1] <= now_ms]
