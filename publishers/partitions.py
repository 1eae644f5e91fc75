"""What serves one outbox partition, put together: its worker, its posts, its doorbell."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from publishers.doorbell import Doorbell
from publishers.missed_reading import SearchParts
from publishers.outbox import OutboxWorker
from publishers.pictures import PictureSource
from publishers.posts_worker import Posting, PostWorker
from publishers.rules import SendingRules
from publishers.sending import LeaseRemaining
from publishers.tally import Tally
from publishers.together import TogetherLedger
from vestlus.bus.port import Bus, Topology
from vestlus.clock import Clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.instagram.port import Messaging
from vestlus.steady_clock import SteadyClock
from vestlus.store.names import partition_number
from vestlus.store.port import DeadLetters, Ledger, MissedMessages
from vestlus.store.rows import Lease


class PublisherStore(Ledger, MissedMessages, DeadLetters, Protocol):
    """What a publisher needs of the store."""


@dataclass(slots=True)
class Served:
    """A partition that is being served."""

    lease: Lease
    worker: OutboxWorker
    serving: asyncio.Task[None]
    listening: asyncio.Task[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """The parts that all partitions of a publisher share, and how one is served with them."""

    bus: Bus
    store: PublisherStore
    together: TogetherLedger
    messaging: Messaging
    pictures: PictureSource
    clock: Clock
    #: For posts, all of which it is read for: so a partition that comes later knows of its jumps.
    steady_clock: SteadyClock
    monotonic: Callable[[], float]
    rules: SendingRules
    chance: random.Random
    tally: Tally
    #: Missed messages are looked for of these, where the topology is told.
    accounts: Collection[str]
    topology: Topology | None
    #: Without it, messages are sent and nothing is published.
    posting: Posting | None

    def serve(self, lease: Lease, lease_remaining: LeaseRemaining) -> Served:
        """Begins to serve the partition of a lease; whoever holds the lease ends the tasks."""
        partition = partition_number(lease.name)
        worker = OutboxWorker(
            lease=lease,
            ledger=self.store,
            together=self.together,
            messaging=self.messaging,
            pictures=self.pictures,
            lease_remaining=lease_remaining,
            clock=self.clock,
            monotonic=self.monotonic,
            rules=self.rules,
            tally=self.tally,
            chance=self.chance,
            missed=self._search_parts(partition),
            posts=self._posts(lease, lease_remaining),
        )
        bell = Doorbell(
            bus=self.bus,
            letters=self.store,
            partition=partition,
            ring=worker.ring,
            show=worker.show,
            search=worker.search,
            returned=worker.bus_returned,
            clock=self.clock,
            tally=self.tally,
        )
        return Served(
            lease=lease,
            worker=worker,
            serving=asyncio.create_task(worker.run(), name=f"{lease.name}.worker"),
            listening=asyncio.create_task(bell.run(), name=f"{lease.name}.doorbell"),
        )

    def _posts(self, lease: Lease, lease_remaining: LeaseRemaining) -> PostWorker | None:
        if self.posting is None:
            return None
        return PostWorker(
            lease=lease,
            posting=self.posting,
            lease_remaining=lease_remaining,
            clock=self.steady_clock,
            monotonic=self.monotonic,
            rules=self.rules,
            tally=self.tally,
        )

    def _search_parts(self, outbox: int) -> SearchParts | None:
        if self.topology is None:
            return None
        outboxes = self.topology.outbox
        mine = [one for one in self.accounts if outbox_partition_of(one, outboxes) == outbox]
        return SearchParts(
            accounts=tuple(mine),
            listings=self.messaging,
            store=self.store,
            bus=self.bus,
            inbox_partitions=self.topology.inbox,
        )
