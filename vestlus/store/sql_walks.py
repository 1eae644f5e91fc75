"""How each table is walked in search of what is old, in SQL.

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
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from vestlus.store import schema
from vestlus.store.pruning import (
    GOING_EVENTS,
    GOING_LETTERS,
    GOING_OCCURRENCES,
    GOING_POSTS,
    PLAUSIBLE_MS,
    Batch,
    Cursor,
    Remains,
)
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_rows import is_in

_CONVERSATION: Final = schema.conversation.c
_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_LETTER: Final = schema.dead_letter.c
_POST: Final = schema.post.c
_CONTAINER: Final = schema.post_container.c
_OCCURRENCE: Final = schema.occurrence.c

_BEFORE: Final = bindparam("before", type_=BigInteger())

#: Smaller than every number of a column.
_LEAST: Final = -(2**62)


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


def walks(dialect: Dialect) -> dict[Remains, tuple[Walk, ...]]:
    """Every walk, by what it takes away."""
    return {
        Remains.EVENTS: (_events(dialect),),
        Remains.SENDS: (_sends(dialect),),
        Remains.MESSAGES: tuple(_messages(dialect, table) for table in dialect.weeks().apart()),
        Remains.SUMMARIES: (_summaries(dialect),),
        Remains.LETTERS: (_letters(dialect),),
        Remains.POSTS: (_posts(dialect),),
        Remains.OCCURRENCES: (_occurrences(dialect),),
    }


def _is_held(conversation: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(
        _CONVERSATION.id == conversation,
        or_(_CONVERSATION.waiting_ms > schema.ZERO, _CONVERSATION.preserved_ms > schema.ZERO),
    )


def _events(dialect: Dialect) -> Walk:
    """Numbers are given in the order of recording: no index by time is needed."""
    may_go = and_(
        is_in(_EVENT.state, sorted(GOING_EVENTS)),
        _EVENT.recorded_ms < _BEFORE,
        ~_is_held(_EVENT.conversation),
    )
    key = (_EVENT.seq,)
    return Walk(dialect, schema.inbox_event, key, key, may_go, age=_EVENT.recorded_ms)


def _sends(dialect: Dialect) -> Walk:
    finished = _LEDGER.state.bool_op("IN")(literal_column(schema.FINISHED))
    old = (finished, _LEDGER.changed_ms < _BEFORE)
    may_go = and_(*old, ~_is_held(_LEDGER.conversation))
    order = (_LEDGER.changed_ms, _LEDGER.id)
    return Walk(dialect, schema.ledger, order, (_LEDGER.id,), may_go, bound=old)


def week_walk(dialect: Dialect, table: Table) -> Walk:
    """Through one week's messages, which are all old: see :meth:`Weeks.crowded`."""
    mine = table.c
    key = (mine.conversation, mine.position)
    may_go = and_(mine.at_ms < _BEFORE, ~_is_held(mine.conversation))
    return Walk(dialect, table, key, key, may_go)


def _messages(dialect: Dialect, table: Table) -> Walk:
    """``table`` is one that is pruned row by row: see :meth:`Weeks.apart`."""
    mine = table.c
    silent = ~exists().where(
        _CONVERSATION.id == mine.conversation, _CONVERSATION.user_ms >= _BEFORE
    )
    old = mine.at_ms < _BEFORE
    may_go = and_(old, or_(mine.at_ms >= PLAUSIBLE_MS, silent), ~_is_held(mine.conversation))
    order = (mine.at_ms, mine.conversation, mine.position)
    return Walk(dialect, table, order, (mine.conversation, mine.position), may_go, bound=(old,))


def _summaries(dialect: Dialect) -> Walk:
    """What summaries and notes say of messages that are gone. Who was told what is kept."""
    said = or_(_CONVERSATION.summary != "", _CONVERSATION.note != "", _CONVERSATION.trail != "")
    may_go = and_(
        _CONVERSATION.user_ms < _BEFORE,
        _CONVERSATION.answered_ms < _BEFORE,
        said,
        ~_is_held(_CONVERSATION.id),
    )
    emptied = update(schema.conversation).values(
        summary="", note="", trail="", summarised=_CONVERSATION.messages
    )
    key = (_CONVERSATION.id,)
    return Walk(dialect, schema.conversation, key, key, may_go, instead=emptied)


def _letters(dialect: Dialect) -> Walk:
    old = _LETTER.at_ms < _BEFORE
    seen_to = is_in(_LETTER.state, sorted(GOING_LETTERS))
    may_go = and_(old, seen_to, ~_is_held(func.coalesce(_LETTER.conversation, "")))
    order = (_LETTER.at_ms, _LETTER.id)
    return Walk(dialect, schema.dead_letter, order, (_LETTER.id,), may_go, bound=(old,))


def _posts(dialect: Dialect) -> Walk:
    old = _POST.planned_ms < _BEFORE
    may_go = and_(old, _POST.changed_ms < _BEFORE, is_in(_POST.state, sorted(GOING_POSTS)))
    also = [(schema.post_container, _CONTAINER.post)]
    order = (_POST.planned_ms, _POST.id)
    return Walk(dialect, schema.post, order, (_POST.id,), may_go, bound=(old,), also=also)


def _occurrences(dialect: Dialect) -> Walk:
    old = _OCCURRENCE.due_ms < _BEFORE
    ended = is_in(_OCCURRENCE.state, sorted(GOING_OCCURRENCES))
    may_go = and_(old, _OCCURRENCE.changed_ms < _BEFORE, ended)
    order = (_OCCURRENCE.due_ms, _OCCURRENCE.id)
    return Walk(dialect, schema.occurrence, order, (_OCCURRENCE.id,), may_go, bound=(old,))
