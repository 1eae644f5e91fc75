"""Whether an actor has a place in the cluster yet. Ray has no public way to ask for one actor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray._private.state import actors, available_resources_per_node
from ray.actor import ActorHandle


def waits_for_a_node(handle: ActorHandle[Any], processors: float) -> bool:
    """Whether an actor has not started for want of a node with so many processors free.

    Ray's autoscaler, where there is one, sees it wait and adds a node. Where an actor takes the
    last room while its process starts, it seems to wait for that moment. Blocks for some
    milliseconds: Ray answers from its head.
    """
    found: Any = actors(handle._actor_id.hex())  # noqa: SLF001 - Ray's own tools use it
    if not found or found["State"] != "PENDING_CREATION":
        return False
    free: Callable[[], Any] = available_resources_per_node
    return all(node.get("CPU", 0.0) < processors for node in free().values())
