"""Old rows found by an index and taken away, in SQL. See :mod:`vestlus.store.pruning`."""

from __future__ import annotations

import json

from sqlalchemy import BigInteger, Connection, Text, bindparam, select

from vestlus.store import schema
from vestlus.store.pruning import EVERYBODY, Batch, Cursor, Mark, Remains, Whose
from vestlus.store.sql_dialect import Dialect, Weeks
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_walk import Walk
from vestlus.store.sql_walks import walks, week_walk


class SqlPruning(SqlPart):
    """See :class:`~vestlus.store.pruning.Pruning`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._walks = walks(dialect)
        mark = schema.pruning_mark
        self._mark_of_name = select(mark).where(mark.c.name == bindparam("of", type_=Text()))
        noted = dialect.insert(mark).values(
            name=bindparam("of", type_=Text()),
            begun_ms=bindparam("begun", type_=BigInteger()),
            reached=bindparam("came", type_=Text()),
        )
        self._note_mark = noted.on_conflict_do_update(
            index_elements=[mark.c.name],
            set_={name: noted.excluded[name] for name in ("begun_ms", "reached")},
        )

    async def prune(
        self,
        what: Remains,
        before_ms: int,
        *,
        limit: int,
        after: Cursor | None = None,
        whose: Whose = EVERYBODY,
        dropped_before_ms: int | None = None,
    ) -> Batch:
        """See :meth:`vestlus.store.pruning.Pruning.prune`."""
        mine = self._walks[what]
        dropped_ms = before_ms if dropped_before_ms is None else dropped_before_ms
        place = 0 if after is None else after[0]
        # A place of its own has each week that is walked through: its name.
        walk = self._week(place) if isinstance(place, str) else mine[place]
        here = walk.first if after is None else after[1:]

        def work(connection: Connection) -> Batch:
            batch = walk.step(connection, before_ms, limit, here, whose)
            if batch.after is not None:
                return Batch(batch.removed, (place, *batch.after), behind=batch.behind)
            if isinstance(place, int) and place + 1 < len(mine):
                return Batch(batch.removed, (place + 1, *mine[place + 1].first))
            if what is Remains.MESSAGES:
                name = place if isinstance(place, str) else ""
                next_ = self._next_week(connection, before_ms, dropped_ms, name)
                return Batch(batch.removed, next_)
            return batch

        return await self._database.write(work)

    def _week(self, name: str) -> Walk:
        return week_walk(self._dialect, self._dialect.weeks().table(name))

    def _next_week(
        self, connection: Connection, before_ms: int, dropped_ms: int, behind: str
    ) -> Cursor | None:
        """Where the next of the weeks begins that are walked through."""
        name = self._dialect.weeks().walked(connection, before_ms, dropped_ms, behind)
        return None if name is None else (name, *self._week(name).first)

    async def mark(self, name: str) -> Mark | None:
        """See :meth:`vestlus.store.pruning.Pruning.mark`."""
        for row in await self._database.fetch(self._mark_of_name, {"of": name}):
            reached = [(place, tuple(cursor)) for place, cursor in json.loads(row.reached)]
            return Mark(row.begun_ms, dict(reached))
        return None

    async def keep_mark(self, name: str, mark: Mark) -> None:
        """See :meth:`vestlus.store.pruning.Pruning.keep_mark`."""
        # Pairs: the keys of an object would all be text.
        came = json.dumps(list(mark.reached.items()))
        values = {"of": name, "begun": mark.begun_ms, "came": came}
        await self._database.write(lambda connection: connection.execute(self._note_mark, values))

    async def make_weeks(self, now_ms: int) -> int:
        """See :meth:`vestlus.store.pruning.Pruning.make_weeks`."""
        weeks = self._dialect.weeks()
        return await self._database.write(lambda connection: weeks.make_ahead(connection, now_ms))

    async def drop_weeks(self, before_ms: int) -> tuple[str, ...]:
        """See :meth:`vestlus.store.pruning.Pruning.drop_weeks`."""
        weeks = self._dialect.weeks()
        old = await self._database.write(lambda connection: weeks.old(connection, before_ms))
        # One transaction for each, whose locks last for moments.
        return tuple([name for name in old if await self._drop_week(weeks, name)])

    async def _drop_week(self, weeks: Weeks, name: str) -> bool:
        return await self._database.write(lambda connection: weeks.drop(connection, name))

    async def give_back(self, pages: int) -> int:
        """See :meth:`vestlus.store.pruning.Pruning.give_back`."""
        weeks = self._dialect.weeks()
        return await self._database.write(lambda connection: weeks.give_back(connection, pages))
