"""Tombstones, looked at where something is to be recorded, in the statement that records it.

Looked up by the primary key for each row, and not joined: it does not matter how many there are.
The statement begins after the lease is locked, which an erasure locks too, so it sees every
tombstone that was laid before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    case,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.sql.expression import FromClause

from vestlus.conversation.events import EventKind
from vestlus.store import schema
from vestlus.store.rows import DeadLetter
from vestlus.store.sql_codec import LARGEST
from vestlus.store.sql_dialect import Dialect

_TOMB: Final = schema.tombstone.c

_ALWAYS: Final = literal_column(str(LARGEST), BigInteger)


def is_living(rows: FromClause) -> ColumnElement[bool]:
    """Whether an event of ``rows`` was not written before its user was erased.

    Echoes count as of before for a moment longer, since requests were under way. Readings always
    do: they tell when somebody looked at something that is gone, or at the last word.
    """
    until = case(
        (rows.c.kind == str(EventKind.READ), _ALWAYS),
        (rows.c.kind == str(EventKind.ECHO), _TOMB.echo_ms),
        else_=_TOMB.at_ms,
    )
    # Unknown where there is no tombstone.
    after: ColumnElement[bool] = rows.c.timestamp_ms > _of_grave(rows, until)
    return func.coalesce(after, true())


def anew_from(rows: FromClause) -> dict[str, ColumnElement[int]]:
    """Where the conversations of ``rows`` begin: from nothing, or, of who was erased, from where
    nothing of before fits.
    """
    version, messages = (
        func.coalesce(_of_grave(rows, column), schema.ZERO)
        for column in (_TOMB.version, _TOMB.messages)
    )
    return {"version": version, "messages": messages, "summarised": messages}


def _of_grave(rows: FromClause, value: ColumnElement[int]) -> ColumnElement[Any]:
    return select(value).where(_TOMB.grave == rows.c.grave).scalar_subquery()


class Tombstones:
    """Looks at tombstones by their names. Callers hold a lease that an erasure waits for."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._find = select(_TOMB.grave).where(dialect.one_of(_TOMB.grave, "graves"))

    def kept(self, connection: Connection, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Those of the letters that name nobody who was erased."""
        graves = self._standing(connection, {one for letter in letters for one in letter.graves})
        return [letter for letter in letters if graves.isdisjoint(letter.graves)]

    def _standing(self, connection: Connection, graves: Collection[str]) -> frozenset[str]:
        if not graves:
            return frozenset()
        found = connection.execute(self._find, {"graves": self._dialect.value_set(graves)})
        return frozenset(found.scalars())
