"""What every bus promises of order, of what comes again, and of processes that are killed."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

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
from vestlus.bus.port import Bus, Delivery, Queue, Subscription

__all__ = ["bus", "place"]

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("turns", range(1, 12))
async def test_who_gives_up_while_it_closes_leaves_no_consumer_behind(
    place: Place, bus: Bus, turns: int
) -> None:
    async with place.open() as other:
        first = await other.subscribe(Queue.INBOX, 0)
        await bus.publish(Queue.INBOX, 0, numbers(1))
        await receive(first, 1)
        closing = asyncio.create_task(first.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait({closing})
        second = await bus.subscribe(Queue.INBOX, 0)
        assert bodies(await receive(second, 1)) == numbers(1)
        await second.close()
        # The one that closed goes on with its other partitions.
        third = await other.subscribe(Queue.INBOX, 1)
        await bus.publish(Queue.INBOX, 1, numbers(1))
        assert bodies(await receive(third, 1)) == numbers(1)
        await third.close()
