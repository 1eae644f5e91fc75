"""The bus: durable, partitioned queues with one active consumer each.

Guarantees that both adapters give and ``tests/contract/test_bus.py`` shows:

- what :meth:`Bus.publish` returned from survives ``kill -9`` of every process, and reaches a
  consumer at least once;
- one partition's messages are delivered in the order in which they were published, also after
  a redelivery;
- a subscription that is closed, or whose process dies, gives what it did not acknowledge to the
  next one, in order, before anything newer;
- two subscriptions to one partition at the same time: one receives, the other waits for its
  turn. That is a guard, not a lock: the lease in the store decides who may act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self


class Queue(StrEnum):
    """The queues. Partition ``p`` of a queue is named ``{queue}.{p}`` on the broker."""

    INBOX = "inbox"
    OUTBOX = "outbox"
    #: Bells for whoever plans posts; one partition.
    PLANNER = "planner"
    #: What the broker gave up on; one partition. Its consumer turns it into rows of the store.
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Topology:
    """How many partitions each queue has."""

    inbox: int = 16
    outbox: int = 4

    def partitions(self, queue: Queue) -> int:
        """The number of partitions of one queue."""
        match queue:
            case Queue.INBOX:
                return self.inbox
            case Queue.OUTBOX:
                return self.outbox
            case Queue.PLANNER | Queue.DEAD:
                return 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it was received. ``tag`` means something to its subscription only."""

    body: bytes
    tag: int
    redelivered: bool = False
    #: Why the broker gave the message up, on the dead queue only, else empty.
    reason: str = ""


class Subscription(Protocol):
    """The receiving end of one partition, held by one task."""

    async def receive(self, limit: int) -> list[Delivery]:
        """Waits for at least one message and returns up to ``limit``, in order.

        Raises SubscriptionLost when the channel is gone; what was not acknowledged comes again
        to the next subscription. Cancelling loses nothing.
        """
        ...

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Removes these deliveries for good, as one group.

        They must be the oldest unacknowledged ones of this subscription. Raises
        SubscriptionLost when the channel is gone: the messages may then come again.
        """
        ...

    async def close(self) -> None:
        """Stops receiving and gives back what is not acknowledged. Safe to call twice. It is
        brought to its end also where its caller is cancelled meanwhile: a consumer that is left
        behind would be given what nobody takes.
        """
        ...


class Bus(Protocol):
    """Durable queues. ``async with`` opens and closes it; one per process."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def publish(self, queue: Queue, partition: int, bodies: Sequence[bytes]) -> None:
        """Returns when all bodies are durable, in order, in one partition.

        Raises BusUnavailable when that was not confirmed in time: some of them may be durable
        all the same.
        """
        ...

    async def subscribe(self, queue: Queue, partition: int) -> Subscription:
        """Starts receiving one partition. Raises BusUnavailable."""
        ...

    async def depth(self, queue: Queue, partition: int) -> int:
        """Gives how many messages wait.

        Those delivered and not yet acknowledged count only where the bus
        cannot tell them apart. Raises BusUnavailable.
        """
        ...

    async def depths(self, queue: Queue) -> tuple[int, ...]:
        """Gives the same for each partition of a queue, by its number, at the cost of one question:
        not as of one moment. Raises BusUnavailable.
        """
        ...

    async def reclaim(self) -> bool:
        """Makes what was acknowledged unreadable in files that are the bus's own; False where
        others were in the way. Where a broker keeps the messages, that is the broker's. Raises
        BusUnavailable.
        """
        ...

    async def check(self) -> None:
        """Raises BusUnavailable unless a publish would be accepted now, as far as one can know."""
        ...
