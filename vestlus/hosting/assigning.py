"""Computes who serves what, in the store: by the registry, or by others while it is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import structlog

from vestlus.bus.port import Topology
from vestlus.errors import LeaseLost
from vestlus.hosting.assignment import assign_evenly, assign_orphans
from vestlus.hosting.membership import GONE_AFTER_SECONDS, LEASE_SECONDS
from vestlus.measuring.catalogue import LEASE_CHANGES, of
from vestlus.store.names import (
    INBOX_PREFIX,
    OUTBOX_PREFIX,
    REGISTRY,
    SCHEDULER,
    inbox_lease,
    outbox_lease,
)
from vestlus.store.port import Leases, Members
from vestlus.store.rows import Lease, Member, MemberKind

_log = structlog.get_logger(__name__)

#: Kinds of members that serve something, and what the names of their leases begin with.
_SERVING = {
    MemberKind.CONVERSATION: INBOX_PREFIX,
    MemberKind.PUBLISHER: OUTBOX_PREFIX,
    MemberKind.SCHEDULER: SCHEDULER,
}

Live = Mapping[MemberKind, tuple[Member, ...]]


class AssigningStore(Leases, Members, Protocol):
    """What assigning needs of the store."""


class Assigning:
    """Assigns on behalf of one member, which must hold the lease ``registry`` to do so.

    Two that assign at the same time cannot be: the store refuses the one without the lease.
    """

    def __init__(self, store: AssigningStore, member: Member, topology: Topology) -> None:
        self._store = store
        self._member = member
        self._names = {
            MemberKind.CONVERSATION: [inbox_lease(number) for number in range(topology.inbox)],
            MemberKind.PUBLISHER: [outbox_lease(number) for number in range(topology.outbox)],
            MemberKind.SCHEDULER: [SCHEDULER],
        }

    async def acquire(self) -> Lease | None:
        """The right to assign, for :data:`LEASE_SECONDS`; None while it is somebody else's."""
        lease = (await self._store.acquire([REGISTRY], self._member, LEASE_SECONDS)).get(REGISTRY)
        if lease is not None:
            of(LEASE_CHANGES, REGISTRY, "acquired").inc()
        return lease

    async def live(self) -> Live:
        """Who can serve, by kind."""
        return {kind: await self._store.live(kind, GONE_AFTER_SECONDS) for kind in _SERVING}

    async def assign(
        self,
        lease: Lease,
        live: Live,
        *,
        without: Collection[str] = (),
        settled: Callable[[MemberKind], bool] = lambda _: True,
        evenly: bool = True,
    ) -> None:
        """Gives what nobody serves to the live. What is served is evened out with it if ``evenly``;
        where all is served, only of a kind that is ``settled``.

        The members of ``without`` get nothing. Raises LeaseLost, StoreUnavailable.
        """
        for kind, prefix in _SERVING.items():
            names = self._names[kind]
            members = [member.id for member in live[kind] if member.id not in without]
            present = await self._store.assignment(prefix)
            if self.served(present, kind, members) and not settled(kind):
                continue
            assign = assign_evenly if evenly else assign_orphans
            wanted = assign(names, members, present)
            if wanted and wanted != present:
                await self._store.assign(lease, wanted)
                _log.info("assigned", prefix=prefix, leases=len(wanted), members=len(members))

    def served(self, present: Mapping[str, str], kind: MemberKind, members: list[str]) -> bool:
        """Whether every lease of a kind is assigned to one of these members."""
        return len(present) == len(self._names[kind]) and set(present.values()) <= set(members)


class Deputy:
    """Assigns what the dead served while no registry gives a sign of life.

    Ray starts a registry again when it holds the node for dead that it was on: after a minute and
    more where the node's power is gone. What other actors of that node served need not wait for
    it. Nothing is evened out meanwhile. The right to assign is given back after each assignment,
    so that a registry that comes back finds it free.
    """

    def __init__(self, store: AssigningStore, member: Member, topology: Topology) -> None:
        self._store = store
        self._member = member
        self._assigning = Assigning(store, member, topology)
        #: The right to assign, until it is given back.
        self._lease: Lease | None = None

    async def stand_in(self) -> None:
        """Looks, and assigns where it must. Raises StoreUnavailable."""
        if self._lease is not None:
            await self._give_back(self._lease)
        if await self._store.live(MemberKind.REGISTRY, GONE_AFTER_SECONDS):
            return
        live = await self._assigning.live()
        if await self._all_served(live):
            return
        # Free when the registry has given no sign of life for its time, or has signed off.
        lease = self._lease = await self._assigning.acquire()
        if lease is None:
            return
        _log.info("assigns_for_the_registry", member=self._member.id)
        try:
            await self._assigning.assign(lease, live, evenly=False)
        except LeaseLost:
            _log.warning("not_assigned", error=LeaseLost.__name__)
        await self._give_back(lease)

    async def _give_back(self, lease: Lease) -> None:
        await self._store.release([lease], self._member)
        self._lease = None

    async def _all_served(self, live: Live) -> bool:
        """Whether nothing can be given to anybody: all is served, or nobody could serve it."""
        for kind, prefix in _SERVING.items():
            members = [member.id for member in live[kind]]
            present = await self._store.assignment(prefix)
            if members and not self._assigning.served(present, kind, members):
                return False
        return True
