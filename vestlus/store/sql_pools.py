"""Sizes of pools in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, delete, select, update

from vestlus.store import schema
from vestlus.store.pool_rows import Pool, PoolState, PoolWish
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_WISH: Final = schema.pool_wish.c
_STATE: Final = schema.pool_state.c

#: Rows of others, which a newer version wrote, are passed over.
_KNOWN: Final = frozenset(map(str, Pool))

#: Nobody asks about clusters that have been silent for so long.
_FORGOTTEN_AFTER_MS: Final = 24 * 60 * 60 * 1000


class SqlPools(SqlPart):
    """How many actors are wished for. See :class:`~vestlus.store.port.Pools`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._pool_wishes = select(
            _WISH.pool, _WISH.size, _WISH.configured, _WISH.wished_ms
        ).order_by(_WISH.pool)
        wish = dialect.insert(schema.pool_wish).values(wished_ms=dialect.now_ms())
        self._pool_wish = wish.on_conflict_do_update(
            index_elements=["pool"],
            set_={name: wish.excluded[name] for name in ("size", "configured", "wished_ms")},
        )
        its = (
            _WISH.pool == bindparam("of", type_=Text()),
            _WISH.size == bindparam("as_read", type_=Text()),
            _WISH.configured == bindparam("before", type_=Text()),
            _WISH.wished_ms == bindparam("since", type_=BigInteger()),
        )
        self._pool_bind = (
            update(schema.pool_wish).where(*its).values(configured=bindparam("now", type_=Text()))
        )
        self._pool_drop = delete(schema.pool_wish).where(*its)
        self._pool_take_back = delete(schema.pool_wish).where(its[0])
        state = dialect.insert(schema.pool_state).values(at_ms=dialect.now_ms())
        self._pool_tell = state.on_conflict_do_update(
            index_elements=["cluster", "pool"],
            set_={column.name: state.excluded[column.name] for column in _STATE},
        )
        self._pool_forget = delete(schema.pool_state).where(
            _STATE.at_ms < dialect.now_ms() - _FORGOTTEN_AFTER_MS
        )
        self._pool_states = (
            select(*(column for column in _STATE if column is not _STATE.at_ms))
            .where(_STATE.at_ms >= dialect.now_ms() - bindparam("ms", type_=BigInteger()))
            .order_by(_STATE.cluster, _STATE.pool)
        )

    async def wishes(self) -> dict[Pool, PoolWish]:
        """See :meth:`vestlus.store.port.Pools.wishes`."""
        rows = await self._database.fetch(self._pool_wishes)
        return {
            Pool(pool): PoolWish(Pool(pool), size, before, since)
            for pool, size, before, since in rows
            if pool in _KNOWN
        }

    async def wish(self, wishes: Mapping[Pool, str | None]) -> None:
        """See :meth:`vestlus.store.port.Pools.wish`."""

        def work(connection: Connection) -> None:
            for pool, size in sorted(wishes.items()):
                if size is None:
                    connection.execute(self._pool_take_back, {"of": str(pool)})
                else:
                    values = {"pool": str(pool), "size": size, "configured": ""}
                    connection.execute(self._pool_wish, values)

        await self._database.write(work)

    async def settle_wish(self, wish: PoolWish, configured: str | None) -> None:
        """See :meth:`vestlus.store.port.Pools.settle_wish`."""

        def work(connection: Connection) -> None:
            its = {
                "of": str(wish.pool),
                "as_read": wish.size,
                "before": wish.configured,
                "since": wish.wished_ms,
            }
            if configured is None:
                connection.execute(self._pool_drop, its)
            else:
                connection.execute(self._pool_bind, its | {"now": configured})

        await self._database.write(work)

    async def tell_pools(self, states: Sequence[PoolState]) -> None:
        """See :meth:`vestlus.store.port.Pools.tell_pools`."""

        def work(connection: Connection) -> None:
            for state in states:
                connection.execute(self._pool_tell, asdict(state) | {"pool": str(state.pool)})
            connection.execute(self._pool_forget)

        await self._database.write(work)

    async def pools(self, within_seconds: float) -> tuple[PoolState, ...]:
        """See :meth:`vestlus.store.port.Pools.pools`."""
        rows = await self._database.fetch(self._pool_states, {"ms": int(within_seconds * 1000)})
        return tuple(
            PoolState(**{**row._mapping, "pool": Pool(row.pool)})  # noqa: SLF001 - public in SQLAlchemy
            for row in rows
            if row.pool in _KNOWN
        )
