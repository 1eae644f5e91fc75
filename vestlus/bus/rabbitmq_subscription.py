"""Receiving one partition from RabbitMQ."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from aiormq.abc import AbstractChannel, DeliveredMessage

from vestlus.bus.port import Delivery
from vestlus.bus.rabbitmq_calls import call_broker, close_channel
from vestlus.bus.tags import Tags
from vestlus.errors import BusUnavailable, SubscriptionLost

#: Unacknowledged messages at a time. One POST of Meta's is one message per partition, recorded
#: in groups within some 50 ms, so 200 keeps a partition busy at 4,000 messages/s, and 16
#: partitions of 10 kB messages hold 32 MB. It never changes: with another number after a restart
#: a single active consumer is given its old messages out of order.
PREFETCH = 200


class RabbitSubscription:
    """A consumer on a channel of its own, which is closed with it.

    Closing the channel, and never cancelling the consumer, is what keeps the order: after a
    cancel the next consumer gets newer messages before the ones that are still held.
    """

    def __init__(self, queue: str, channel: AbstractChannel, *, timeout: float) -> None:
        """``timeout`` is in seconds, for each answer of the broker."""
        self._queue = queue
        self._channel = channel
        self._timeout = timeout
        self._received: deque[Delivery] = deque()
        # The broker numbers a channel's deliveries from 1 without gaps, too.
        self._tags = Tags()
        self._changed = asyncio.Event()
        self._lost = ""

    async def start(self) -> None:
        """Starts the consumer. Raises BusUnavailable."""
        await call_broker(f"consume {self._queue}", self._consume(), self._timeout)

    async def receive(self, limit: int) -> list[Delivery]:
        """As the port says."""
        if limit < 1:
            message = "limit must be at least 1"
            raise ValueError(message)
        while not self._received:
            self._raise_if_lost()
            self._changed.clear()
            await self._changed.wait()
        self._raise_if_lost()
        # No await from here on, so that a cancelled caller has lost nothing.
        count = min(limit, len(self._received))
        deliveries = [self._received.popleft() for _ in range(count)]
        self._tags.hand_out(deliveries)
        return deliveries

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """As the port says. Raises ValueError for other deliveries than the oldest ones."""
        self._raise_if_lost()
        if not deliveries:
            return
        self._tags.acknowledge(deliveries)
        try:
            await call_broker(
                f"acknowledge {self._queue}",
                self._channel.basic_ack(deliveries[-1].tag, multiple=True),
                self._timeout,
            )
        except BusUnavailable as error:
            self._lose(str(error))
            raise SubscriptionLost(self._lost) from error

    async def close(self) -> None:
        """As the port says."""
        self._lose("closed")
        await close_channel(self._queue, self._channel, self._timeout)

    async def _consume(self) -> None:
        channel = self._channel
        channel.closing.add_done_callback(lambda _: self._lose("the channel is gone"))
        channel.on_consumer_cancel_callbacks.add(
            lambda _: self._lose("the broker cancelled the consumer")
        )
        await channel.basic_qos(prefetch_count=PREFETCH)
        await channel.queue_declare(self._queue, passive=True)
        await channel.basic_consume(self._queue, self._take)

    async def _take(self, message: DeliveredMessage) -> None:
        """Runs as a task per message, begun in the order of arrival: no await before append."""
        tag = message.delivery_tag
        if tag is None:
            self._lose("a delivery without a tag")
            return
        headers = message.header.properties.headers or {}
        self._received.append(
            Delivery(
                body=message.body,
                tag=tag,
                redelivered=bool(message.redelivered),
                reason=_death_reason(headers),
            )
        )
        self._changed.set()

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self._lost = f"{self._queue}: {reason}"
            # The broker gives them to the next subscription.
            self._received.clear()
            self._changed.set()

    def _raise_if_lost(self) -> None:
        if self._lost:
            raise SubscriptionLost(self._lost)


def _death_reason(headers: Mapping[str, Any]) -> str:
    """Why the broker gave a message up: the newest entry of what RabbitMQ calls its deaths.

    https://www.rabbitmq.com/docs/dlx#effects
    """
    deaths = headers.get("x-death")
    if not isinstance(deaths, list) or not deaths or not isinstance(deaths[0], Mapping):
        return ""
    return str(deaths[0].get("reason", ""))
