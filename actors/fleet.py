"""The actors that the registry looks after: started, asked, ended, and started again."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping
from typing import Any, Final

import ray
import structlog
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from actors import NAMESPACE
from actors.conversation_actor import ConversationActor
from actors.cut_off import CutOff
from actors.leaving import LeavingNodes, who_moves
from actors.placing import Room, free_by_node, strategy, waits_for_a_node
from actors.publisher_actor import PublisherActor
from actors.roles import WEBHOOK, role_resources
from actors.scheduler_actor import SchedulerActor
from actors.watched import START_SECONDS, Watched
from vestlus.hosting.membership import LEASE_SECONDS
from vestlus.hosting.predecessor import kill_here
from vestlus.hosting.signs import SignsOfLife
from vestlus.hosting.sizing import Headcount
from vestlus.measuring.catalogue import ACTORS, ACTORS_ENDED, of
from vestlus.scaling.load import ActorLoad, PoolLoad
from vestlus.settings import Settings
from vestlus.store.rows import MemberKind

_log = structlog.get_logger(__name__)

#: Time between rounds of looking after everybody.
ROUND_SECONDS = 1.0

#: An actor that answered before and does not answer within this time is frozen.
FROZEN_AFTER_SECONDS = 4.0

#: The share of a processor that Ray sets aside for an actor of which there is one only; it may
#: use more. Of the pools' actors the settings say it.
ACTOR_CPUS = 0.1

#: How an actor is started that outlives whoever starts it, and that Ray starts again.
KEPT_ALIVE: Final[Mapping[str, Any]] = {
    "namespace": NAMESPACE,
    "get_if_exists": True,
    "lifetime": "detached",
    "max_restarts": -1,
    "max_task_retries": 0,
    "max_concurrency": 4,
    "num_cpus": ACTOR_CPUS,
    "enable_task_events": False,
}

#: The actors' classes, in the order in which they are ended: first who begins new work, last who
#: sends what the others decided.
ACTOR_CLASSES: Final[Mapping[MemberKind, Any]] = {
    MemberKind.SCHEDULER: SchedulerActor,
    MemberKind.CONVERSATION: ConversationActor,
    MemberKind.PUBLISHER: PublisherActor,
}

# There from the start: Prometheus sees how a series grows, and not that it came.
for _kind in ACTOR_CLASSES:
    for _how in ("died", "frozen"):
        of(ACTORS_ENDED, _kind, _how)

#: The scheduler has little under way that is worth waiting for; the others wait for its end.
_SCHEDULER_DRAIN_SECONDS = 5.0


def is_actor_name(name: str) -> bool:
    """Whether it is the name of one of these actors, such as ``publisher-1``."""
    return name.partition("-")[0] in ACTOR_CLASSES


def _kind_of(name: str) -> MemberKind:
    return MemberKind(name.partition("-")[0])


class Fleet:
    """The actors of one cluster. Only its owner, the registry, uses it."""

    def __init__(
        self, settings: Settings, cluster: str, signs: SignsOfLife, leaving: LeavingNodes
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._signs = signs
        self._watched: dict[str, Watched] = {}
        #: Actors that are too many, until they have ended; by name.
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._leaving = leaving
        #: The node that each was started for.
        self._placed: dict[str, str | None] = {}
        self._cut_off = CutOff()
        #: For those that are started in the same round.
        self._room: Room | None = None

    def describe(self) -> dict[str, Any]:
        """What there is, by actor name."""
        return {
            name: {
                "kind": str(one.kind),
                "answering": one.answering,
                "waiting_for_a_node": one.waiting,
                "busy": one.busyness.share,
                **one.last,
            }
            for name, one in list(self._watched.items())
        }

    def heads(self, kind: MemberKind) -> Headcount:
        """How many actors of a kind there are; those that are being ended count no more."""
        pool = [one for one in self._watched.values() if one.kind is kind]
        pending = sum(one.waiting for one in pool)
        return Headcount(len(pool) - pending, sum(one.ready for one in pool), pending)

    def measure(self) -> None:
        """Tells the measures how many there are."""
        for kind in ACTOR_CLASSES:
            heads = self.heads(kind)
            of(ACTORS, kind, "running").set(heads.running)
            of(ACTORS, kind, "ready").set(heads.ready)
            of(ACTORS, kind, "without_a_node").set(heads.pending)

    def starting(self, kind: MemberKind) -> bool:
        """Whether some of a kind are about to join."""
        return any(one.starting for one in self._watched.values() if one.kind is kind)

    def leaves(self, node: str) -> bool:
        """Whether a node is about to be taken away, and none of the actors is on it any more."""
        left = any(one.last.get("node") == node for one in self._watched.values())
        return node in self._leaving.known.nodes and not left and not self._ending

    @property
    def ending(self) -> frozenset[str]:
        """Member ids of those that are being ended: nothing is assigned to them any more."""
        return frozenset(f"{self._cluster}/{name}" for name in self._ending)

    @property
    def cut_off(self) -> frozenset[str]:
        """Member ids of ConversationActors that do not reach the bus while others do."""
        return frozenset(f"{self._cluster}/{name}" for name in self._cut_off.names)

    def _look_who_is_cut_off(self) -> None:
        away = {
            name: one.last["bus_away_seconds"]
            for name, one in self._watched.items()
            if one.answering and "bus_away_seconds" in one.last
        }
        self._cut_off.look(away, time.monotonic())

    def load(self, kind: MemberKind) -> PoolLoad:
        """How the actors of a kind fare that serve something."""
        return PoolLoad(
            tuple(
                ActorLoad(
                    busy=one.busyness.share,
                    backlog_seconds=one.last.get("backlog_seconds", 0.0),
                    full=one.busyness.full,
                    partitions=one.last["leases"],
                )
                for one in self._watched.values()
                if one.kind is kind and one.ready
            )
        )

    def adopt(self) -> None:
        """Takes over the actors of an earlier incarnation: those too many are ended then."""
        for found in ray.util.list_named_actors(all_namespaces=True):
            name = str(found["name"])
            if found["namespace"] == NAMESPACE and is_actor_name(name):
                kind = _kind_of(name)
                self._watched[name] = Watched(
                    kind, self._start(name, kind), False, time.monotonic(), {}
                )
                # For which node an earlier incarnation started it, nobody knows.
                self._placed.pop(name, None)

    async def look_after(self, sizes: Mapping[MemberKind, int]) -> None:
        """Makes the actors those that there should be, and asks each how it is. Those on a node
        that is about to be taken away are ended, and started anew where there is room. Nothing is
        started on a cluster that ends.
        """
        leaving = self._leaving.look()
        self._room = None
        wanted = {name: kind for kind, size in sizes.items() for name in self._kept(kind, size)}
        for name, kind in wanted.items():
            there = name in self._watched or name in self._ending
            if not there and not leaving.whole:
                # One of this name that was ended is silent now; this one is not for that.
                self._signs.ended(f"{self._cluster}/{name}")
                handle = await asyncio.to_thread(self._start, name, kind)
                self._watched[name] = Watched(kind, handle, False, time.monotonic(), {})
        too_many = [name for name in self._watched if name not in wanted]
        ending = {_kind_of(name) for name in (*self._ending, *too_many)}
        moving = who_moves(self._watched, leaving, ending)
        for name in dict.fromkeys([*moving, *too_many]):
            if name in moving:
                _log.info("actor_leaves_its_node", actor=name)
            # In a task: what it has under way may take a while, and the others are looked after.
            self._ending[name] = asyncio.create_task(
                self._end_actor(self._watched.pop(name), LEASE_SECONDS), name=f"end {name}"
            )
        for name in [name for name, task in self._ending.items() if task.done()]:
            self._ending.pop(name).result()
        await asyncio.gather(*(self._check(name) for name in list(self._watched)))
        self._look_who_is_cut_off()

    def _kept(self, kind: MemberKind, size: int) -> list[str]:
        """Names of those that there should be. Who waits for a node goes before who serves."""
        pool = [name for name, one in self._watched.items() if one.kind is kind]
        pool.sort(key=lambda name: (self._watched[name].waiting, int(name.rpartition("-")[2])))
        free = (f"{kind}-{n}" for n in itertools.count() if f"{kind}-{n}" not in pool)
        return [*pool, *itertools.islice(free, max(0, size - len(pool)))][:size]

    def _processors(self, kind: MemberKind) -> float:
        """What Ray sets aside for an actor, and looks for a node with."""
        return ACTOR_CPUS if kind is MemberKind.SCHEDULER else self._settings.actor_cpus

    def _needs(self, kind: MemberKind) -> dict[str, float]:
        """All of that, by the names of Ray's resources."""
        return {"CPU": self._processors(kind), **self._role(kind)}

    def _role(self, kind: MemberKind) -> dict[str, float]:
        """What it asks of a node beside that."""
        return role_resources(self._settings, WEBHOOK if kind is MemberKind.SCHEDULER else kind)

    def _start(self, name: str, kind: MemberKind) -> ActorHandle[Any]:
        options = {
            **KEPT_ALIVE,
            "num_cpus": self._processors(kind),
            "resources": self._role(kind),
        }
        self._room = self._room or Room(free_by_node())
        node = self._placed[name] = self._room.take(
            self._nodes_of(kind, name),
            needs=self._needs(kind),
            leaving=self._leaving.known.nodes,
        )
        handle: ActorHandle[Any] = (
            ACTOR_CLASSES[kind]
            .options(name=name, scheduling_strategy=strategy(node), **options)
            .remote(self._settings, f"{self._cluster}/{name}")
        )
        _log.info("actor_started", actor=name)
        return handle

    def _nodes_of(self, kind: MemberKind, without: str) -> list[str]:
        """The nodes of the actors of a kind, or those that they were started for."""
        pool = [(name, one) for name, one in list(self._watched.items()) if one.kind is kind]
        nodes = (one.last.get("node") or self._placed.get(name) for name, one in pool)
        return [
            node for (name, _), node in zip(pool, nodes, strict=True) if node and name != without
        ]

    async def _check(self, name: str) -> None:
        """Asks an actor how it is; ends one that is frozen, so that Ray starts it again.

        Calls to an actor whose process died fail at once; calls to one that is starting, or
        frozen, wait. Which of the two it is, its earlier answers and its signs of life tell.
        """
        one, member_id = self._watched[name], f"{self._cluster}/{name}"
        if await self._waits_for_a_node(name, one):
            return
        patience = FROZEN_AFTER_SECONDS if one.answering else ROUND_SECONDS
        try:
            answer: Any = one.handle.describe.remote()
            one.last = await asyncio.to_thread(ray.get, answer, timeout=patience)
        except (GetTimeoutError, RayTaskError):
            waited = time.monotonic() - one.since
            stopped = self._signs.stopped(member_id)
            if one.answering or stopped or waited > one.start_seconds:
                _log.error("actor_frozen", actor=name)
                of(ACTORS_ENDED, one.kind, "frozen").inc()
                if not one.answering and not stopped:
                    one.start_seconds *= 2
                process = self._signs.signed_in(member_id)
                self._signs.ended(member_id)
                # Ray kills a process that hears nothing only 5 s after it was told to end.
                if process is None or not kill_here(process):
                    await asyncio.to_thread(ray.kill, one.handle, no_restart=False)
                one.answering, one.since = False, time.monotonic()
        except RayActorError:
            self._signs.ended(member_id)
            if one.answering:
                _log.warning("actor_died", actor=name)
                of(ACTORS_ENDED, one.kind, "died").inc()
                one.answering, one.since = False, time.monotonic()
            await self._renew_handle(name, one)
        else:
            one.answering, one.since = True, time.monotonic()
            one.start_seconds = START_SECONDS
            full = one.last.get("full", 0.0)
            one.busyness.note(one.since, one.last["cpu_seconds"], full)

    async def _waits_for_a_node(self, name: str, one: Watched) -> bool:
        """Whether it cannot start for want of room. Such a one is not asked, and not taken for
        frozen: it waits for as long as it takes, and the others are looked after.
        """
        waiting = not one.answering and await asyncio.to_thread(
            waits_for_a_node,
            one.handle,
            self._needs(one.kind),
            self._leaving.known.nodes,
        )
        if one.wait_for_room(waiting=waiting, now=time.monotonic()):
            _log.info("actor_waits_for_a_node" if waiting else "actor_has_a_node", actor=name)
        # Ray's autoscaler sees one that was started for no node. Of an adopted one nobody knows.
        seen = name in self._placed and self._placed[name] is None
        if not seen and one.waits_long(time.monotonic()):
            # It is started anew as one that is gone: its name is free some moments later.
            _log.info("actor_asks_for_a_node", actor=name)
            await asyncio.to_thread(ray.kill, one.handle, no_restart=True)
            one.waiting = False
        return waiting

    async def _renew_handle(self, name: str, one: Watched) -> None:
        """An actor that is gone for good (killed without restart) is started anew by name."""
        try:
            one.handle = await asyncio.to_thread(ray.get_actor, name, NAMESPACE)
        except ValueError:
            one.handle = await asyncio.to_thread(self._start, name, one.kind)

    async def end(self, deadline_seconds: float) -> None:
        """Drains and ends all of them. Publishers last, so that what conversations still decide
        is rung at them.
        """
        for kind in ACTOR_CLASSES:
            seconds = deadline_seconds
            if kind is MemberKind.SCHEDULER:
                seconds = min(seconds, _SCHEDULER_DRAIN_SECONDS)
            names = [name for name, one in self._watched.items() if one.kind is kind]
            actors = [self._watched.pop(name) for name in names]
            await asyncio.gather(*(self._end_actor(one, seconds) for one in actors))
        await asyncio.gather(*self._ending.values())

    async def _end_actor(self, one: Watched, deadline_seconds: float) -> None:
        if one.waiting:  # there is nobody to drain
            await asyncio.to_thread(ray.kill, one.handle, no_restart=True)
            return
        try:
            drained: Any = one.handle.drain.remote(deadline_seconds)
            await asyncio.to_thread(ray.get, drained, timeout=deadline_seconds + 15)
        except (GetTimeoutError, RayActorError, RayTaskError) as error:
            _log.warning("actor_not_drained", error=type(error).__name__)
        await asyncio.to_thread(ray.kill, one.handle, no_restart=True)
