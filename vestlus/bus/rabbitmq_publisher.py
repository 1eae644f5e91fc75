"""Confirmed publishing to RabbitMQ, in order within a partition."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections.abc import Sequence

import structlog
from aio_pika import DeliveryMode, Message
from aiormq.abc import AbstractChannel, AbstractConnection

from vestlus.backoff import Backoff
from vestlus.bus.rabbitmq_calls import BROKER_ERRORS, call_broker
from vestlus.bus.rabbitmq_link import Link
from vestlus.errors import BusError, BusUnavailable
from vestlus.log_errors import error_fields

log = structlog.get_logger(__name__)

#: Several, because a channel waits for each message to be written before it takes the next.
#: Measured on two busy cores: 2,000 to 4,000 publishes/s with one, 2,700 to 4,900 with two to
#: eight, among which there was no difference beyond the noise.
CHANNELS = 4

#: Unconfirmed messages at a time, in all. A confirm of many scans all that wait for theirs, and
#: what does not fit waits here, within its timeout.
IN_FLIGHT = 1000


class Publisher:
    """Publishes on a fixed channel per partition: two channels would not keep the order.

    A channel that dies alone is opened again by a task of its own; until then its partitions
    raise BusUnavailable at once.
    """

    def __init__(self, *, timeout: float, chance: random.Random) -> None:
        """``timeout`` is in seconds, for one call of ``publish``."""
        self._timeout = timeout
        self._chance = chance
        self._channels: list[AbstractChannel | None] = [None] * CHANNELS
        self._broken = asyncio.Event()
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self._ids = itertools.count()
        self._id_prefix = uuid.uuid4().hex
        self._link: Link | None = None
        self._mender: asyncio.Task[None] | None = None

    async def use(self, link: Link, connection: AbstractConnection) -> None:
        """Opens the channels on a fresh connection. Raises BusUnavailable."""
        self._link = link
        for index in range(CHANNELS):
            await self._open(link, connection, index)

    def start(self) -> None:
        """Begins to mend channels that die alone."""
        self._mender = asyncio.create_task(self._mend(), name="bus: mend publisher channels")

    async def close(self) -> None:
        """Ends the mending; the channels go with their connection."""
        mender = self._mender
        if mender is None:
            return
        mender.cancel()
        await asyncio.wait({mender})
        if not mender.cancelled():
            mender.result()

    async def publish(
        self, exchange: str, routing_key: str, channel: int, bodies: Sequence[bytes]
    ) -> None:
        """Returns when the broker confirmed all bodies.

        ``channel`` must be the same for one routing key always. Raises BusUnavailable: at once
        where the connection is known to be down or blocked, else within the timeout.
        """
        if self._link is None:
            message = "the bus is not open"
            raise BusUnavailable(message)
        await self._link.refuse_blocked()
        opened = self._channels[channel % CHANNELS]
        if opened is None or opened.is_closed:
            message = f"publish to {routing_key}: the channel is being opened again"
            raise BusUnavailable(message)
        try:
            await call_broker(
                f"publish to {routing_key}",
                self._publish_all(opened, exchange, routing_key, bodies),
                self._timeout,
            )
        except BusUnavailable:
            self._link.doubt()
            raise

    def check(self) -> None:
        """Raises BusUnavailable when a channel is missing."""
        if any(channel is None or channel.is_closed for channel in self._channels):
            message = "a channel is being opened again"
            raise BusUnavailable(message)

    async def _publish_all(
        self,
        channel: AbstractChannel,
        exchange: str,
        routing_key: str,
        bodies: Sequence[bytes],
    ) -> None:
        """Publishes without waiting for one confirm before the next message, in order.

        The order is that of the semaphore's and of the channel's queue, which are both first in,
        first out.
        """
        if len(bodies) == 1:
            await self._publish_one(channel, exchange, routing_key, bodies[0])
            return
        tasks = [
            asyncio.create_task(self._publish_one(channel, exchange, routing_key, body))
            for body in bodies
        ]
        # Every one of them is waited for: none may still be on its way when the caller is told.
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, asyncio.CancelledError):
                message = f"publish to {routing_key}: the connection went away"
                raise BusUnavailable(message)
            if isinstance(result, BaseException):
                raise result

    async def _publish_one(
        self, channel: AbstractChannel, exchange: str, routing_key: str, body: bytes
    ) -> None:
        message = Message(
            body,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            # The library finds a returned message by its id.
            message_id=f"{self._id_prefix}-{next(self._ids)}",
        )
        async with self._in_flight:
            await channel.basic_publish(
                body,
                exchange=exchange,
                routing_key=routing_key,
                properties=message.properties,
                mandatory=True,
            )

    async def _open(self, link: Link, connection: AbstractConnection, index: int) -> None:
        channel = await link.open_channel(connection)

        def closed(_: asyncio.Future[None]) -> None:
            if self._channels[index] is channel:
                self._channels[index] = None
                self._broken.set()

        channel.closing.add_done_callback(closed)
        self._channels[index] = channel

    async def _mend(self) -> None:
        backoff = Backoff(chance=self._chance)
        while True:
            await self._broken.wait()
            self._broken.clear()
            try:
                await self._mend_once()
            except (*BROKER_ERRORS, BusError) as error:
                log.warning("bus_channel_not_opened", **error_fields(error))
            else:
                backoff.reset()
                continue
            self._broken.set()
            await backoff.wait()

    async def _mend_once(self) -> None:
        """Opens what is missing. Where the connection is gone too, its replacement brings all."""
        link = self._link
        if link is None:
            return
        connection = await link.connection_again()
        for index, channel in enumerate(self._channels):
            if channel is None:
                await self._open(link, connection, index)
                log.info("bus_channel_opened_again", channel=index)
