"""What exists on the RabbitMQ broker: exchanges, queues, bindings.

Everything here is declared the same way on RabbitMQ 3.10 to 4.x. Queues are quorum queues also
on a single node: single active consumer on classic queues crashes on failover in 3.10, and
quorum queues redeliver in order.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from aio_pika.exceptions import ChannelPreconditionFailed
from aiormq.abc import AbstractChannel

from vestlus.bus.port import Queue, Topology
from vestlus.bus.rabbitmq_calls import call_broker, close_quietly, connect, open_channel
from vestlus.errors import BusError, BusUnavailable

#: How often the broker may deliver one message before it goes to the dead queue.
#: It is given at all because without it 3.x puts returned messages at the back, out of order,
#: and 4.x drops a message after 20 deliveries. It is large because every lost connection counts
#: against all the prefetched messages, the innocent ones included: at one redelivery a second
#: (a consumer whose store is down subscribes again and again) this lasts for a day. Messages
#: that cannot be read or that kill their process are found by their consumer, not by this.
DELIVERY_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and arguments of everything on the broker.

    ``prefix`` goes before every name, for several services on one virtual host.
    """

    topology: Topology
    prefix: str = ""
    delivery_limit: int = DELIVERY_LIMIT

    def exchange(self, queue: Queue) -> str:
        """The direct exchange that routes one queue's partitions."""
        return f"{self.prefix}vestlus.{queue}"

    def queue(self, queue: Queue, partition: int) -> str:
        """One partition's queue, which is also its routing key.

        Raises ValueError when there is no such partition.
        """
        if not 0 <= partition < self.topology.partitions(queue):
            message = f"{queue} has no partition {partition}"
            raise ValueError(message)
        return f"{self.prefix}{queue}.{partition}"

    def arguments(self, queue: Queue) -> dict[str, Any]:
        """What a partition's queue is declared with. Changing it needs new queues."""
        arguments: dict[str, Any] = {
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-delivery-limit": self.delivery_limit,
        }
        if queue is not Queue.DEAD:
            arguments |= {
                "x-dead-letter-exchange": self.exchange(Queue.DEAD),
                "x-dead-letter-routing-key": self.queue(Queue.DEAD, 0),
                # The default, at-most-once, loses the message if the broker dies in between.
                "x-dead-letter-strategy": "at-least-once",
                # Required by at-least-once. No queue has a length limit: nothing is rejected.
                "x-overflow": "reject-publish",
            }
        return arguments


async def declare_layout(url: str, layout: Layout, *, timeout: float) -> None:  # noqa: ASYNC109 - for each step, not for all of them
    """Makes what is missing. Several processes may do so at once.

    It has a connection of its own, because a declaration that fails closes its channel.
    ``timeout`` is in seconds, for each step. Raises BusUnavailable, and BusError when a queue or
    an exchange exists with other arguments, where trying again does not help.
    """
    connection = await connect(url, timeout)
    try:
        channel = await open_channel(connection, timeout)
        # The dead queue first: the others name its exchange.
        for queue in (Queue.DEAD, Queue.INBOX, Queue.OUTBOX, Queue.PLANNER):
            exchange = layout.exchange(queue)
            await _declare(exchange, _declare_exchange(channel, exchange), timeout)
            for partition in range(layout.topology.partitions(queue)):
                name = layout.queue(queue, partition)
                arguments = layout.arguments(queue)
                await _declare(name, _declare_queue(channel, exchange, name, arguments), timeout)
    finally:
        await close_quietly("the connection", connection.close(), timeout)


async def _declare_exchange(channel: AbstractChannel, name: str) -> None:
    await channel.exchange_declare(name, exchange_type="direct", durable=True)


async def _declare_queue(
    channel: AbstractChannel, exchange: str, name: str, arguments: dict[str, Any]
) -> None:
    await channel.queue_declare(name, durable=True, arguments=arguments)
    await channel.queue_bind(name, exchange, routing_key=name)


async def _declare(name: str, coroutine: Coroutine[Any, Any, None], timeout: float) -> None:  # noqa: ASYNC109 - as above
    try:
        await call_broker(f"declare {name}", coroutine, timeout)
    except BusUnavailable as error:
        if isinstance(error.__cause__, ChannelPreconditionFailed):
            message = (
                f"{name} exists on the broker with other arguments: use another virtual host, "
                f"or empty and delete it. The broker says: {error.__cause__}"
            )
            raise BusError(message) from error
        raise
