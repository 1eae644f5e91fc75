"""A bus in memory, which fails when told to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from vestlus.bus.port import Delivery, Queue
from vestlus.errors import BusUnavailable, SubscriptionLost


class MemorySubscription:
    """One partition's receiving end. Several share its messages, first come first served."""

    def __init__(self, bus: MemoryBus, place: tuple[Queue, int]) -> None:
        self._bus = bus
        self._place = place
        self._taken: list[Delivery] = []
        self._closed = False

    async def receive(self, limit: int) -> list[Delivery]:
        async with self._bus.changed:
            await self._bus.changed.wait_for(self._ready)
            if self._closed:
                raise SubscriptionLost
            waiting = self._bus.messages[self._place]
            first = self._taken[-1].tag + 1 if self._taken else 1
            deliveries = [Delivery(body, first + n) for n, body in enumerate(waiting[:limit])]
            del waiting[:limit]
            self._taken += deliveries
            return deliveries

    def _ready(self) -> bool:
        return self._closed or bool(self._bus.messages[self._place])

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        if self._closed:
            raise SubscriptionLost
        if self._taken[: len(deliveries)] != list(deliveries):
            message = "only the oldest deliveries can be acknowledged"
            raise ValueError(message)
        del self._taken[: len(deliveries)]

    async def close(self) -> None:
        async with self._bus.changed:
            self._closed = True
            self._bus.messages[self._place][:0] = [delivery.body for delivery in self._taken]
            self._taken.clear()
            self._bus.changed.notify_all()


class MemoryBus:
    """The port over lists. What a test sets decides what becomes of a publish.

    ``fail`` is asked for each partition and gives the error to raise, or None. While ``gate`` is
    clear, publishes hang; ``begun`` counts them, and ``wait_begun`` waits for them.
    """

    def __init__(self) -> None:
        self.messages: defaultdict[tuple[Queue, int], list[bytes]] = defaultdict(list)
        self.fail: Callable[[int], Exception | None] = lambda _: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = 0
        self.cancelled = 0
        self.changed = asyncio.Condition()
        self._subscriptions: list[MemorySubscription] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    async def publish(self, queue: Queue, partition: int, bodies: Sequence[bytes]) -> None:
        async with self.changed:
            self.begun += 1
            self.changed.notify_all()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        error = self.fail(partition)
        if error is not None:
            raise error
        async with self.changed:
            self.messages[queue, partition] += bodies
            self.changed.notify_all()

    async def wait_begun(self, publishes: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.begun >= publishes)

    async def subscribe(self, queue: Queue, partition: int) -> MemorySubscription:
        error = self.fail(partition)
        if error is not None:
            raise error
        subscription = MemorySubscription(self, (queue, partition))
        self._subscriptions.append(subscription)
        return subscription

    async def lose_subscriptions(self) -> None:
        """All that there are end, as when a broker restarts."""
        lost, self._subscriptions = self._subscriptions, []
        for subscription in lost:
            await subscription.close()

    async def depth(self, queue: Queue, partition: int) -> int:
        return len(self.messages[queue, partition])

    async def depths(self, queue: Queue) -> tuple[int, ...]:
        partitions = [partition for of, partition in self.messages if of is queue]
        return tuple(
            [await self.depth(queue, one) for one in range(max(partitions, default=0) + 1)]
        )

    async def reclaim(self) -> bool:
        return True

    async def check(self) -> None:
        error = self.fail(0)
        if error is not None:
            raise BusUnavailable from error
