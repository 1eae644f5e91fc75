"""Keeps this process known to the others, and its leases those that are assigned to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import structlog

from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.store.port import Leases, Members
from vestlus.store.rows import Lease, Member

_log = structlog.get_logger(__name__)

#: How long a lease outlives its holder's last sign of life, when nobody confirms its death. A
#: publisher needs the time of a whole request in it (10 s, 2 s margin) beside the renewals.
LEASE_SECONDS = 20.0
#: A member whose last sign of life is older has its partitions given to others. Longer than an
#: actor takes to come back after a crash: then nothing moves at all.
GONE_AFTER_SECONDS = 8.0
#: Time between signs of life. Assignments are learnt with them.
BEAT_SECONDS = 0.5
#: Leases are extended this often: several tries fit in their time.
RENEW_SECONDS = 2.0
#: How long turns and sends under way may take when a lease moves to somebody else.
HAND_OVER_SECONDS = 15.0


class Holder(Protocol):
    """Acts for the leases it is given."""

    #: Names of leases that were found to be lost; whoever notices takes them out.
    lost: set[str]

    async def hold(self, lease: Lease) -> None:
        """Begins to act. Raises LeaseLost, StoreUnavailable."""
        ...

    async def let_go(self, name: str, deadline_seconds: float) -> None:
        """Ends what is under way within the deadline, and acts no more."""
        ...


class MembershipStore(Leases, Members, Protocol):
    """What membership needs of the store."""


class Membership:
    """Heartbeats, and leases acquired, extended and released as assigned.

    A lease that cannot be extended in its time is not let go at once: its epoch protects the
    store, and publishers stop writing requests in time by themselves.
    """

    def __init__(
        self,
        store: MembershipStore,
        member: Member,
        holder: Holder,
        *,
        extended: Callable[[Collection[str], float], None] = lambda _names, _until: None,
    ) -> None:
        """``extended`` hears which leases last until when, by the monotonic clock, reckoned
        from before the database was asked.
        """
        self._extended = extended
        self._store = store
        self._member = member
        self._holder = holder
        self._held: dict[str, Lease] = {}

    @property
    def held(self) -> Collection[str]:
        """The names of the leases held."""
        return self._held.keys()

    async def run(self) -> None:
        """Beats and extends leases until cancelled.

        Two loops, so that leases are extended while a partition is taken up or handed over.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self._beat, BEAT_SECONDS), name="heartbeat")
            group.create_task(self._repeat(self._renew, RENEW_SECONDS), name="lease renewal")

    async def _repeat(self, action: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await action()
            except StoreUnavailable:
                _log.warning("store_not_reachable", member=self._member.id)
            await asyncio.sleep(seconds)

    async def leave(self, deadline_seconds: float) -> None:
        """A planned end: lets go of everything and signs off, so that others take over at once."""
        names = list(self._held)
        await asyncio.gather(*(self._holder.let_go(name, deadline_seconds) for name in names))
        await self._release(names)
        await self._store.leave(self._member)

    async def _beat(self) -> None:
        assigned = await self._store.heartbeat(self._member)
        await self._forget_lost()
        surplus = [name for name in self._held if name not in assigned]
        if surplus:
            await asyncio.gather(
                *(self._holder.let_go(name, HAND_OVER_SECONDS) for name in surplus)
            )
            await self._release(surplus)
        missing = sorted(assigned - self._held.keys())
        if missing:
            await self._acquire(missing)

    async def _forget_lost(self) -> None:
        while self._holder.lost:
            name = self._holder.lost.pop()
            self._held.pop(name, None)

    async def _renew(self) -> None:
        # A copy: the other loop takes and releases leases while the store answers.
        leases = dict(self._held)
        if not leases:
            return
        asked = time.monotonic()
        kept = await self._store.renew(list(leases.values()), self._member, LEASE_SECONDS)
        for name, lease in leases.items():
            if self._held.get(name) != lease:
                continue
            if name not in kept:
                _log.warning("lease_lost", lease=name)
                del self._held[name]
                await self._holder.let_go(name, 0)
        self._extended(kept, asked + LEASE_SECONDS)

    async def _release(self, names: Collection[str]) -> None:
        leases = [self._held[name] for name in names if name in self._held]
        for name in names:
            self._held.pop(name, None)
        if leases:
            await self._store.release(leases, self._member)
            _log.info("leases_released", leases=len(leases))

    async def _acquire(self, names: Collection[str]) -> None:
        asked = time.monotonic()
        leases = await self._store.acquire(names, self._member, LEASE_SECONDS)
        for name, lease in leases.items():
            self._held[name] = lease
        self._extended(leases.keys(), asked + LEASE_SECONDS)
        results = await asyncio.gather(
            *(self._holder.hold(lease) for lease in leases.values()),
            return_exceptions=True,
        )
        for name, result in zip(leases, results, strict=True):
            if result is None:
                continue
            self._held.pop(name, None)
            if isinstance(result, (LeaseLost, StoreUnavailable)):
                _log.warning("lease_not_taken_up", lease=name, error=type(result).__name__)
            else:
                raise result
        if leases:
            _log.info("leases_acquired", leases=len(leases))
