"""What people wish and registries tell of pools, in memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vestlus.errors import StoreUnavailable
from vestlus.scaling.load import ActorLoad, PoolLoad
from vestlus.store.pool_rows import Pool, PoolState, PoolWish
from vestlus.store.rows import Member, MemberKind

#: One actor with nothing to do.
QUIET = PoolLoad((ActorLoad(partitions=2),))


def pool_load(
    serving: int, busy: float, backlog_seconds: float = 0.0, full: float = 0.0
) -> PoolLoad:
    """A pool whose actors all fare alike."""
    one = ActorLoad(busy=busy, backlog_seconds=backlog_seconds, full=full, partitions=2)
    return PoolLoad((one,) * serving)


class Wishes:
    """The part of the store that knows of pools, in memory."""

    def __init__(self) -> None:
        self.kept: dict[Pool, PoolWish] = {}
        self.told: list[PoolState] = []
        self.members: list[Member] = []
        self.away = False
        self._said = itertools.count(1)

    async def wishes(self) -> dict[Pool, PoolWish]:
        if self.away:
            raise StoreUnavailable("away")
        return dict(self.kept)

    async def wish(self, wishes: Mapping[Pool, str | None]) -> None:
        for pool, size in wishes.items():
            self.kept.pop(pool, None)
            if size is not None:
                self.kept[pool] = PoolWish(pool, size, wished_ms=next(self._said))

    async def settle_wish(self, wish: PoolWish, configured: str | None) -> None:
        if self.kept.get(wish.pool) != wish:
            return
        del self.kept[wish.pool]
        if configured is not None:
            self.kept[wish.pool] = replace(wish, configured=configured)

    async def tell_pools(self, states: Sequence[PoolState]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.told = list(states)

    async def live(self, kind: MemberKind, _: float) -> tuple[Member, ...]:
        return tuple(one for one in self.members if one.kind is kind)

    async def pools(self, _: float) -> tuple[PoolState, ...]:
        return tuple(self.told)
