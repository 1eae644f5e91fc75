"""Where an actor goes, and whether it has a place in the cluster yet.

Ray's own spreading goes round the nodes whatever is on them: of three actors all may end up on one.
Whether one actor has a place, Ray has no public way to ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ray._private.state import actors, available_resources_per_node
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

#: What Ray takes for where an actor goes.
Strategy = str | NodeAffinitySchedulingStrategy

#: States of an actor that has not started, or not again.
_NOT_STARTED = frozenset({"PENDING_CREATION", "RESTARTING"})


def waits_for_a_node(
    handle: ActorHandle[Any], needs: Mapping[str, float], leaving: Collection[str] = ()
) -> bool:
    """Whether an actor has not started for want of a node with so much of each resource free; or
    has not started again, where the node that it was on is gone. Ray starts nothing on nodes that
    are ``leaving``, and tells what they have free all the same.

    Where an actor takes the last room, it seems to wait until Ray has a process for it, which it
    may have to start; and where it starts again and takes the last room, until it has started:
    what Ray tells of its process then is that of the one before. Blocks for some milliseconds: Ray
    answers from its head.
    """
    found: Any = actors(handle._actor_id.hex())  # noqa: SLF001 - Ray's own tools use it
    if not found or found["State"] not in _NOT_STARTED:
        return False
    if found["State"] == "PENDING_CREATION" and found["Pid"]:
        return False
    free = free_by_node().items()
    return not any(_has_room(left, needs) for node, left in free if node not in leaving)


class Room:
    """What the nodes have left, by their id, less what was given away of it since it was asked
    for: of several actors that are started together Ray tells only some moments later.
    """

    def __init__(self, free: Mapping[str, Mapping[str, float]]) -> None:
        self._free = {node: dict(left) for node, left in free.items()}

    def take(
        self, taken: Collection[str], *, needs: Mapping[str, float], leaving: Collection[str]
    ) -> str | None:
        """The node for one more, as :func:`emptiest` says; its room is given away."""
        node = emptiest(self._free, taken, needs=needs, leaving=leaving)
        if node is not None:
            for name, amount in needs.items():
                self._free[node][name] -= amount
        return node


def emptiest(
    free: Mapping[str, Mapping[str, float]],
    taken: Collection[str],
    *,
    needs: Mapping[str, float],
    leaving: Collection[str],
) -> str | None:
    """The node with the fewest of those that are to be spread, of the nodes with so much of each
    resource free; ``None`` where there is none.

    ``free`` is what each node has left, by its id, and ``taken`` the node of each one that has
    one. Of equal ones, where most is left.
    """
    there = Counter(taken)
    room = {
        node: left.get("CPU", 0.0)
        for node, left in free.items()
        if node not in leaving and _has_room(left, needs)
    }
    return min(room, key=lambda node: (there[node], -room[node], node), default=None)


def strategy(node: str | None) -> Strategy:
    """For that node; for another one where it has no room by then.

    Ray's autoscaler brings a node only for who waits and was started for none: the others are
    meant for those that there are, to its mind.
    """
    if node is None:
        return "SPREAD"
    # ``soft`` alone waits for that node as long as it lives, beside others that have room.
    return NodeAffinitySchedulingStrategy(node, soft=True, _spill_on_unavailable=True)


def free_by_node() -> Mapping[str, Mapping[str, float]]:
    """What each live node has left, by its id. Blocks for some milliseconds."""
    free: Callable[[], Any] = available_resources_per_node
    found: Mapping[str, Mapping[str, float]] = free()
    return found


def _has_room(free: Mapping[str, float], needs: Mapping[str, float]) -> bool:
    return all(free.get(name, 0.0) >= amount for name, amount in needs.items())
