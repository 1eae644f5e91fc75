"""The ConversationRegistry: keeps the actors alive and computes who serves what.

No message passes through it. While it is gone the others go on with what they have, and assign
what the dead served (:class:`vestlus.hosting.assigning.Deputy`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import ray
import structlog
from ray.actor import ActorHandle
from ray.exceptions import (
    ActorUnavailableError,
    GetTimeoutError,
    RayActorError,
    RayTaskError,
)

from actors import NAMESPACE
from actors.fleet import KEPT_ALIVE, ROUND_SECONDS, Fleet, is_actor_name
from actors.leaving import LeavingNodes
from actors.resizing import Resizing
from actors.roles import WEBHOOK, role_resources
from actors.shell import Controls, Shell, new_member, node_id
from vestlus import __version__
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.hosting.assigning import Assigning
from vestlus.hosting.membership import LEASE_SECONDS
from vestlus.hosting.predecessor import dead_members, make_sure_gone
from vestlus.hosting.signs import SignsOfLife
from vestlus.measuring.reporter import Reporter, identity_of, reporting
from vestlus.settings import Settings
from vestlus.settings_digest import digest_of
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Lease, Member, MemberKind

_log = structlog.get_logger(__name__)

#: The registry's own actor name.
REGISTRY_NAME = "registry"

#: How long one round waits for the actors. Frozen ones answer nothing for 4 s.
LOOK_SECONDS = 8.0

#: Ray starts a registry elsewhere when it holds its node for dead: 80 s after a power cut.
BACK_SECONDS = 120.0

#: Exit status of a registry that moves to another node.
MOVED_STATUS = 71


class Registry:
    """Looks after actors and assignments, round by round. Plain class; see the actor below."""

    def __init__(self, settings: Settings, cluster: str) -> None:
        self._settings = settings
        self._cluster = cluster
        self._topology = Topology(inbox=settings.partitions)
        self._signs = SignsOfLife()
        self._fleet = Fleet(settings, cluster, self._signs, LeavingNodes())
        self._resizing = Resizing(settings, cluster, self._topology, self._fleet)
        self._round: asyncio.Task[None] | None = None

    def describe(self) -> dict[str, Any]:
        """What there is, by actor name."""
        return {
            "cluster": self._cluster,
            "version": __version__,
            "settings": digest_of(self._settings),
            "pools": self._resizing.describe(),
            "actors": self._fleet.describe(),
        }

    def deployed_again(self) -> None:
        """See :meth:`ConversationRegistry.deployed_again`. From any thread."""
        self._resizing.deployed_again()

    async def run(self, controls: Controls) -> None:
        """Rounds until told to stop; then drains every actor and ends it."""
        # Here: whoever starts the registry need not load an HTTP client for it.
        from vestlus.accounts.open import keeping_tokens  # noqa: PLC0415

        controls.opening = True
        topology = self._topology
        member = new_member(f"{self._cluster}/{REGISTRY_NAME}", MemberKind.REGISTRY)
        async with (
            open_store(
                self._settings.database,
                partitions=topology.inbox,
                outbox_partitions=topology.outbox,
            ) as store,
            AsyncExitStack() as stack,
        ):
            await make_sure_gone(store, member)
            reporter = Reporter(store, identity_of(member), clock=system_clock, tidies=True)
            await stack.enter_async_context(reporting(reporter))
            keeping = await stack.enter_async_context(keeping_tokens(self._settings, store, member))
            await asyncio.to_thread(self._fleet.adopt)
            await self._resizing.begin(store)
            stack.push_async_callback(self._resizing.aclose)
            assigning = Assigning(store, member, topology)
            lease: Lease | None = None
            controls.opening = False
            while not controls.stop.is_set():
                if keeping.done():
                    keeping.result()
                self._resizing.look(store)
                await self._look_after()
                self._fleet.measure()
                try:
                    lease = await self._assign(store, member, lease, assigning)
                except (LeaseLost, StoreUnavailable) as error:
                    _log.warning("not_assigned", error=type(error).__name__)
                    lease = None
                if self._fleet.leaves(node_id()):
                    await self._move(store, member)
                with suppress(TimeoutError):
                    async with asyncio.timeout(ROUND_SECONDS):
                        await controls.stop.wait()
            await self._resizing.aclose()
            if self._round is not None:
                await asyncio.wait({self._round}, timeout=controls.deadline_seconds)
            # First, so that the registry of another cluster on this store assigns what the actors
            # of this one let go of, while they do.
            try:
                await store.leave(member)
            except StoreUnavailable:
                _log.warning("not_signed_off")
            await self._fleet.end(controls.deadline_seconds)

    async def _look_after(self) -> None:
        """A round of looking after the actors, or more of the one that is under way.

        Ray answers nothing while its head is away; who serves what is assigned all the same.
        """
        if self._round is None:
            self._round = asyncio.create_task(
                self._fleet.look_after(self._resizing.sizes), name="look after the actors"
            )
        await asyncio.wait({self._round}, timeout=LOOK_SECONDS)
        if self._round.done():
            done, self._round = self._round, None
            done.result()

    @staticmethod
    async def _move(store: Store, member: Member) -> None:
        """Ends this process on a node that is about to be taken away; Ray starts it on another."""
        _log.info("registry_leaves_its_node")
        try:
            await store.leave(member)
        finally:
            os._exit(MOVED_STATUS)

    async def _assign(
        self, store: Store, member: Member, lease: Lease | None, assigning: Assigning
    ) -> Lease | None:
        """Computes who serves what, if this registry is the one that may."""
        await store.heartbeat(member)
        await self._sign_off_the_dead(store)
        if lease is None or lease.name not in await store.renew([lease], member, LEASE_SECONDS):
            lease = await assigning.acquire()
        if lease is None:
            return None
        live = await assigning.live()
        self._signs.look(one for members in live.values() for one in members)
        await assigning.assign(
            lease,
            live,
            without=self._fleet.ending | self._fleet.cut_off,
            settled=lambda kind: not self._fleet.starting(kind),
        )
        return lease

    async def _sign_off_the_dead(self, store: Store) -> None:
        """Frees what members whose process is gone from this host still hold."""
        for kind in MemberKind:
            for dead in await dead_members(store, kind, self._cluster):
                _log.info("dead_member_signed_off", kind=str(kind))
                await store.leave(dead)


@ray.remote
class ConversationRegistry:
    """The actor around :class:`Registry`: detached, named, started again by Ray.

    The truth about who serves what is in the store; this actor only computes it, and only while
    it holds the lease ``registry``, so two clusters on one store do not fight.
    """

    def __init__(self, settings: Settings, cluster: str) -> None:
        self._registry = Registry(settings, cluster)
        self._shell = Shell(
            REGISTRY_NAME,
            self._registry.run,
            settings.log_level,
            readable=settings.readable_logs,
        )

    def describe(self) -> dict[str, Any]:
        """The actors, their state and their counts."""
        return self._registry.describe()

    def deployed_again(self) -> None:
        """The webhook's application was deployed with the number of replicas of the settings:
        Serve is told the number that is wished once more.
        """
        self._registry.deployed_again()

    def drain(self, deadline_seconds: float) -> None:
        """Drains and ends every actor. The caller then ends this one."""
        # The kinds of actor one after the other.
        self._shell.drain(deadline_seconds, patience=deadline_seconds + 40)


def end_outdated(settings: Settings, deadline_seconds: float) -> bool:
    """Ends a registry, and its actors, that run with other settings than these, or are of another
    version; returns whether a service with these settings runs, and goes on.

    On a Ray cluster that outlived ``vestlus serve`` they are still there; new tokens, accounts,
    sizes and code would not reach them. Where nobody can say which settings actors have, or they do
    not end in good order, they are ended at once: the next registry would adopt them as they are.
    """
    try:
        registry = ray.get_actor(REGISTRY_NAME, NAMESPACE)
    except ValueError:
        end_at_once()
        return False
    try:
        found = _described(registry)
        if (found["settings"], found.get("version")) == (digest_of(settings), __version__):
            return True
        ray.get(registry.drain.remote(deadline_seconds), timeout=2 * deadline_seconds + 60)
    except (GetTimeoutError, RayActorError, RayTaskError) as error:
        _log.warning("outdated_registry_not_drained", error=type(error).__name__)
    end_at_once()
    return False


def _described(registry: ActorHandle[Any]) -> Mapping[str, Any]:
    """What a registry says of itself, once Ray has started it again if it must. Raises what Ray
    does when it does not come back.
    """
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        try:
            described: Any = ray.get(registry.describe.remote(), timeout=BACK_SECONDS)
        except ActorUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
        else:
            return dict(described)


def end_at_once() -> None:
    """Ends the registry and every actor without draining, as ``kill -9`` would: what they had
    under way is left to the next start.
    """
    found = [
        one["name"]
        for one in ray.util.list_named_actors(all_namespaces=True)
        if one["namespace"] == NAMESPACE
    ]
    actors = [name for name in found if is_actor_name(name)]
    # The registry first: it would start the others again.
    for name in (REGISTRY_NAME, *actors):
        with suppress(ValueError):  # it has ended by itself
            ray.kill(ray.get_actor(name, NAMESPACE), no_restart=True)


def start_registry(settings: Settings, cluster: str) -> ActorHandle[Any]:
    """The registry of this Ray cluster, started if there is none. ``cluster`` names the cluster
    in the store, where several may meet.
    """
    made: Any = ConversationRegistry
    options = {**KEPT_ALIVE, "resources": role_resources(settings, WEBHOOK)}
    handle: ActorHandle[Any] = made.options(name=REGISTRY_NAME, **options).remote(settings, cluster)
    return handle
