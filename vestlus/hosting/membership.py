"""Keeps this process known to the others, and its leases those that are assigned to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, Protocol

import structlog

from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.finishing import to_its_end
from vestlus.measuring.catalogue import LEASE_CHANGES, LEASES_HELD, of
from vestlus.store.names import INBOX_PREFIX, OUTBOX_PREFIX, SCHEDULER
from vestlus.store.port import Leases, Members
from vestlus.store.rows import Lease, Member

_log = structlog.get_logger(__name__)

# There from the start: Prometheus sees how a series grows, and not that it came.
for _of in (INBOX_PREFIX, OUTBOX_PREFIX, SCHEDULER):
    for _change in ("acquired", "released", "lost", "not_taken_up"):
        of(LEASE_CHANGES, _of.rstrip("."), _change)

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
#: How often it is looked whether somebody must stand in for the registry.
STAND_IN_SECONDS = 2.0
#: How long turns and sends under way may take when a lease moves to somebody else.
HAND_OVER_SECONDS = 15.0


class Holder(Protocol):
    """Acts for the leases it is given."""

    #: Leases that were found to be lost; the holder has dropped them already.
    lost: set[Lease]

    async def hold(self, lease: Lease) -> None:
        """Begins to act. Raises LeaseLost, StoreUnavailable."""
        ...

    async def let_go(self, name: str, deadline_seconds: float) -> None:
        """Ends what is under way within the deadline, and acts no more. Safe to call twice."""
        ...

    async def rest(self, name: str) -> None:
        """Takes nothing in any more: the lease has run out, and somebody else may have it. What is
        under way goes on. Safe to call twice.
        """
        ...

    async def resume(self, name: str) -> None:
        """Takes in again: the lease was still its own. Of one that does not rest, nothing."""
        ...


class StandsIn(Protocol):
    """Does what the registry would, while there is none."""

    async def stand_in(self) -> None:
        """Looks, and does it where it must. Raises StoreUnavailable."""
        ...


class MembershipStore(Leases, Members, Protocol):
    """What membership needs of the store."""


class Membership:
    """Heartbeats, and leases acquired, extended and released as assigned.

    Loops of their own: signs of life and renewals go on while a partition is taken up or handed
    over, which may take seconds. Only one, :meth:`_reconcile`, takes and lets go of leases.

    A lease that cannot be extended in its time is not let go: its epoch protects the store, and
    publishers stop writing requests in time by themselves. But nothing is taken in for it any
    more, because the queue gives to one consumer only: whoever has the lease now would get nothing
    from a holder that lost its way to the store and not to the bus.
    """

    def __init__(
        self,
        store: MembershipStore,
        member: Member,
        holder: Holder,
        *,
        deputy: StandsIn | None = None,
        extended: Callable[[Collection[str], float], None] = lambda _names, _until: None,
    ) -> None:
        """``extended`` hears which leases last until when, by the monotonic clock, reckoned
        from before the database was asked.
        """
        self._extended = extended
        self._deputy = deputy
        self._store = store
        self._member = member
        self._holder = holder
        self._assigned: frozenset[str] = frozenset()
        self._held: dict[str, Lease] = {}
        #: Until when each lasts, monotonic.
        self._until: dict[str, float] = {}
        #: Those held that have run out.
        self._resting: set[str] = set()
        self._not_renewed: set[Lease] = set()
        #: Signs of life that are being written.
        self._beats: set[asyncio.Task[Any]] = set()
        LEASES_HELD.set_function(lambda: len(self._held))

    @property
    def held(self) -> Collection[str]:
        """The names of the leases held."""
        return self._held.keys()

    async def run(self, stop: asyncio.Event, deadline_seconds: Callable[[], float]) -> None:
        """Serves until ``stop`` is set; then hands everything over and signs off.

        ``deadline_seconds`` is asked then: what is under way may take so long. Others take over
        at once, each partition as soon as nothing of it is under way: it is assigned to them from
        the beginning, and its lease is released and not left to expire. With a database that is
        away it ends all the same, and the leases expire.
        """
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(self._repeat(self._beat, BEAT_SECONDS), name="heartbeat")
            renewing = group.create_task(self._repeat(self._renew, RENEW_SECONDS), name="renewal")
            serving = group.create_task(
                self._repeat(self._reconcile, BEAT_SECONDS), name="reconciliation"
            )
            ending = [serving, beating]
            if self._deputy is not None:
                standing_in = self._repeat(self._deputy.stand_in, STAND_IN_SECONDS)
                ending.append(group.create_task(standing_in, name="deputy"))
            await _until_set_or_done(stop, serving)
            for one in ending:
                one.cancel()
            # Nobody may be struck off before the last sign of life is written, which would sign in
            # again: a thread or a server goes on with it although nobody waits for it.
            await asyncio.wait({*ending, *self._beats})
            await _if_it_answers(self._store.retire(self._member), "not_retired")
            await self._let_go(list(self._held), deadline_seconds())
            renewing.cancel()
        await _if_it_answers(self._store.leave(self._member), "not_signed_off")

    async def _repeat(self, action: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await action()
            except StoreUnavailable:
                _log.warning("store_not_reachable", member=self._member.id)
            await asyncio.sleep(seconds)

    async def _beat(self) -> None:
        self._assigned = await to_its_end(self._store.heartbeat(self._member), self._beats)

    async def _renew(self) -> None:
        # A copy: the other loop takes and releases leases while the store answers.
        leases = list(self._held.values())
        if not leases:
            return
        asked = time.monotonic()
        kept = await self._store.renew(leases, self._member, LEASE_SECONDS)
        self._not_renewed.update(lease for lease in leases if lease.name not in kept)
        self._note_extended(kept, asked + LEASE_SECONDS)

    def _note_extended(self, names: Collection[str], until: float) -> None:
        self._until.update(dict.fromkeys(names, until))
        self._extended(names, until)

    async def _reconcile(self) -> None:
        """Makes what is held what is assigned."""
        await self._drop_lost()
        await self._rest()
        missing = sorted(self._assigned - self._held.keys())
        if missing:
            await self._acquire(missing)
        surplus = [name for name in self._held if name not in self._assigned]
        if surplus:
            await self._let_go(surplus, HAND_OVER_SECONDS)

    async def _drop_lost(self) -> None:
        lost = self._holder.lost | self._not_renewed
        self._holder.lost.clear()
        self._not_renewed.clear()
        for lease in lost:
            if self._held.get(lease.name) == lease:
                _log.warning("lease_lost", lease=lease.name)
                _note(lease.name, "lost")
                del self._held[lease.name]
                await self._holder.let_go(lease.name, 0)

    async def _rest(self) -> None:
        now = time.monotonic()
        run_out = {name for name in self._held if self._until[name] < now}
        resting, self._resting = self._resting & self._held.keys(), run_out
        for name in resting - run_out:
            _log.info("lease_extended_again", lease=name)
            await self._holder.resume(name)
        for name in run_out - resting:
            _log.warning("lease_run_out", lease=name)
        # Together: a broker that does not answer either takes its time with each.
        await asyncio.gather(*(self._holder.rest(name) for name in run_out - resting))

    async def _let_go(self, names: Collection[str], deadline_seconds: float) -> None:
        async def one(name: str) -> None:
            await self._holder.let_go(name, deadline_seconds)
            lease = self._held.pop(name, None)
            if lease is not None:
                _note(name, "released")
                # Otherwise it expires by itself.
                release = self._store.release([lease], self._member)
                await _if_it_answers(release, "lease_not_released")

        await asyncio.gather(*(one(name) for name in names))
        _log.info("leases_let_go", leases=len(names))

    async def _acquire(self, names: Collection[str]) -> None:
        asked = time.monotonic()
        leases = await self._store.acquire(names, self._member, LEASE_SECONDS)
        self._held.update(leases)
        self._resting -= leases.keys()
        self._note_extended(leases.keys(), asked + LEASE_SECONDS)
        results = await asyncio.gather(
            *(self._holder.hold(lease) for lease in leases.values()), return_exceptions=True
        )
        for name, result in zip(leases, results, strict=True):
            _note(name, "acquired" if result is None else "not_taken_up")
            if result is None:
                continue
            self._held.pop(name, None)
            if not isinstance(result, (LeaseLost, StoreUnavailable)):
                raise result
            _log.warning("lease_not_taken_up", lease=name, error=type(result).__name__)
        if leases:
            _log.info("leases_acquired", leases=len(leases))


def _note(name: str, change: str) -> None:
    """Counts a change of a lease, by what it is for."""
    of(LEASE_CHANGES, name.partition(".")[0], change).inc()


async def _if_it_answers(call: Coroutine[Any, Any, None], otherwise: str) -> None:
    """For the last calls, which a database that is away must not hold up; logs ``otherwise``."""
    try:
        await call
    except StoreUnavailable:
        _log.warning(otherwise)


async def _until_set_or_done(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Waits for the event, or for the end of a task that should not end."""
    waiting = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
