"""What size each pool has: the settings', a person's wish, or what the load calls for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from vestlus.errors import StoreUnavailable
from vestlus.hosting.membership import GONE_AFTER_SECONDS
from vestlus.scaling.deciding import Autoscaler, ScalingRules
from vestlus.scaling.load import PoolLoad
from vestlus.scaling.size import MOST_REPLICAS, PoolSize, parse_size
from vestlus.settings import Settings
from vestlus.store.pool_rows import FRESH_SECONDS, Pool, PoolState, PoolWish
from vestlus.store.port import Pools
from vestlus.store.rows import Member, MemberKind

_log = structlog.get_logger(__name__)


#: Why a wish is not followed where a configuration of Serve's declares the application.
DECLARED: Final = "Serve's configuration declares them: change the settings and the pods"

#: Until somebody tells how a pool fares.
IDLE = PoolLoad()


@dataclass(frozen=True, slots=True)
class Headcount:
    """How many processes of a pool there are."""

    running: int = 0
    #: Of these, those that serve.
    ready: int = 0
    #: Those for which there is no room in the cluster.
    pending: int = 0


class PoolSizing:
    """The size of one pool, now."""

    def __init__(self, configured: PoolSize, useful: int, rules: ScalingRules) -> None:
        """More actors than ``useful`` would have nothing to do."""
        self.configured = configured
        self.followed = configured
        self._useful = useful
        self._rules = rules
        self._scaler: Autoscaler | None = None
        self.load = IDLE
        self.size = configured.bounds(useful, 1)[0]
        #: Whether the settings hold whatever is wished, because nobody here may resize it.
        self.declared = False

    def found(self, actors: int) -> None:
        """So many there are already, of an earlier incarnation: the load decides from there on."""
        if actors > 0:
            self.size = actors

    def decide(self, load: PoolLoad, processors: float, now: float) -> int:
        """How many actors there should be; ``now`` is monotonic."""
        self.load = load
        least, most = self.followed.bounds(self._useful, processors)
        if not self.followed.auto:
            self._scaler, self.size = None, most
            return self.size
        if self._scaler is None:
            # From what there is: nothing starts or ends only because somebody said "auto".
            self._scaler = Autoscaler(self.size, self._rules, now)
        # A person's bound holds at once; the processors may be fewer for a moment only.
        bound = self._useful if self.followed.most is None else most
        before = self.size
        self.size = self._scaler.decide(load, (least, bound), now, room=most)
        if before != self.size:
            _log.info("pool_resized", before=before, after=self.size, why=self._scaler.reason)
        return self.size

    @property
    def reason(self) -> str:
        """Why the load called for the present size, or why a wish is not followed; else empty."""
        if self.declared:
            return "" if self.followed == self.configured else DECLARED
        return self._scaler.reason if self._scaler else ""


class SizingStore(Pools, Protocol):
    """What sizes need of the store."""

    async def live(self, kind: MemberKind, within_seconds: float) -> tuple[Member, ...]:
        """See :meth:`vestlus.store.port.Members.live`."""
        ...


class Sizing:
    """The sizes of all pools of a cluster, and what is told of them.

    A person's wish is kept in the store and wins over the settings until the settings change:
    a registry that starts with other settings than those under which the wish was followed never
    follows it, and forgets it once no other cluster has such settings.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cluster: str,
        outbox_partitions: int,
        rules: ScalingRules | None = None,
    ) -> None:
        rules = rules or ScalingRules(down_after_seconds=settings.shrink_after_seconds)
        self._cluster = cluster
        #: When the wishes were written that these settings have overtaken.
        self._overtaken: dict[Pool, int] = {}
        self.pools: Mapping[Pool, PoolSizing] = {
            Pool.CONVERSATION: PoolSizing(settings.conversation_actors, settings.partitions, rules),
            Pool.PUBLISHER: PoolSizing(settings.publisher_actors, outbox_partitions, rules),
            Pool.WEBHOOK: PoolSizing(settings.webhook_replicas, MOST_REPLICAS, rules),
        }

    async def begin(self, store: SizingStore) -> None:
        """Passes over wishes that the settings have overtaken, and follows the others. Raises
        StoreUnavailable.
        """
        for pool, wish in (await store.wishes()).items():
            configured = str(self.pools[pool].configured)
            if wish.settings and configured not in wish.settings:
                _log.info("wish_overtaken_by_settings", pool=str(pool), size=wish.size)
                self._overtaken[pool] = wish.wished_ms
        await self.refresh(store)

    async def refresh(self, store: SizingStore) -> None:
        """Reads what people wish for. Raises StoreUnavailable; the sizes stay as they are then."""
        wishes = await store.wishes()
        for pool, sizing in self.pools.items():
            wish = wishes.get(pool)
            follows = wish is not None and self._overtaken.get(pool) != wish.wished_ms
            followed = _size_of(wish, sizing) if wish and follows else sizing.configured
            if followed != sizing.followed:
                _log.info("pool_follows", pool=str(pool), size=str(followed))
                sizing.followed = followed
            if wish is not None:
                await self._settle(store, wish, str(sizing.configured), follows=follows)

    async def _settle(
        self, store: SizingStore, wish: PoolWish, configured: str, *, follows: bool
    ) -> None:
        """Notes that the wish is followed, or forgets it when nobody follows it any more."""
        if follows:
            if configured not in wish.settings:
                await store.settle_wish(wish, " ".join(sorted({*wish.settings, configured})))
            return
        told = [one for one in await store.pools(FRESH_SECONDS) if one.cluster != self._cluster]
        others = {one.configured for one in told if one.pool is wish.pool}
        # Of a cluster whose registry is silent for a while nobody knows the settings.
        silent = await self._clusters(store) - {one.cluster for one in told} - {self._cluster}
        if not silent and others.isdisjoint(wish.settings):
            _log.info("wish_forgotten", pool=str(wish.pool), size=wish.size)
            await store.settle_wish(wish, None)

    @staticmethod
    async def _clusters(store: SizingStore) -> set[str]:
        """Those that have live actors."""
        kinds = (MemberKind.CONVERSATION, MemberKind.PUBLISHER)
        found = [one for kind in kinds for one in await store.live(kind, GONE_AFTER_SECONDS)]
        return {one.id.partition("/")[0] for one in found}

    async def tell(self, store: Pools, heads: Mapping[Pool, Headcount]) -> None:
        """Writes for people how the pools are."""
        try:
            await store.tell_pools(
                [
                    PoolState(
                        self._cluster,
                        pool,
                        configured=str(sizing.configured),
                        followed=str(sizing.configured if sizing.declared else sizing.followed),
                        wished=sizing.size,
                        running=heads[pool].running,
                        ready=heads[pool].ready,
                        pending=heads[pool].pending,
                        busy_percent=round(100 * sizing.load.busy),
                        backlog_ms=max(0, round(1000 * sizing.load.backlog_seconds)),
                        reason=sizing.reason,
                    )
                    for pool, sizing in self.pools.items()
                    if pool in heads
                ]
            )
        except StoreUnavailable:
            _log.warning("pools_not_told")


def _size_of(wish: PoolWish, sizing: PoolSizing) -> PoolSize:
    try:
        return parse_size(wish.size)
    except ValueError:  # written by a newer version
        _log.warning("wish_not_understood", pool=str(wish.pool), size=wish.size)
        return sizing.configured
