"""The bus on RabbitMQ while the broker, the connection or a process fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aio_pika
import pytest

from tests.services import AmqpSpace, RabbitMQServer
from vestlus.bus.port import Delivery, Queue, Subscription, Topology
from vestlus.bus.rabbitmq import RabbitBus
from vestlus.bus.rabbitmq_topology import DELIVERY_LIMIT
from vestlus.errors import BusError, BusUnavailable, SubscriptionLost

TOPOLOGY = Topology(inbox=2, outbox=1)
TIMEOUT = 2.0

#: Seconds for a broker that was started again to serve its quorum queues on a busy machine.
RECOVERY = 60.0


@pytest.fixture
def space(rabbitmq_server: RabbitMQServer) -> AmqpSpace:
    return rabbitmq_server.fresh_space()


@pytest.fixture
async def bus(space: AmqpSpace) -> AsyncIterator[RabbitBus]:
    async with opened(space) as bus:
        yield bus


def opened(space: AmqpSpace, delivery_limit: int = DELIVERY_LIMIT) -> RabbitBus:
    return RabbitBus(
        space.url,
        TOPOLOGY,
        timeout=TIMEOUT,
        prefix=space.queue_prefix,
        delivery_limit=delivery_limit,
    )


async def recovered(bus: RabbitBus, body: bytes) -> None:
    """Publishes until it works."""
    async with asyncio.timeout(RECOVERY):
        while True:
            try:
                await bus.publish(Queue.INBOX, 0, [body])
            except BusUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def subscribed(bus: RabbitBus) -> Subscription:
    """Subscribes until it works."""
    async with asyncio.timeout(RECOVERY):
        while True:
            try:
                return await bus.subscribe(Queue.INBOX, 0)
            except BusUnavailable:
                await asyncio.sleep(0.05)


async def receive(subscription: Subscription, count: int) -> list[Delivery]:
    received: list[Delivery] = []
    async with asyncio.timeout(RECOVERY):
        while len(received) < count:
            received += await subscription.receive(count - len(received))
    return received


def bodies(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


async def refused_within(seconds: float, call: Callable[[], Awaitable[object]]) -> None:
    started = time.monotonic()
    with pytest.raises(BusUnavailable):
        await call()
    assert time.monotonic() - started < seconds


async def lost_within(seconds: float, subscription: Subscription) -> None:
    async with asyncio.timeout(seconds):
        with pytest.raises(SubscriptionLost):
            await subscription.receive(1)


class Proxy:
    """A way to the broker that can be cut or go silent."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.flowing.wait()
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._writers += [writer, there_writer]
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self.flowing.wait()
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass  # it was cut, here or there
        finally:
            sink.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


@asynccontextmanager
async def proxied(space: AmqpSpace) -> AsyncIterator[tuple[Proxy, AmqpSpace]]:
    address = urlsplit(space.url)
    proxy = Proxy(address.hostname or "", address.port or 5672)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    netloc = f"{address.username}:{address.password}@127.0.0.1:{port}"
    try:
        yield proxy, AmqpSpace(address._replace(netloc=netloc).geturl(), space.queue_prefix)
    finally:
        proxy.flowing.set()
        proxy.cut()
        server.close()
        await asyncio.gather(*proxy._tasks, return_exceptions=True)


async def test_a_stopped_broker_is_said_at_once_and_the_same_bus_works_again_after_it(
    rabbitmq_server: RabbitMQServer, bus: RabbitBus
) -> None:
    await bus.publish(Queue.INBOX, 0, [b"before"])
    subscription = await bus.subscribe(Queue.INBOX, 0)
    held = await receive(subscription, 1)
    await asyncio.to_thread(rabbitmq_server.stop)

    await lost_within(5, subscription)
    with pytest.raises(SubscriptionLost):
        await subscription.ack(held)
    await subscription.close()
    await refused_within(0.1, lambda: bus.publish(Queue.INBOX, 0, [b"refused"]))
    await refused_within(0.1, bus.check)
    await refused_within(TIMEOUT + 0.5, lambda: bus.subscribe(Queue.INBOX, 0))
    await refused_within(TIMEOUT + 0.5, lambda: bus.depth(Queue.INBOX, 0))
    await refused_within(TIMEOUT + 0.5, lambda: bus.depths(Queue.INBOX))

    await asyncio.to_thread(rabbitmq_server.start)
    await recovered(bus, b"after")
    again = await subscribed(bus)
    received = await receive(again, 2)
    assert bodies(received) == [b"before", b"after"]
    assert received[0].redelivered
    await again.ack(received)
    await bus.check()


async def test_a_killed_broker_loses_nothing_that_was_confirmed(
    rabbitmq_server: RabbitMQServer, bus: RabbitBus
) -> None:
    confirmed: list[bytes] = []
    enough = asyncio.Event()

    async def publish() -> None:
        for number in range(1_000_000):
            body = str(number).encode()
            try:
                await bus.publish(Queue.INBOX, 0, [body])
            except BusUnavailable:
                return
            confirmed.append(body)
            if len(confirmed) == 200:
                enough.set()

    publishing = asyncio.create_task(publish())
    async with asyncio.timeout(RECOVERY):
        await enough.wait()
    await asyncio.to_thread(rabbitmq_server.kill9)
    async with asyncio.timeout(TIMEOUT + 5):
        await publishing
    await asyncio.to_thread(rabbitmq_server.start)
    await recovered(bus, b"last")
    subscription = await subscribed(bus)
    received: list[bytes] = []
    while b"last" not in received:
        deliveries = await receive(subscription, 1)
        received += bodies(deliveries)
        await subscription.ack(deliveries)
    # One more may be there: written when the broker died, but not confirmed.
    assert received[: len(confirmed)] == confirmed
    assert len(received) <= len(confirmed) + 2


async def test_connections_that_the_broker_closes_are_made_again(
    rabbitmq_server: RabbitMQServer, bus: RabbitBus
) -> None:
    if rabbitmq_server._ctl is None:
        pytest.fail("the broker of this test must be one that it may control")
    subscription = await bus.subscribe(Queue.INBOX, 0)
    await bus.publish(Queue.INBOX, 0, [b"before"])
    assert bodies(await receive(subscription, 1)) == [b"before"]
    await asyncio.to_thread(rabbitmq_server._ctl, ["close_all_connections", "--global", "test"])
    await lost_within(5, subscription)
    await recovered(bus, b"after")
    assert bodies(await receive(await subscribed(bus), 2)) == [b"before", b"after"]


async def test_a_blocked_broker_is_said_and_consuming_goes_on(
    rabbitmq_server: RabbitMQServer, bus: RabbitBus
) -> None:
    if rabbitmq_server._ctl is None:
        pytest.fail("the broker of this test must be one that it may control")
    await bus.publish(Queue.INBOX, 0, [b"1", b"2"])
    subscription = await bus.subscribe(Queue.INBOX, 0)
    await asyncio.to_thread(
        rabbitmq_server._ctl, ["set_vm_memory_high_watermark", "absolute", "1MB"]
    )
    try:
        # The broker says that it blocks when it is first asked to publish.
        await refused_within(TIMEOUT + 0.5, lambda: bus.publish(Queue.INBOX, 0, [b"perhaps"]))
        await refused_within(0.1, lambda: bus.publish(Queue.INBOX, 0, [b"refused"]))
        await refused_within(0.1, bus.check)
        await subscription.ack(await receive(subscription, 2))
    finally:
        await asyncio.to_thread(rabbitmq_server._ctl, ["set_vm_memory_high_watermark", "0.4"])
    await recovered(bus, b"3")
    await bus.check()
    received = bodies(await receive(subscription, 1))
    while received[-1] != b"3":
        received += bodies(await receive(subscription, 1))
    assert received in ([b"3"], [b"perhaps", b"3"])


async def test_a_queue_that_takes_no_more_refuses_at_once_and_takes_what_fits_afterwards(
    rabbitmq_server: RabbitMQServer, bus: RabbitBus, space: AmqpSpace
) -> None:
    if rabbitmq_server._ctl is None:
        pytest.fail("the broker of this test must be one that it may control")
    # We set no limit; whoever looks after a broker may.
    where = ["-p", urlsplit(space.url).path[1:] or "/"]
    limit = ["set_policy", *where, "full", "inbox", '{"max-length": 3}', "--apply-to", "queues"]
    await asyncio.to_thread(rabbitmq_server._ctl, limit)

    async def filled() -> None:
        while True:
            await bus.publish(Queue.INBOX, 0, [b"x"])

    await refused_within(30.0, filled)
    began = time.monotonic()
    await refused_within(TIMEOUT, lambda: bus.publish(Queue.INBOX, 0, [b"y", b"z"]))
    assert time.monotonic() - began < TIMEOUT
    await bus.publish(Queue.INBOX, 1, [b"another partition"])
    subscription = await bus.subscribe(Queue.INBOX, 0)
    received = await receive(subscription, await bus.depth(Queue.INBOX, 0) or 1)
    assert set(bodies(received)) <= {b"x", b"y", b"z"}
    await subscription.ack(received)
    await recovered(bus, b"3")


async def test_a_cut_connection_is_made_again_in_the_same_process(space: AmqpSpace) -> None:
    async with proxied(space) as (proxy, through), opened(through) as bus:
        subscription = await subscribed(bus)
        await bus.publish(Queue.INBOX, 0, [b"1"])
        await receive(subscription, 1)
        for number in (2, 3, 4):
            proxy.cut()
            await lost_within(5, subscription)
            started = time.monotonic()
            await recovered(bus, str(number).encode())
            assert time.monotonic() - started < 10
            subscription = await subscribed(bus)
            again = await receive(subscription, number)
            assert bodies(again) == [str(n).encode() for n in range(1, number + 1)]


async def test_a_silent_connection_is_found_out_by_publishing_and_replaced(
    space: AmqpSpace,
) -> None:
    async with proxied(space) as (proxy, through), opened(through) as bus:
        await bus.publish(Queue.INBOX, 0, [b"before"])
        proxy.flowing.clear()
        await refused_within(TIMEOUT + 0.5, lambda: bus.publish(Queue.INBOX, 0, [b"perhaps"]))
        async with asyncio.timeout(4 * TIMEOUT):
            while True:
                started = time.monotonic()
                with pytest.raises(BusUnavailable):
                    await bus.publish(Queue.INBOX, 0, [b"perhaps"])
                if time.monotonic() - started < 0.1:
                    break
        proxy.flowing.set()
        await recovered(bus, b"after")


async def test_a_queue_deleted_under_a_consumer_ends_its_subscription(
    space: AmqpSpace, bus: RabbitBus
) -> None:
    subscription = await bus.subscribe(Queue.INBOX, 0)
    async with await aio_pika.connect(space.url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(f"{space.queue_prefix}inbox.0")
    await lost_within(5, subscription)
    await refused_within(TIMEOUT, lambda: bus.publish(Queue.INBOX, 0, [b"nowhere to go"]))
    await refused_within(TIMEOUT, lambda: bus.subscribe(Queue.INBOX, 0))
    await bus.publish(Queue.INBOX, 1, [b"the others work"])


async def test_a_publisher_channel_that_dies_alone_is_opened_again(
    space: AmqpSpace, bus: RabbitBus
) -> None:
    name = f"{space.queue_prefix}vestlus.inbox"
    async with await aio_pika.connect(space.url) as connection:
        channel = await connection.channel()
        await channel.exchange_delete(name)
        await refused_within(TIMEOUT, lambda: bus.publish(Queue.INBOX, 0, [b"closes the channel"]))
        exchange = await channel.declare_exchange(name, "direct", durable=True)
        queue = await channel.get_queue(f"{space.queue_prefix}inbox.0")
        await queue.bind(exchange, f"{space.queue_prefix}inbox.0")
    started = time.monotonic()
    await recovered(bus, b"after")
    assert time.monotonic() - started < 5
    await bus.check()
    assert bodies(await receive(await bus.subscribe(Queue.INBOX, 0), 1)) == [b"after"]


async def test_a_message_over_the_delivery_limit_reaches_the_dead_queue_with_a_reason(
    space: AmqpSpace,
) -> None:
    async with opened(space, delivery_limit=2) as bus:
        await bus.publish(Queue.INBOX, 1, [b"poison"])
        for _ in range(3):
            subscription = await bus.subscribe(Queue.INBOX, 1)
            assert bodies(await receive(subscription, 1)) == [b"poison"]
            await subscription.close()
        dead = await bus.subscribe(Queue.DEAD, 0)
        received = await receive(dead, 1)
        assert bodies(received) == [b"poison"]
        assert received[0].reason == "delivery_limit"
        await dead.ack(received)


async def test_queues_of_another_kind_are_named_and_left_alone(space: AmqpSpace) -> None:
    async with opened(space):
        pass
    with pytest.raises(BusError, match=r"dead\.0 exists on the broker with other arguments") as no:
        async with opened(space, delivery_limit=7):
            pass
    assert not isinstance(no.value, BusUnavailable)


async def test_a_bus_whose_password_is_wrong_says_so_and_not_the_password(
    space: AmqpSpace,
) -> None:
    address = urlsplit(space.url)
    netloc = f"guest:not-this-one@{address.hostname}:{address.port}"
    wrong = AmqpSpace(address._replace(netloc=netloc).geturl(), space.queue_prefix)
    with pytest.raises(BusUnavailable) as refused:
        async with opened(wrong):
            pass
    assert "not-this-one" not in str(refused.value)
