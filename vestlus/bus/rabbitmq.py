"""The bus on RabbitMQ 3.10 to 4.x."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiormq.abc import AbstractConnection

from vestlus.bus.port import Queue, Topology
from vestlus.bus.rabbitmq_calls import call_broker, close_channel
from vestlus.bus.rabbitmq_link import Link
from vestlus.bus.rabbitmq_publisher import Publisher
from vestlus.bus.rabbitmq_subscription import RabbitSubscription
from vestlus.bus.rabbitmq_topology import DELIVERY_LIMIT, Layout, declare_layout


class RabbitBus:
    """Publishes and consumes on two connections, which mend themselves when the broker is back.

    Two, because the broker stops reading from a connection that publishes while it is short of
    memory or disk, and acknowledgements must go on then: they are what frees it.
    """

    def __init__(
        self,
        url: str,
        topology: Topology,
        *,
        timeout: float,
        prefix: str = "",
        delivery_limit: int = DELIVERY_LIMIT,
        chance: random.Random | None = None,
    ) -> None:
        """``timeout`` is in seconds, for one publish and for each answer of the broker.

        ``prefix`` goes before the names of queues and exchanges. ``chance`` jitters the waits
        between tries to connect.
        """
        chance = chance or random.Random()  # noqa: S311 - jitter, no secret
        self._timeout = timeout
        self._layout = Layout(topology, prefix, delivery_limit)
        self._publisher = Publisher(timeout=timeout, chance=chance)
        self._publishing = Link(
            url, name="vestlus-publish", timeout=timeout, chance=chance, prepare=self._prepare
        )
        self._consuming = Link(url, name="vestlus-consume", timeout=timeout, chance=chance)
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Declares what is missing and connects.

        Raises BusUnavailable, and BusError when the broker holds queues of another kind.
        """
        async with AsyncExitStack() as stack:
            for link in (self._publishing, self._consuming):
                stack.push_async_callback(link.close)
                await link.open()
            self._publisher.start()
            stack.push_async_callback(self._publisher.close)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def publish(self, queue: Queue, partition: int, bodies: Sequence[bytes]) -> None:
        """As the port says."""
        name = self._layout.queue(queue, partition)
        if bodies:
            await self._publisher.publish(self._layout.exchange(queue), name, partition, bodies)

    async def subscribe(self, queue: Queue, partition: int) -> RabbitSubscription:
        """As the port says. While the connection is down it waits for one, within the timeout."""
        name = self._layout.queue(queue, partition)
        channel = await self._consuming.open_channel(await self._consuming.connection_soon())
        subscription = RabbitSubscription(name, channel, timeout=self._timeout)
        try:
            await subscription.start()
        except BaseException:
            await subscription.close()
            raise
        return subscription

    async def depth(self, queue: Queue, partition: int) -> int:
        """As the port says: what is delivered and not acknowledged is not counted."""
        (depth,) = await self._counted([self._layout.queue(queue, partition)])
        return depth

    async def depths(self, queue: Queue) -> tuple[int, ...]:
        """As the port says, over one channel, and as :meth:`depth`."""
        partitions = range(self._layout.topology.partitions(queue))
        return await self._counted([self._layout.queue(queue, one) for one in partitions])

    async def reclaim(self) -> bool:
        """As the port says: RabbitMQ deletes the segments of its logs by itself."""
        return True

    async def check(self) -> None:
        """As the port says: both connections are open, not blocked, and the broker answers."""
        await self._publishing.refuse_blocked()
        self._publisher.check()
        self._consuming.connection()
        probe = await self._publishing.open_channel(self._publishing.connection())
        await close_channel("the probe", probe, self._timeout)

    async def _counted(self, names: Sequence[str]) -> tuple[int, ...]:
        channel = await self._consuming.open_channel(self._consuming.connection())

        async def counted(name: str) -> int:
            # One that is only looked for: it tells how much waits (AMQP 0-9-1, "queue.declare").
            return (await channel.queue_declare(name, passive=True)).message_count or 0

        async def one_after_another() -> tuple[int, ...]:
            # A channel has one question open at a time.
            return tuple([await counted(name) for name in names])

        try:
            return await call_broker(f"count {names[0]}", one_after_another(), self._timeout)
        finally:
            await close_channel("the counting channel", channel, self._timeout)

    async def _prepare(self, connection: AbstractConnection) -> None:
        """Before a fresh connection publishes: the queues are there, even if the broker is new."""
        await declare_layout(self._publishing.url, self._layout, timeout=self._timeout)
        await self._publisher.use(self._publishing, connection)
