"""What every bus promises, shown on both adapters."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from aiormq.abc import AbstractChannel, AbstractConnection

from tests.contract.bus_process import TOPOLOGY
from tests.contract.bus_support import (
    PATIENCE,
    Place,
    bodies,
    bus,
    depth_is,
    numbers,
    place,
    receive,
    settles,
)
from tests.services import AmqpSpace
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue
from vestlus.bus.rabbitmq_link import Link
from vestlus.errors import BusUnavailable, SubscriptionLost

__all__ = ["bus", "place"]


async def test_what_was_published_is_there_for_the_next_process(place: Place) -> None:
    async with place.open() as first:
        await first.publish(Queue.INBOX, 0, numbers(5))
    async with place.open() as second:
        subscription = await second.subscribe(Queue.INBOX, 0)
        assert bodies(await receive(subscription, 5)) == numbers(5)


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
