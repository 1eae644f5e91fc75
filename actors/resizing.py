"""What the registry does about sizes: asks how actors fare, and what people wish."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import ray
import structlog
from ray.exceptions import RayError

from actors.fleet import Fleet
from actors.ingress_size import IngressSize
from vestlus.bus.port import Topology
from vestlus.errors import StoreUnavailable
from vestlus.hosting.sizing import Headcount, Sizing, SizingStore
from vestlus.settings import Settings
from vestlus.store.pool_rows import Pool
from vestlus.store.rows import MemberKind

_log = structlog.get_logger(__name__)

#: Sizes are looked at, and pools told of, this often, seconds: Ray and the store are asked then.
SIZING_SECONDS = 2.0

_KINDS: Final = {
    Pool.CONVERSATION: MemberKind.CONVERSATION,
    Pool.PUBLISHER: MemberKind.PUBLISHER,
}

#: Serve's names of this service's replicas begin so, in its own namespace.
_REPLICA_PREFIX = "SERVE_REPLICA::vestlus#Webhook#"


class Resizing:
    """The sizes that the pools of a cluster should have."""

    def __init__(self, settings: Settings, cluster: str, topology: Topology, fleet: Fleet) -> None:
        self._fleet = fleet
        self._sizing = Sizing(settings, cluster=cluster, outbox_partitions=topology.outbox)
        self._ingress = IngressSize(settings)
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._looked = 0.0
        #: Webhook replicas that there were last; None before they were counted.
        self._replicas: int | None = None
        #: Of the cluster, as was known last.
        self.processors = 1.0

    def describe(self) -> dict[str, int]:
        """By pool."""
        return {str(pool): one.size for pool, one in self._sizing.pools.items()}

    @property
    def sizes(self) -> dict[MemberKind, int]:
        """By kind. There is one scheduler: one leads at a time, also of several clusters."""
        pools = {kind: self._sizing.pools[pool].size for pool, kind in _KINDS.items()}
        return {**pools, MemberKind.SCHEDULER: 1}

    async def begin(self, store: SizingStore) -> None:
        """Reads what people wish for, before anything starts. Raises StoreUnavailable."""
        await self._sizing.begin(store)
        for pool, kind in _KINDS.items():
            heads = self._fleet.heads(kind)
            found = heads.running + heads.pending
            self._sizing.pools[pool].found(found)
            if found:
                self._ingress.ask()
        await self._count_processors()
        self._decide()

    def deployed_again(self) -> None:
        """Whoever deployed the application told Serve the number of the settings."""
        self._ingress.ask()

    def look(self, store: SizingStore) -> None:
        """Now and then looks what people wish, what the load calls for, and what there is.

        Beside the registry's rounds, which find frozen actors: a store that does not answer must
        not hold those up. And the store beside Ray, whose head may be away for a while: what there
        is, is told meanwhile. Raises what a look before failed with.
        """
        for name in [name for name, task in self._looking.items() if task.done()]:
            self._looking.pop(name).result()
        now = time.monotonic()
        if now - self._looked < SIZING_SECONDS:
            return
        self._looked = now
        if "store" not in self._looking:
            asking = asyncio.create_task(self._ask_store(store), name="sizes of pools: store")
            self._looking["store"] = asking
        if "Ray" not in self._looking:
            asking = asyncio.create_task(self._ask_ray(), name="sizes of pools: Ray")
            self._looking["Ray"] = asking

    async def aclose(self) -> None:
        """Looks no more. Safe to call twice."""
        tasks = list(self._looking.values())
        self._looking.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _ask_store(self, store: SizingStore) -> None:
        try:
            await self._sizing.refresh(store)
        except StoreUnavailable:
            _log.warning("wishes_not_read")
        heads = {pool: self._fleet.heads(kind) for pool, kind in _KINDS.items()}
        if self._replicas is not None:
            heads[Pool.WEBHOOK] = Headcount(self._replicas, self._replicas)
        await self._sizing.tell(store, heads)

    async def _ask_ray(self) -> None:
        try:
            await self._count_processors()
            replicas = self._replicas = await asyncio.to_thread(_replicas)
        except RayError:
            # Its head is away. What there is stays; the next look is two seconds away.
            _log.warning("sizes_not_looked_at")
            return
        self._decide()
        webhook = self._sizing.pools[Pool.WEBHOOK]
        webhook.size = self._ingress.follow(webhook.followed, replicas)
        webhook.declared = self._ingress.declared

    async def _count_processors(self) -> None:
        """What they are, unless Ray's head knows of none: it has just come back then."""
        self.processors = await _processors() or self.processors

    def _decide(self) -> None:
        now = time.monotonic()
        for pool, kind in _KINDS.items():
            self._sizing.pools[pool].decide(self._fleet.load(kind), self.processors, now)


async def _processors() -> float | None:
    """Of the whole cluster, as it is now; None where its head does not say."""
    resources = await asyncio.to_thread(ray.cluster_resources)
    return float(resources["CPU"]) if "CPU" in resources else None


def _replicas() -> int:
    """Webhook replicas that there are. Blocks for some milliseconds."""
    named = ray.util.list_named_actors(all_namespaces=True)
    return sum(str(one["name"]).startswith(_REPLICA_PREFIX) for one in named)
