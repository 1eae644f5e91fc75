"""What befalls the nodes while many users write, and how long until answers come again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.e2e.service import ServiceError
from tests.e2e.traffic import Traffic
from tests.nodes.ray_nodes import HEAD
from tests.nodes.stuck import tell_what_stands_still
from tests.nodes.under_traffic import Judged
from tests.nodes.world import CONVERSATION_ACTORS, World

#: Who has never written before asks, so many at once: more than there are partitions.
NEWCOMERS = 24
#: On a busy machine of two processors.
PATIENCE_SECONDS = 400.0
#: How long the head stays away before it is started again.
HEAD_AWAY_SECONDS = 15.0
DRAIN_SECONDS = 120

ACTOR = "ConversationActor"
PUBLISHER = "PublisherActor"
REGISTRY = "ConversationRegistry"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that befell the cluster."""

    name: str
    #: Seconds until the last of the newcomers who asked when it began had an answer.
    resumed_seconds: float
    #: Seconds until every actor and replica had a process again; -1 where none was lost.
    whole_seconds: float
    #: Longest that anybody waited who wrote between its begin and its end, seconds.
    longest_wait: float
    #: Actors of conversations by node, afterwards.
    spread: dict[str, int]
    told: str = ""


@dataclass(slots=True)
class Course(Judged):
    """A run: what befell, and what the checker found."""

    events: list[Event] = field(default_factory=list)
    platform: str = ""
    ingress: str = ""
    #: What is on the head.
    head: str = ""
    #: Actors that were left after Ctrl-C.
    left: int = 0

    def kept(self) -> bool:
        """Whether every promise was, and Ctrl-C left nothing behind."""
        return self.promises_kept() and not self.left


class Ordeals:
    """Lets things befall a world in which traffic runs."""

    def __init__(self, world: World, traffic: Traffic, running: asyncio.Task[None]) -> None:
        self._world = world
        self._traffic = traffic
        self._running = running
        self.events: list[Event] = []

    async def _ask(self, when: str) -> float:
        """Newcomers ask; how long until all have their answer. Where they have none, tells what
        there is of them and of the service.
        """
        began = time.monotonic()
        asking = [asyncio.create_task(self._traffic.ask_as_newcomer()) for _ in range(NEWCOMERS)]
        try:
            _, waiting = await asyncio.wait(asking, timeout=PATIENCE_SECONDS)
        finally:
            for one in asking:
                one.cancel()
        if waiting:
            say = self._world.say
            say(f"without a marker were answered: {sorted(self._traffic.unmarked)}")
            await tell_what_stands_still(self._world.settings, say)
            raise ServiceError(f"{len(waiting)} newcomers without an answer, who asked {when}")
        for one in asking:
            one.result()
        return time.monotonic() - began

    async def _until(self, what: str, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await asyncio.to_thread(condition):
                    if self._running.done():
                        self._running.result()
                    await asyncio.sleep(0.5)
        except TimeoutError:
            spread = self._world.nodes.spread("ray::")
            raise ServiceError(f"not within {PATIENCE_SECONDS:.0f} s: {what}; {spread}") from None

    async def _befall(
        self, name: str, deed: Callable[[], Awaitable[str]], after: Callable[[], bool] | None
    ) -> None:
        """Newcomers ask as the deed begins, and again when all is whole."""
        began = time.monotonic()
        asking = asyncio.create_task(self._ask(f"as it began: {name}"), name="newcomers")
        try:
            told = await deed()
            whole = -1.0
            if after is not None:
                await self._until(f"{name}: whole again", after)
                whole = time.monotonic() - began
            resumed = await asking
        finally:
            asking.cancel()
            await asyncio.wait({asking})
        await self._ask(f"when all was whole: {name}")
        waits = [waited for at, waited in self._traffic.waits if at + waited >= began]
        spread = await asyncio.to_thread(self._world.nodes.spread, ACTOR)
        event = Event(name, resumed, whole, max(waits, default=0.0), spread, told)
        self.events.append(event)
        self._world.say(
            f"{name}: newcomers answered within {event.resumed_seconds:.1f} s, whole after "
            f"{event.whole_seconds:.1f} s, longest wait {event.longest_wait:.1f} s; "
            f"{spread}{'; ' + told if told else ''}"
        )

    async def at_rest(self) -> None:
        """Nothing befalls: what everything else is compared with."""

        async def nothing() -> str:
            return ""

        await self._befall("at rest", nothing, None)

    async def registry_node(self) -> str:
        """The name of the node that has the registry."""
        spread = await asyncio.to_thread(self._world.nodes.spread, REGISTRY)
        return next(name for name, count in spread.items() if count)

    async def worker_killed(self, name: str, *, unplugged: bool = False) -> None:
        """``kill -9`` of a node, or its power cut."""
        lost = self._world.nodes.nodes[name].processes("ray::")
        registry = any(REGISTRY in one.arguments for one in lost)

        async def deed() -> str:
            await asyncio.to_thread(self._world.nodes.kill, name, unplugged=unplugged)
            self._world.direct()
            return f"{len(lost)} processes of Ray's were on it{', the registry' * registry}"

        which = "the registry's node" if registry else "a worker node"
        how = f"power of {which} cut" if unplugged else "worker node killed"
        await self._befall(how, deed, self._world.complete)

    async def node_added(self, name: str) -> None:
        """A node comes, and the pool of conversations grows onto it."""

        async def deed() -> str:
            await asyncio.to_thread(self._world.nodes.add, name)
            self._world.direct()
            await asyncio.to_thread(self._world.scale, conversation=CONVERSATION_ACTORS + 1)
            return f"ConversationActors wished for: {CONVERSATION_ACTORS + 1}"

        def grown() -> bool:
            spread = self._world.nodes.spread(ACTOR)
            return sum(spread.values()) == CONVERSATION_ACTORS + 1 and spread[name] > 0

        await self._befall("node added, pool scaled", deed, grown)
        await asyncio.to_thread(self._world.scale, conversation=CONVERSATION_ACTORS)
        await self._until("the pool is small again", self._world.complete)

    async def node_drained(self, name: str) -> None:
        """Ray is told that a node will be taken away, and it is, once it is empty."""

        async def deed() -> str:
            nodes = self._world.nodes
            began = time.monotonic()
            registry = ", the registry among them," if nodes.nodes[name].processes(REGISTRY) else ""
            await asyncio.to_thread(nodes.drain, name, DRAIN_SECONDS)

            def empty() -> bool:
                node = nodes.nodes[name]
                return not any(node.processes(one) for one in (ACTOR, PUBLISHER, REGISTRY))

            await self._until(f"{name} is empty", empty)
            took = time.monotonic() - began
            await asyncio.to_thread(nodes.kill, name)
            self._world.direct()
            return f"its actors{registry} were elsewhere after {took:.1f} s; then it was taken away"

        await self._befall("node drained", deed, self._world.complete)

    async def head_restarted(self, away_seconds: float = HEAD_AWAY_SECONDS) -> None:
        """``kill -9`` of the head with all that is on it; then it is started again."""

        async def deed() -> str:
            nodes = self._world.nodes
            began = time.monotonic()
            await asyncio.to_thread(nodes.kill, HEAD)
            self._world.abandon_serve()
            self._world.direct()
            await asyncio.sleep(away_seconds)
            await asyncio.to_thread(nodes.start_head)
            back = time.monotonic() - began
            self._world.direct()
            await asyncio.to_thread(self._world.serve)
            return (
                f"the head was back after {back:.1f} s and `vestlus serve` joined it again after "
                f"{time.monotonic() - began:.1f} s"
            )

        await self._befall("head restarted", deed, self._world.complete)
