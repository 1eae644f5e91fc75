"""The bus by itself: publishing one at a time and many in flight, receiving and acknowledging."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.measuring import Part, Round, measured
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology

#: About what an inbox message with one event takes.
BODY = b'{"version": 1, "events": [{"text": "' + b"x" * 600 + b'"}]}'

#: Publishes of one process under way at a time, over so many partitions.
IN_FLIGHT = 64
PARTITIONS = 8

#: Deliveries acknowledged together, as the intake does.
TOGETHER = 100

#: A partition that only the publishing without hurry uses.
_ALONE = PARTITIONS


@asynccontextmanager
async def bus_parts(name: str, url: str, prefix: str, scale: float) -> AsyncIterator[list[Part]]:
    """The parts of one kind of bus."""
    async with open_bus(url, Topology(inbox=PARTITIONS + 1, outbox=1), prefix=prefix) as bus:
        alone, many = round(200 * scale), round(3_000 * scale)
        yield [
            Part(f"{name}: publish, one at a time", partial(_one_by_one, bus, alone)),
            Part(f"{name}: publish, {IN_FLIGHT} in flight", partial(_in_flight, bus, many)),
            Part(f"{name}: consume and acknowledge", partial(_consume, bus, many)),
        ]


async def _one_by_one(bus: Bus, number: int) -> Round:
    taken = Round()
    with measured(taken, number):
        for _ in range(number):
            began = time.perf_counter()
            await bus.publish(Queue.INBOX, _ALONE, [BODY])
            taken.waits.append(time.perf_counter() - began)
    await _receive(bus, _ALONE, number)
    return taken


async def _in_flight(bus: Bus, number: int) -> Round:
    taken = Round()
    left = iter(range(number))

    async def publisher(partition: int) -> None:
        for _ in left:
            began = time.perf_counter()
            await bus.publish(Queue.INBOX, partition, [BODY])
            taken.waits.append(time.perf_counter() - began)

    with measured(taken, number):
        await asyncio.gather(*(publisher(one % PARTITIONS) for one in range(IN_FLIGHT)))
    for partition in range(PARTITIONS):
        if depth := await bus.depth(Queue.INBOX, partition):
            await _receive(bus, partition, depth)
    return taken


async def _consume(bus: Bus, number: int) -> Round:
    """Waits from the call for deliveries to their being acknowledged, for each group."""
    for first in range(0, number, TOGETHER):
        bodies = [BODY] * min(TOGETHER, number - first)
        await bus.publish(Queue.INBOX, 0, bodies)
    taken = Round()
    with measured(taken, number):
        await _receive(bus, 0, number, taken)
    return taken


async def _receive(bus: Bus, partition: int, number: int, taken: Round | None = None) -> None:
    subscription = await bus.subscribe(Queue.INBOX, partition)
    async with asyncio.timeout(60):
        while number > 0:
            began = time.perf_counter()
            deliveries = await subscription.receive(TOGETHER)
            await subscription.ack(deliveries)
            if taken is not None:
                taken.waits.append(time.perf_counter() - began)
            number -= len(deliveries)
    await subscription.close()
