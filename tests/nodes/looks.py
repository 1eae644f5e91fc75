"""What was seen of a cluster over time, and when something was first so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """What Ray knew at one moment."""

    #: Monotonic, seconds.
    at: float
    #: Ids of the live nodes beside the head.
    nodes: frozenset[str]
    #: Names of the actors that have no process.
    waiting: frozenset[str]
    #: The node of each actor that runs, by name.
    placed: Mapping[str, str]
    #: What the autoscaler counts as asked for and without a place.
    asked: int
    #: Nodes that it has begun to start.
    coming: int


def look_of(line: str, at: float) -> Look:
    """One line of what ``tests.nodes.observing`` prints."""
    said = json.loads(line)
    return Look(
        at,
        nodes=frozenset(said["nodes"]),
        waiting=frozenset(said["waiting"]),
        placed=said["placed"],
        asked=said["asked"],
        coming=said["coming"],
    )


def first(looks: Iterable[Look], since: float, holds: Callable[[Look], bool]) -> float | None:
    """Seconds from then until the first look at which it was so; None if it never was."""
    return next((one.at - since for one in looks if one.at >= since and holds(one)), None)


def most_waiting(looks: Iterable[Look], since: float) -> int:
    """How many actors had no process at the same time, at most."""
    return max((len(one.waiting) for one in looks if one.at >= since), default=0)


def runs(look: Look, names: Iterable[str]) -> bool:
    """Whether just these actors run, on nodes that are there, and none waits."""
    return not look.waiting and set(look.placed) == set(names)


def beside(look: Look) -> dict[str, int]:
    """How many actors each node beside the head has; by its number, as the nodes came."""
    numbered = {node: f"node {int(node[-5:])}" for node in sorted(look.nodes)}
    placed = [*look.placed.values()]
    return {name: placed.count(node) for node, name in numbered.items()}


def busiest(look: Look) -> str:
    """The node beside the head that has most of the actors; of equal ones, which came first."""
    placed = [*look.placed.values()]
    return min(look.nodes, key=lambda node: (-placed.count(node), node))


def moved(look: Look, partitions: Mapping[str, Sequence[int]]) -> tuple[int, int]:
    """How many partitions are assigned to actors on nodes beside the head, and of how many.

    ``partitions`` are those of each actor, by the id of its member, which ends with its name.
    """
    counts = {name: len(has) for name, has in partitions.items()}
    away = sum(
        count
        for name, count in counts.items()
        if look.placed.get(name.rpartition("/")[2]) in look.nodes
    )
    return away, sum(counts.values())
