"""How large the pools are, as people are told."""

from __future__ import annotations

from typing import Any, Final

from vestlus.store.names import INBOX_PREFIX, OUTBOX_PREFIX, partition_number
from vestlus.store.pool_rows import FRESH_SECONDS, Pool, PoolState
from vestlus.store.port import Store
from vestlus.store.rows import MemberKind

#: What the leases of a pool's partitions begin with.
LEASES: Final = {Pool.CONVERSATION: INBOX_PREFIX, Pool.PUBLISHER: OUTBOX_PREFIX}


async def described(store: Store) -> list[dict[str, Any]]:
    """Each pool: what is wished, what each cluster makes of it, and who has which partitions."""
    wishes = await store.wishes()
    states = await store.pools(FRESH_SECONDS)
    registries = await store.live(MemberKind.REGISTRY, FRESH_SECONDS)
    # The id of a registry begins with its cluster, the name of a host with that of its machine.
    hosts = {one.id.partition("/")[0]: one.host.partition("/")[0] for one in registries}
    described = []
    for pool in Pool:
        prefix = LEASES.get(pool)
        assigned: dict[str, list[int]] = {}
        for lease, member in sorted((await store.assignment(prefix)).items() if prefix else ()):
            assigned.setdefault(member, []).append(partition_number(lease))
        wish = wishes.get(pool)
        described.append(
            {
                "pool": str(pool),
                "wish": wish.size if wish else None,
                "clusters": [
                    _told(one, hosts.get(one.cluster, "")) for one in states if one.pool is pool
                ],
                "partitions": {name: sorted(has) for name, has in sorted(assigned.items())},
            }
        )
    return described


def _told(state: PoolState, host: str) -> dict[str, Any]:
    return {
        "cluster": state.cluster,
        "host": host,
        "settings": state.configured,
        "follows": state.followed,
        "wished": state.wished,
        "running": state.running,
        "ready": state.ready,
        "waiting_for_a_node": state.pending,
        "busy_percent": state.busy_percent,
        "oldest_waiting_seconds": state.backlog_ms / 1000,
        "reason": state.reason,
    }
