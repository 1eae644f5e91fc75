"""What Ray knows of a cluster, twice a second: ``python -m tests.nodes.observing ADDRESS``.

A process of its own with the cluster's environment, and no driver: what is looked at is not
changed by that. One JSON object a line.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ray import _raylet
from ray._private.state import state
from ray.autoscaler.v2.sdk import get_cluster_status

from tests.nodes.autoscaling_nodes import HEAD_ID

LOOK_SECONDS = 0.5
#: What the names of the actors of the pools begin with.
_POOLS = ("conversation-", "publisher-")
#: Of an actor that has a process, or had one and will have none.
_SETTLED = {"ALIVE", "DEAD"}


def look(address: str) -> dict[str, Any]:
    """The nodes beside the head, the actors of the pools, and what the autoscaler makes of them."""
    known: Any = state
    nodes, actors = known.node_table(), known.actor_table(None)
    ours = [one for one in actors.values() if one["Name"].startswith(_POOLS)]
    status = get_cluster_status(address)
    demands = status.resource_demands.ray_task_actor_demand
    return {
        "nodes": [one["NodeID"] for one in nodes if one["Alive"] and one["NodeID"] != HEAD_ID],
        "waiting": [one["Name"] for one in ours if one["State"] not in _SETTLED],
        "placed": {
            one["Name"]: one["Address"]["NodeID"] for one in ours if one["State"] == "ALIVE"
        },
        "asked": sum(part.count for one in demands for part in one.bundles_by_count),
        "coming": len(status.pending_nodes) + sum(one.count for one in status.pending_launches),
    }


def main() -> None:
    """Looks until nobody reads any more."""
    address = sys.argv[1]
    compiled: Any = _raylet
    options = compiled.GcsClientOptions.create(
        address, None, allow_cluster_id_nil=True, fetch_cluster_id_if_nil=False
    )
    # As Ray's own commands do.
    state._initialize_global_state(options)
    while True:
        print(json.dumps(look(address)), flush=True)  # noqa: T201 - a program's output
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
