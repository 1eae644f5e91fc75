"""The publisher as an ordinary object: outbox partitions, held by lease, served side by side."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from publishers.partitions import Partitions, PublisherStore, Served
from publishers.pictures import PictureSource
from publishers.posts_worker import Posting
from publishers.rules import SendingRules
from publishers.tally import PublisherStats, Tally
from publishers.together import TogetherLedger
from vestlus.bus.port import Bus, Topology
from vestlus.clock import Clock
from vestlus.errors import LeaseLost
from vestlus.instagram.port import Messaging
from vestlus.instagram.usage import Usage
from vestlus.steady_clock import SteadyClock
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """A partition that is not served any more, and why. LeaseLost: somebody else owns it."""

    name: str
    error: BaseException


class PublisherService:
    """Sends direct messages for the outbox partitions whose leases it is given.

    It neither acquires nor renews leases: its owner does, tells it by :meth:`lease_extended`,
    and awaits :meth:`failed`. A lease that was lost has been dropped by then; any other error
    means that this process is not to be trusted with the partition, and the owner must stop.
    ``async with``: leaving lets go of everything in good order. Its queue, the bus's
    ``outbox``, only rings; the ledger is the truth.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        store: PublisherStore,
        messaging: Messaging,
        pictures: PictureSource,
        clock: Clock,
        monotonic: Callable[[], float],
        rules: SendingRules,
        chance: random.Random,
        accounts: Collection[str] = (),
        topology: Topology | None = None,
        posting: Posting | None = None,
    ) -> None:
        """Missed messages are looked for of ``accounts``, where the ``topology`` is told. Without
        ``posting``, messages are sent and nothing is published.
        """
        self._monotonic = monotonic
        self._rules = rules
        self._tally = Tally()
        self._together = TogetherLedger(store, rules, monotonic)
        self._build = Partitions(
            bus=bus,
            store=store,
            together=self._together,
            messaging=messaging,
            pictures=pictures,
            clock=clock,
            steady_clock=SteadyClock(clock, monotonic),
            monotonic=monotonic,
            rules=rules,
            chance=chance,
            tally=self._tally,
            accounts=accounts,
            topology=topology,
            posting=posting,
        )
        self._held: dict[str, Served] = {}
        self._until: dict[str, float] = {}
        #: Tasks of partitions that failed or are let go, until they are through; by lease name.
        self._ending: dict[asyncio.Task[None], str] = {}
        self._failures: asyncio.Queue[Failure] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(self.let_go(name) for name in tuple(self._held)))
        if self._ending:
            await asyncio.wait(self._ending)
        await self._together.settled()

    @property
    def held(self) -> frozenset[Lease]:
        """The leases whose partitions are being served."""
        return frozenset(one.lease for one in self._held.values())

    async def hold(self, lease: Lease) -> None:
        """Begins to serve a partition.

        A lease that is served already is left alone; one with another epoch replaces it. Nothing
        is sent until :meth:`lease_extended` says how long the lease lasts.
        """
        if (before := self._held.get(lease.name)) is not None:
            if before.lease == lease:
                return
            until = self._until.get(lease.name, 0.0)
            await self.let_go(lease.name, drain_seconds=0)
            self._until[lease.name] = until

        def remaining() -> float:
            return self._until.get(lease.name, 0.0) - self._monotonic()

        held = self._build.serve(lease, remaining)
        self._held[lease.name] = held
        for task in (held.serving, held.listening):
            task.add_done_callback(lambda task: self._ended(held, task))

    async def let_go(self, name: str, *, drain_seconds: float | None = None) -> None:
        """Stops serving a partition; afterwards its lease can be released. Safe to call twice.

        Sends in flight get ``drain_seconds`` (by default the rules') to settle; what is not
        settled then is ambiguous to the next holder. With a lost lease, pass 0. When it returns,
        or raises because it was cancelled, nothing of the partition is served any more.
        """
        held = self._held.pop(name, None)
        if held is None:
            # Another call may still be at it, or a failed partition at its last steps.
            if ending := {task for task, of in self._ending.items() if of == name}:
                await asyncio.wait(ending)
            return
        self._keep_ending(held)
        # No bells first, then no new sends, then those in flight, then their last steps.
        held.listening.cancel()
        seconds = self._rules.drain_seconds if drain_seconds is None else drain_seconds
        try:
            if seconds > 0 and not held.serving.done() and not await held.worker.drain(seconds):
                _log.warning("sends_left_in_flight", lease=name, count=held.worker.in_flight)
        finally:
            # Also when cancelled: nobody else could stop the worker, and its lease will be freed.
            held.serving.cancel()
            await asyncio.wait({held.serving, held.listening})
            if name not in self._held:
                self._until.pop(name, None)

    def lease_extended(self, names: Collection[str], until: float) -> None:
        """These leases last until that time of the monotonic clock, seconds.

        The time must be reckoned from before the renewal was asked for.
        """
        for name in names:
            self._until[name] = until

    async def failed(self) -> Failure:
        """Waits for the next partition whose serving ended otherwise than by :meth:`let_go`.

        Nothing of it is left running but the last steps of its rows.
        """
        return await self._failures.get()

    def usage(self, account: str, usage: Usage) -> None:
        """Follows Meta's usage headers, of an answer to a call for this account."""
        for held in self._held.values():
            held.worker.usage(account, usage)

    def token_renewed(self, account: str) -> None:
        """An account has a new token: what waited for it goes on at once."""
        for held in self._held.values():
            held.worker.token_renewed(account)

    @property
    def backlog_seconds(self) -> float:
        """How long the oldest send has been due that its account could make at once. What waits
        for an account's rate, or for an Instagram that does not answer, is none of it.
        """
        workers = (held.worker for held in self._held.values())
        return max((worker.held_up_seconds for worker in workers), default=0.0)

    def stats(self) -> PublisherStats:
        """Counts since the start, over all partitions, and what is under way."""
        workers = [held.worker for held in self._held.values()]
        return self._tally.stats(
            in_flight=sum(worker.in_flight for worker in workers),
            waiting=sum(worker.waiting for worker in workers),
            looking=sum(worker.looking for worker in workers),
        )

    def _ended(self, held: Served, task: asyncio.Task[None]) -> None:
        if self._held.get(held.lease.name) is not held or task.cancelled():
            return
        error = task.exception() or RuntimeError(f"{task.get_name()} ended by itself")
        if isinstance(error, LeaseLost):
            _log.warning("lease_lost", lease=held.lease.name)
        else:
            _log.error("partition_failed", lease=held.lease.name, error=type(error).__name__)
        del self._held[held.lease.name]
        for rest in (held.serving, held.listening):
            rest.cancel()
        self._keep_ending(held)
        self._until.pop(held.lease.name, None)
        self._failures.put_nowait(Failure(held.lease.name, error))

    def _keep_ending(self, held: Served) -> None:
        for task in (held.serving, held.listening):
            if not task.done():
                self._ending[task] = held.lease.name
                task.add_done_callback(lambda task: self._ending.pop(task, None))
