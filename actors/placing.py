"""Whether an actor has a place in the cluster yet. Ray has no public way to ask for one actor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ray._private.state import actors, available_resources_per_node
from ray.actor import ActorHandle


def waits_for_a_node(handle: ActorHandle[Any], needs: Mapping[str, float]) -> bool:
    """Whether an actor has not started for want of a node with so much of each resource free.

    Ray's autoscaler, where there is one, sees it wait and adds a node. Where an actor takes the
    last room while its process starts, it seems to wait for that moment. Blocks for some
    milliseconds: Ray answers from its head.
    """
    found: Any = actors(handle._actor_id.hex())  # noqa: SLF001 - Ray's own tools use it
    if not found or found["State"] != "PENDING_CREATION":
        return False
    free: Callable[[], Any] = available_resources_per_node
    return not any(_has_room(node, needs) for node in free().values())


def _has_room(free: Mapping[str, float], needs: Mapping[str, float]) -> bool:
    return all(free.get(name, 0.0) >= amount for name, amount in needs.items())
