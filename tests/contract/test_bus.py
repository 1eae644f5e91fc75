"""What every bus promises, shown on both adapters."""

from __future__ import annotations

import asyncio
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiormq.abc import AbstractChannel, AbstractConnection

from tests.contract.bus_process import TOPOLOGY
from tests.services import AmqpSpace
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Delivery, Queue, Subscription
from vestlus.bus.rabbitmq_link import Link
from vestlus.errors import BusUnavailable, SubscriptionLost

ROOT = Path(__file__).parents[2]

#: Seconds within which everything here has to happen; most of it takes milliseconds.
PATIENCE = 20.0


@dataclass(frozen=True)
class Place:
    """Where a bus is: opened as often as a test likes, it is the same bus."""

    url: str
    prefix: str = ""

    def open(self) -> Bus:
        return open_bus(self.url, TOPOLOGY, prefix=self.prefix)


@pytest.fixture(params=["embedded", "rabbitmq"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "embedded":
        yield Place(f"sqlite:///{tmp_path / 'bus.sqlite'}")
    else:
        space: AmqpSpace = request.getfixturevalue("amqp_space")
        yield Place(space.url, space.queue_prefix)


@pytest.fixture
async def bus(place: Place) -> AsyncIterator[Bus]:
    async with place.open() as opened:
        yield opened


def numbers(count: int, start: int = 0) -> list[bytes]:
    return [str(number).encode() for number in range(start, start + count)]


def bodies(deliveries: Sequence[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


async def receive(subscription: Subscription, count: int, limit: int = 100) -> list[Delivery]:
    """Receives ``count`` messages, however they are grouped."""
    received: list[Delivery] = []
    async with asyncio.timeout(PATIENCE):
        while len(received) < count:
            received += await subscription.receive(min(limit, count - len(received)))
    return received


async def settles(waiting: asyncio.Task[list[Delivery]]) -> bool:
    """Whether a receive ends within half a second, in which a message would have come."""
    done, _ = await asyncio.wait({waiting}, timeout=0.5)
    return bool(done)


async def depth_is(bus: Bus, expected: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await bus.depth(Queue.INBOX, 0) != expected:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def process(
    place: Place, what: str, number: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that uses the bus; it is killed at the end if it still runs."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.contract.bus_process",
        what,
        place.url,
        place.prefix,
        str(number),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def lines(started: asyncio.subprocess.Process, count: int) -> list[bytes]:
    assert started.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return [(await started.stdout.readline()).strip() for _ in range(count)]


async def test_what_was_published_is_there_for_the_next_process(place: Place) -> None:
    async with place.open() as first:
        await first.publish(Queue.INBOX, 0, numbers(5))
    async with place.open() as second:
        subscription = await second.subscribe(Queue.INBOX, 0)
        assert bodies(await receive(subscription, 5)) == numbers(5)


async def test_messages_arrive_in_the_order_of_publishing(bus: Bus) -> None:
    subscription = await bus.subscribe(Queue.INBOX, 0)
    await bus.publish(Queue.INBOX, 0, numbers(300))
    for number in range(300, 400):
        await bus.publish(Queue.INBOX, 0, numbers(1, number))
    received = await receive_and_ack(subscription, 400)
    assert bodies(received) == numbers(400)
    assert not any(delivery.redelivered for delivery in received)


async def receive_and_ack(subscription: Subscription, count: int) -> list[Delivery]:
    received: list[Delivery] = []
    while len(received) < count:
        group = await receive(subscription, 1, limit=1) + []
        group += await receive(subscription, min(49, count - len(received) - 1))
        await subscription.ack(group)
        received += group
    return received


async def test_a_waiting_receiver_is_woken_at_once(bus: Bus) -> None:
    subscription = await bus.subscribe(Queue.INBOX, 0)
    waiting = asyncio.create_task(subscription.receive(10))
    await asyncio.sleep(0.2)
    started = asyncio.get_running_loop().time()
    await bus.publish(Queue.INBOX, 0, [b"hello"])
    assert bodies(await waiting) == [b"hello"]
    assert asyncio.get_running_loop().time() - started < 0.5


async def test_a_receiver_is_woken_at_once_by_another_process(place: Place) -> None:
    async with place.open() as consumer, place.open() as publisher:
        subscription = await consumer.subscribe(Queue.INBOX, 0)
        waiting = asyncio.create_task(subscription.receive(10))
        await asyncio.sleep(0.2)
        started = asyncio.get_running_loop().time()
        await publisher.publish(Queue.INBOX, 0, [b"hello"])
        assert bodies(await waiting) == [b"hello"]
        assert asyncio.get_running_loop().time() - started < 0.5


async def test_one_receive_gives_no_more_than_its_limit(bus: Bus) -> None:
    await bus.publish(Queue.INBOX, 0, numbers(5))
    subscription = await bus.subscribe(Queue.INBOX, 0)
    assert len(await receive(subscription, 2)) == 2
    assert len(await subscription.receive(2)) <= 2
    with pytest.raises(ValueError, match="limit"):
        await subscription.receive(0)


async def test_an_acknowledged_group_never_comes_again(place: Place) -> None:
    async with place.open() as first:
        await first.publish(Queue.INBOX, 0, numbers(10))
        subscription = await first.subscribe(Queue.INBOX, 0)
        received = await receive(subscription, 10)
        await subscription.ack(received[:3])
        await subscription.ack(received[3:6])
        await subscription.ack([])
        await subscription.close()
        await depth_is(first, 4)
    async with place.open() as second:
        subscription = await second.subscribe(Queue.INBOX, 0)
        assert bodies(await receive(subscription, 4)) == numbers(4, 6)


async def test_unacknowledged_messages_come_first_and_in_order_after_a_close(bus: Bus) -> None:
    await bus.publish(Queue.INBOX, 0, numbers(50))
    first = await bus.subscribe(Queue.INBOX, 0)
    received = await receive(first, 30)
    await first.ack(received[:10])
    await bus.publish(Queue.INBOX, 0, numbers(20, 50))
    await first.close()
    second = await bus.subscribe(Queue.INBOX, 0)
    again = await receive(second, 60)
    assert bodies(again) == numbers(60, 10)
    assert all(delivery.redelivered for delivery in again[:20])


async def test_order_holds_through_many_consumers_that_give_up_half_way(bus: Bus) -> None:
    chance = random.Random(7)  # noqa: S311 - a test's
    published, seen = 0, 0
    while seen < 300:
        if published < 300:
            await bus.publish(Queue.INBOX, 0, numbers(30, published))
            published += 30
        subscription = await bus.subscribe(Queue.INBOX, 0)
        received = await receive(subscription, min(25, published - seen))
        assert bodies(received) == numbers(len(received), seen)
        done = chance.randrange(len(received) + 1) if published < 300 else len(received)
        await subscription.ack(received[:done])
        seen += done
        await subscription.close()
    await depth_is(bus, 0)


async def test_of_two_subscribers_one_receives_and_the_other_takes_over(place: Place) -> None:
    async with place.open() as one, place.open() as other:
        first = await one.subscribe(Queue.INBOX, 0)
        second = await other.subscribe(Queue.INBOX, 0)
        waiting = asyncio.create_task(second.receive(100))
        await one.publish(Queue.INBOX, 0, numbers(10))
        received = await receive(first, 10)
        await first.ack(received[:4])
        assert not await settles(waiting)
        await first.close()
        await other.publish(Queue.INBOX, 0, numbers(3, 10))
        async with asyncio.timeout(PATIENCE):
            taken = await waiting
        taken += await receive(second, 9 - len(taken)) if len(taken) < 9 else []
        assert bodies(taken) == numbers(9, 4)


async def test_two_subscriptions_of_one_process_are_told_apart(bus: Bus) -> None:
    first = await bus.subscribe(Queue.INBOX, 0)
    second = await bus.subscribe(Queue.INBOX, 0)
    await bus.publish(Queue.INBOX, 0, numbers(3))
    assert bodies(await receive(first, 3)) == numbers(3)
    waiting = asyncio.create_task(second.receive(3))
    assert not await settles(waiting)
    await first.close()
    async with asyncio.timeout(PATIENCE):
        assert bodies(await waiting)[:1] == numbers(1)


async def test_a_killed_consumer_s_messages_come_to_the_next_one_in_order(place: Place) -> None:
    async with place.open() as bus:
        await bus.publish(Queue.INBOX, 0, numbers(20))
        async with process(place, "consume", 5) as consumer:
            assert await lines(consumer, 20) == numbers(20)
            subscription = await bus.subscribe(Queue.INBOX, 0)
            waiting = asyncio.create_task(subscription.receive(100))
            assert not await settles(waiting)
            consumer.kill()
            started = asyncio.get_running_loop().time()
            async with asyncio.timeout(PATIENCE):
                taken = await waiting
            assert asyncio.get_running_loop().time() - started < 5
        await bus.publish(Queue.INBOX, 0, numbers(5, 20))
        taken += await receive(subscription, 20 - len(taken))
        assert bodies(taken) == numbers(20, 5)
        assert all(delivery.redelivered for delivery in taken[:15])


async def test_what_a_killed_publisher_was_told_is_durable(place: Place) -> None:
    async with place.open() as bus, process(place, "publish", 100_000) as publisher:
        await lines(publisher, 150)
        publisher.kill()
        rest = (await publisher.communicate())[0].splitlines(keepends=True)
        confirmed = 150 + sum(line.endswith(b"\n") for line in rest)
        subscription = await bus.subscribe(Queue.INBOX, 0)
        received = await receive_and_ack(subscription, confirmed)
        assert bodies(received) == numbers(confirmed)


async def test_publishing_to_many_partitions_at_once_keeps_each_one_s_order(bus: Bus) -> None:
    lanes = [(Queue.INBOX, 0), (Queue.INBOX, 1), (Queue.INBOX, 2), (Queue.OUTBOX, 0)]

    async def publish(queue: Queue, partition: int) -> None:
        for start in range(0, 100, 20):
            await bus.publish(queue, partition, numbers(20, start + 1000 * partition))

    async def check(queue: Queue, partition: int) -> None:
        subscription = await bus.subscribe(queue, partition)
        received = await receive(subscription, 100)
        assert bodies(received) == numbers(100, 1000 * partition)
        await subscription.close()

    await asyncio.gather(*(publish(*lane) for lane in lanes))
    await asyncio.gather(*(check(*lane) for lane in lanes))


async def test_cancelling_a_receive_loses_nothing(bus: Bus) -> None:
    subscription = await bus.subscribe(Queue.INBOX, 0)
    received: list[Delivery] = []

    async def publish() -> None:
        for number in range(100):
            await bus.publish(Queue.INBOX, 0, numbers(1, number))

    publishing = asyncio.create_task(publish())
    chance = random.Random(3)  # noqa: S311 - a test's
    async with asyncio.timeout(PATIENCE):
        while len(received) < 100:
            waiting = asyncio.create_task(subscription.receive(10))
            await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.002]))
            waiting.cancel()
            try:
                received += await waiting
            except asyncio.CancelledError:
                continue
    await publishing
    assert bodies(received) == numbers(100)
    await subscription.ack(received)
    await depth_is(bus, 0)


async def test_only_the_oldest_deliveries_can_be_acknowledged(bus: Bus) -> None:
    await bus.publish(Queue.INBOX, 0, numbers(4))
    subscription = await bus.subscribe(Queue.INBOX, 0)
    received = await receive(subscription, 4)
    for wrong in (received[1:], received[::2], received[::-1], [received[0], received[0]]):
        with pytest.raises(ValueError, match="oldest"):
            await subscription.ack(wrong)
    await subscription.ack(received[:2])
    with pytest.raises(ValueError, match="oldest"):
        await subscription.ack(received[:2])
    await subscription.ack(received[2:])
    await subscription.close()
    await depth_is(bus, 0)


async def test_a_closed_subscription_neither_receives_nor_acknowledges(bus: Bus) -> None:
    await bus.publish(Queue.INBOX, 0, numbers(2))
    subscription = await bus.subscribe(Queue.INBOX, 0)
    received = await receive(subscription, 2)
    waiting = asyncio.create_task(subscription.receive(1))
    await asyncio.sleep(0)
    await subscription.close()
    await subscription.close()
    with pytest.raises(SubscriptionLost):
        await waiting
    with pytest.raises(SubscriptionLost):
        await subscription.receive(1)
    with pytest.raises(SubscriptionLost):
        await subscription.ack(received)
    await depth_is(bus, 2)


async def test_a_closed_bus_ends_its_subscriptions_and_refuses_to_publish(place: Place) -> None:
    async with place.open() as bus:
        subscription = await bus.subscribe(Queue.INBOX, 0)
        waiting = asyncio.create_task(subscription.receive(1))
        await bus.publish(Queue.INBOX, 1, [b"kept"])
    with pytest.raises(SubscriptionLost):
        await waiting
    with pytest.raises(BusUnavailable):
        await bus.publish(Queue.INBOX, 0, [b"too late"])
    with pytest.raises(BusUnavailable):
        await bus.subscribe(Queue.INBOX, 0)
    with pytest.raises(BusUnavailable):
        await bus.depth(Queue.INBOX, 0)
    with pytest.raises(BusUnavailable):
        await bus.depths(Queue.INBOX)
    with pytest.raises(BusUnavailable):
        await bus.check()


async def test_depth_counts_what_waits_in_one_partition(bus: Bus) -> None:
    assert await bus.depth(Queue.INBOX, 0) == 0
    await bus.publish(Queue.INBOX, 0, numbers(7))
    await bus.publish(Queue.INBOX, 1, numbers(2))
    await depth_is(bus, 7)
    subscription = await bus.subscribe(Queue.INBOX, 0)
    await subscription.ack(await receive(subscription, 3))
    await subscription.close()
    await depth_is(bus, 4)


async def test_depths_are_those_of_all_partitions_of_one_queue(bus: Bus) -> None:
    assert await bus.depths(Queue.INBOX) == (0,) * TOPOLOGY.inbox
    assert await bus.depths(Queue.DEAD) == (0,)
    waiting = tuple(range(1, TOPOLOGY.inbox + 1))
    for partition, count in enumerate(waiting):
        await bus.publish(Queue.INBOX, partition, numbers(count))
    await bus.publish(Queue.OUTBOX, 0, numbers(9))
    async with asyncio.timeout(PATIENCE):
        while await bus.depths(Queue.INBOX) != waiting:
            await asyncio.sleep(0.05)
    assert [await bus.depth(Queue.INBOX, one) for one in range(TOPOLOGY.inbox)] == list(waiting)


async def test_rabbitmq_is_asked_for_all_depths_over_one_channel(
    amqp_space: AmqpSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_channel, opened = Link.open_channel, list[Link]()

    async def counted(self: Link, connection: AbstractConnection) -> AbstractChannel:
        opened.append(self)
        return await open_channel(self, connection)

    async with Place(amqp_space.url, amqp_space.queue_prefix).open() as bus:
        monkeypatch.setattr(Link, "open_channel", counted)
        assert len(await bus.depths(Queue.INBOX)) == TOPOLOGY.inbox > 1
    assert len(opened) == 1


async def test_partitions_and_queues_do_not_mix(bus: Bus) -> None:
    for queue, partition in ((Queue.INBOX, 0), (Queue.INBOX, 1), (Queue.OUTBOX, 0)):
        await bus.publish(queue, partition, [f"{queue}.{partition}".encode()])
    for queue, partition in ((Queue.OUTBOX, 0), (Queue.INBOX, 1), (Queue.INBOX, 0)):
        subscription = await bus.subscribe(queue, partition)
        assert bodies(await receive(subscription, 1)) == [f"{queue}.{partition}".encode()]
        assert not await settles(asyncio.create_task(subscription.receive(1)))
        await subscription.close()


async def test_any_bytes_come_back_as_they_were(bus: Bus) -> None:
    odd = [b"", b"\x00", bytes(range(256)), b"\xff" * 1000, "tere õhtust".encode()]
    await bus.publish(Queue.INBOX, 0, odd)
    subscription = await bus.subscribe(Queue.INBOX, 0)
    assert bodies(await receive(subscription, len(odd))) == odd


async def test_large_bodies_come_whole(bus: Bus) -> None:
    large = [random.Random(size).randbytes(size) for size in (1_000_000, 200_000, 1_500_000)]  # noqa: S311 - a test's
    subscription = await bus.subscribe(Queue.INBOX, 0)
    await bus.publish(Queue.INBOX, 0, large)
    assert bodies(await receive(subscription, len(large))) == large


async def test_publishing_nothing_is_nothing(bus: Bus) -> None:
    await bus.publish(Queue.INBOX, 0, [])
    await bus.publish(Queue.INBOX, 0, [b"one"])
    subscription = await bus.subscribe(Queue.INBOX, 0)
    assert bodies(await receive(subscription, 1)) == [b"one"]


@pytest.mark.parametrize("queue", [Queue.DEAD, Queue.PLANNER])
async def test_queues_of_one_partition_are_consumed_like_any_other(bus: Bus, queue: Queue) -> None:
    await bus.publish(queue, 0, [b"by hand"])
    subscription = await bus.subscribe(queue, 0)
    received = await receive(subscription, 1)
    assert bodies(received) == [b"by hand"]
    assert received[0].reason == ""
    await subscription.ack(received)


async def test_a_partition_that_does_not_exist_is_refused(bus: Bus) -> None:
    calls: list[Callable[[int], object]] = [
        lambda partition: bus.publish(Queue.INBOX, partition, [b"x"]),
        lambda partition: bus.subscribe(Queue.INBOX, partition),
        lambda partition: bus.depth(Queue.INBOX, partition),
    ]
    for call in calls:
        for partition in (-1, TOPOLOGY.inbox):
            with pytest.raises(ValueError, match="no partition"):
                await call(partition)  # type: ignore[misc]


async def test_a_bus_that_works_passes_its_check(bus: Bus) -> None:
    await bus.check()


async def test_many_processes_may_open_a_new_bus_at_the_same_time(place: Place) -> None:
    async def use(number: int) -> None:
        async with place.open() as bus:
            await bus.publish(Queue.INBOX, number % 3, [b"x"])

    await asyncio.gather(*(use(number) for number in range(6)))
    async with place.open() as bus:
        for partition in range(3):
            assert len(await receive(await bus.subscribe(Queue.INBOX, partition), 2)) == 2


def names_of_files_with(word: bytes, folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if word in path.read_bytes()]


async def test_what_was_acknowledged_stands_in_no_file_of_ours_after_reclaiming(
    bus: Bus, tmp_path: Path
) -> None:
    await bus.publish(Queue.INBOX, 0, [b"a secret word " * 500, b"short secret"])
    subscription = await bus.subscribe(Queue.INBOX, 0)
    await subscription.ack(await receive(subscription, 2))
    await subscription.close()

    async with asyncio.timeout(PATIENCE):
        while not await bus.reclaim():
            await asyncio.sleep(0.05)

    assert names_of_files_with(b"secret", tmp_path) == []


@pytest.mark.parametrize("kind", ["embedded", "rabbitmq"])
async def test_a_bus_that_cannot_be_reached_says_so(kind: str, tmp_path: Path) -> None:
    if kind == "embedded":
        (tmp_path / "a-file").write_text("not a folder")
        url = f"sqlite:///{tmp_path / 'a-file' / 'bus.sqlite'}"
    else:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"amqp://guest:guest@127.0.0.1:{probe.getsockname()[1]}/"
    started = asyncio.get_running_loop().time()
    with pytest.raises(BusUnavailable):
        async with open_bus(url, TOPOLOGY, timeout=1.0):
            pass
    assert asyncio.get_running_loop().time() - started < 5
