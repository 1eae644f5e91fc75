"""What the tests of every bus share: places to open one at, and ways to receive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.bus_process import TOPOLOGY
from tests.services import AmqpSpace
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Delivery, Queue, Subscription

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
