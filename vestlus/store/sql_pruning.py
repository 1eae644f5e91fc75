"""Old rows found by an index and taken away, in SQL. See :mod:`vestlus.store.pruning`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, case, update

from vestlus.store import schema
from vestlus.store.pruning import Batch, Cursor, Remains
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect, Weeks
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_walk import Walk
from vestlus.store.sql_walks import walks, week_walk

_CONVERSATION: Final = schema.conversation.c


class SqlPruning(SqlPart):
    """See :class:`~vestlus.store.pruning.Pruning`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._walks = walks(dialect)
        self._preserve_conversation = (
            update(schema.conversation)
            .where(_CONVERSATION.id == bindparam("of", type_=Text()))
            .values(
                preserved_ms=case(
                    (bindparam("wanted", type_=BigInteger()) > 0, dialect.now_ms()), else_=0
                )
            )
            .returning(_CONVERSATION.id)
        )

    async def prune(
        self, what: Remains, before_ms: int, *, limit: int, after: Cursor | None = None
    ) -> Batch:
        """See :meth:`vestlus.store.pruning.Pruning.prune`."""
        mine = self._walks[what]
        place = 0 if after is None else after[0]
        # A place of its own has each week that is walked through: its name.
        walk = self._week(place) if isinstance(place, str) else mine[place]
        here = walk.first if after is None else after[1:]

        def work(connection: Connection) -> Batch:
            batch = walk.step(connection, before_ms, limit, here)
            if batch.after is not None:
                return Batch(batch.removed, (place, *batch.after))
            if isinstance(place, int) and place + 1 < len(mine):
                return Batch(batch.removed, (place + 1, *mine[place + 1].first))
            if what is Remains.MESSAGES:
                return Batch(batch.removed, self._next_week(connection, before_ms, place))
            return batch

        return await self._database.write(work)

    def _week(self, name: str) -> Walk:
        return week_walk(self._dialect, self._dialect.weeks().table(name))

    def _next_week(self, connection: Connection, before_ms: int, place: int | str) -> Cursor | None:
        """Where the next of the weeks begins that are walked through."""
        behind = place if isinstance(place, str) else ""
        name = self._dialect.weeks().crowded(connection, before_ms, behind)
        return None if name is None else (name, *self._week(name).first)

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

    async def preserve(self, conversation: str, *, preserved: bool) -> bool:
        """See :meth:`vestlus.store.pruning.Pruning.preserve`."""
        values = {"of": cleaned(conversation), "wanted": int(preserved)}
        return await self._database.write(
            lambda connection: (
                connection.execute(self._preserve_conversation, values).scalar() is not None
            )
        )
