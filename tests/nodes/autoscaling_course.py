"""What is done to a service on a cluster that Ray's autoscaler sizes, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.resizing import longest, reached
from tests.e2e.service import ServiceError
from tests.e2e.traffic import Traffic
from tests.nodes.autoscaling_nodes import AutoscalingNodes
from tests.nodes.looks import Look, beside, busiest, first, most_waiting, moved, runs
from tests.nodes.under_traffic import Judged
from tests.nodes.watching import PATIENCE_SECONDS, Watching
from tests.nodes.world import World
from vestlus.desk.pools import described
from vestlus.store.port import Store

#: How many actors of each pool there are at first, and at most.
SMALL = {"conversation": 1, "publisher": 1}
LARGE = {"conversation": 4, "publisher": 2}
#: More than there are partitions, so that every actor has one of them to answer.
NEWCOMERS = 24


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done."""

    name: str
    #: What was then seen, and after how many seconds; None for what was not seen.
    times: dict[str, float | None]
    #: The longest that anybody waited for an answer meanwhile, seconds.
    longest_wait: float
    told: str


@dataclass(slots=True)
class Course(Judged):
    """A run."""

    steps: list[Step] = field(default_factory=list)
    #: Actors that were left after Ctrl-C.
    left: int = 0

    def kept(self) -> bool:
        """Whether all was seen that must be, and every promise was kept meanwhile."""
        return (
            all(at is not None for one in self.steps for at in one.times.values())
            and self.promises_kept()
            and not self.left
        )


def names(sizes: dict[str, int]) -> set[str]:
    """The names of the actors of pools of these sizes."""
    return {f"{pool}-{number}" for pool, size in sizes.items() for number in range(size)}


class Steps:
    """Does it, one step after the other, while users write."""

    def __init__(
        self,
        world: World,
        nodes: AutoscalingNodes,
        watching: Watching,
        traffic: Traffic,
        store: Store,
    ) -> None:
        self._world = world
        self._nodes = nodes
        self._watching = watching
        self._traffic = traffic
        self._store = store
        #: How many actors `vestlus scale` has shown as waiting for a node, at most.
        self._shown = 0
        self.steps: list[Step] = []

    async def _pools(self) -> dict[str, dict[str, Any]]:
        """What ``vestlus scale`` tells."""
        pools = {one["pool"]: one for one in await described(self._store)}
        waiting = [one["waiting_for_a_node"] for pool in pools.values() for one in pool["clusters"]]
        self._shown = max(self._shown, sum(waiting))
        return pools

    async def _served(self, sizes: dict[str, int], since: float) -> float:
        """When each of so many actors had its share of the partitions, seconds since then."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not reached(await self._pools(), sizes):
                await asyncio.sleep(0.3)
        return time.monotonic() - since

    async def _all_answered(self) -> None:
        """People who never wrote before ask, so many that every partition has some of them."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(self._traffic.ask_as_newcomer() for _ in range(NEWCOMERS)))

    async def _note(
        self, name: str, since: float, times: dict[str, float | None], *told: str
    ) -> None:
        await self._all_answered()
        waited = longest(self._traffic, since, time.monotonic())
        step = Step(name, times, waited, "; ".join(told))
        self.steps.append(step)
        seen = ", ".join(
            f"{what} {'not seen' if at is None else f'{at:.1f} s'}" for what, at in times.items()
        )
        self._world.say(f"{name}: {seen}; longest wait {waited:.1f} s; {step.told}")

    def _first(self, since: float, holds: Callable[[Look], bool]) -> float | None:
        return first(self._watching.looks, since, holds)

    async def _where(self, look: Look) -> str:
        pools = await self._pools()
        away, of = moved(look, pools["conversation"]["partitions"])
        spread = beside(look)
        head = len(look.placed) - sum(spread.values())
        on = ", ".join(f"{node} {count}" for node, count in {"head": head, **spread}.items())
        return f"actors: {on}; {away} of {of} inbox partitions beside the head"

    async def begin(self) -> None:
        """Waits until the small service runs, on the head alone."""
        look = await self._watching.until("runs", lambda one: runs(one, names(SMALL)))
        if look.nodes:
            raise ServiceError(f"nodes without need: {look}")
        await self._served(SMALL, time.monotonic())

    async def grow(self) -> None:
        """More actors than the head has room for."""
        await asyncio.to_thread(self._world.scale, **LARGE)
        since = time.monotonic()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._served(LARGE, since))
            look = await self._watching.until("grown", lambda one: runs(one, names(LARGE)))
        there = len(look.nodes)
        if not there:
            raise ServiceError(f"no node came: {look}")
        waiting = most_waiting(self._watching.looks, since)
        times = {
            "an actor waited": self._first(since, lambda one: bool(one.waiting)),
            "the autoscaler knew": self._first(since, lambda one: one.asked > 0),
            "the first node was there": self._first(since, lambda one: bool(one.nodes)),
            "all nodes were there": self._first(since, lambda one: len(one.nodes) == there),
            "all actors ran": look.at - since,
            "all actors served": serving.result(),
        }
        told = (
            f"{waiting} actors were without a process at the same time, of which `vestlus scale` "
            f"showed {self._shown} as waiting for a node; {there} nodes came"
        )
        await self._note(
            "Grown from 1 ConversationActor and 1 PublisherActor to 4 and 2",
            since,
            times,
            told,
            await self._where(look),
        )

    async def lose_a_node(self) -> None:
        """One that the autoscaler added dies, with the actors that are on it."""
        before = self._watching.now
        lost = busiest(before)
        since = time.monotonic()
        processes = await asyncio.to_thread(self._nodes.lose, lost)
        await self._watching.until("the node is gone", lambda one: lost not in one.nodes)
        look = await self._watching.until("whole again", lambda one: runs(one, names(LARGE)))
        served = await self._served(LARGE, since)
        times = {
            "Ray knew": self._first(since, lambda one: lost not in one.nodes),
            "the autoscaler knew": self._first(since, lambda one: one.asked > 0),
            "another node was there": self._first(
                since, lambda one: bool(one.nodes - before.nodes)
            ),
            "all actors ran": look.at - since,
            "all actors served": served,
        }
        told = f"{processes} processes were on it"
        await self._note(
            "A node that had come is killed", since, times, told, await self._where(look)
        )

    async def shrink(self) -> None:
        """Back to what there was."""
        before = len(self._watching.now.nodes)
        await asyncio.to_thread(self._world.scale, **SMALL)
        since = time.monotonic()
        await self._watching.until("shrunk", lambda one: runs(one, names(SMALL)))
        served = await self._served(SMALL, since)
        look = await self._watching.until("the nodes have gone", lambda one: not one.nodes)
        times = {
            "the others had ended": self._first(since, lambda one: runs(one, names(SMALL))),
            "those that stay served all": served,
            "the first node had gone": self._first(since, lambda one: len(one.nodes) < before),
            "all nodes had gone": look.at - since,
        }
        await self._note("Shrunk to 1 and 1 again", since, times, await self._where(look))
