"""Which nodes Ray is about to take away. Ray has no public way to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ray._private.state import state

from actors.nodes import live_nodes
from actors.watched import Watched
from vestlus.store.rows import MemberKind


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who is about to be taken away."""

    #: Ids of the nodes.
    nodes: frozenset[str] = frozenset()
    #: No node stays: the cluster itself ends.
    whole: bool = False


def leaving_nodes() -> Leaving:
    """The nodes that are being drained: nothing starts there any more, and what runs there ends
    with them. By Ray's autoscaler, by ``ray drain-node``, or because the node was told to end,
    as Kubernetes tells a pod. Blocks until the head answers.
    """
    draining: Mapping[str, Any] = state.get_draining_nodes()
    found = frozenset(draining)
    if not found:
        return Leaving()
    alive = {node["NodeID"] for node in live_nodes()}
    # A head that is just back knows of none for a moment: that is no end.
    return Leaving(found, whole=bool(alive) and found >= alive)


class LeavingNodes:
    """Asks beside the rounds of the registry: while the head is away nobody answers, and the
    rounds go on with what was known.
    """

    def __init__(self, ask: Callable[[], Leaving] = leaving_nodes) -> None:
        self._ask = ask
        self._asking: asyncio.Task[Leaving] | None = None
        self.known = Leaving()

    def look(self) -> Leaving:
        """The newest answer; asks again once there was one. Raises what asking raised."""
        if self._asking is not None and self._asking.done():
            self.known = self._asking.result()
            self._asking = None
        if self._asking is None:
            self._asking = asyncio.create_task(
                asyncio.to_thread(self._ask), name="nodes that leave"
            )
        return self.known


def who_moves(
    watched: Mapping[str, Watched], leaving: Leaving, ending: Collection[MemberKind]
) -> list[str]:
    """Names of the actors that are to be ended in good order now, so that they start elsewhere.

    Where all of a kind that answer are on nodes that leave, only the first, and the next one once
    all answer again: the others serve meanwhile. ``ending``: kinds of which some are being ended.

    Of a cluster that ends all at once: nothing starts again there, and what they serve goes to
    another cluster on the same store, if there is one, as soon as they let go of it.
    """
    if leaving.whole:
        return [name for name, one in watched.items() if one.answering]
    moving: list[str] = []
    for kind in MemberKind:
        pool = [name for name, one in watched.items() if one.kind is kind]
        here = [name for name in pool if watched[name].answering]
        found = [name for name in here if watched[name].last.get("node") in leaving.nodes]
        if len(found) < len(here):
            moving += found
        elif len(here) == len(pool) and kind not in ending:
            moving += found[:1]
    return moving
