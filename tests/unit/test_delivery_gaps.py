"""Telling the publishers of a suspected gap, as soon as the bus takes it."""

from __future__ import annotations

import asyncio

from tests.fakes.bus import MemoryBus
from tests.fakes.clock import run_virtual, virtual_ms
from vestlus.bus.port import Queue
from vestlus.conversation.identity import outbox_partition_of
from vestlus.delivery_gaps import GapTeller
from vestlus.errors import BusUnavailable
from vestlus.messages import SearchRequest, decode_outbox

PARTITIONS = 4


def told(bus: MemoryBus) -> list[SearchRequest]:
    """What the publishers were told, and that each was told of its own accounts."""
    found: list[SearchRequest] = []
    for (queue, partition), bodies in bus.messages.items():
        for body in bodies:
            assert queue is Queue.OUTBOX
            found += decode_outbox(body).searches
            assert {outbox_partition_of(one.account, PARTITIONS) for one in found[-1:]} == {
                partition
            }
    return found


def test_signs_while_the_bus_is_away_are_told_once_when_it_is_back() -> None:
    async def scenario() -> None:
        bus = MemoryBus()
        bus.fail = lambda _: BusUnavailable()
        async with GapTeller(bus, outbox_partitions=PARTITIONS, clock=virtual_ms) as teller:
            for _ in range(50):
                teller.suspect(["a1", "a2"], "webhook_refused")
                await asyncio.sleep(1)
            assert told(bus) == []
            bus.fail = lambda _: None
            await asyncio.sleep(3)
            assert {one.account: one.sign for one in told(bus)} == {
                "a1": "webhook_refused",
                "a2": "webhook_refused",
            }
            assert len(told(bus)) == 2
            assert all(one.since_ms <= virtual_ms() for one in told(bus))
            await asyncio.sleep(100)
            assert len(told(bus)) == 2

    run_virtual(scenario())


def test_a_flood_of_signs_is_told_now_and_then() -> None:
    async def scenario() -> None:
        bus = MemoryBus()
        async with GapTeller(
            bus, outbox_partitions=PARTITIONS, clock=virtual_ms, pause_seconds=5
        ) as teller:
            for _ in range(1000):
                teller.suspect(["a1"], "reply_to_unknown")
                await asyncio.sleep(0.1)
        assert 15 <= len(told(bus)) <= 21

    run_virtual(scenario())


def test_who_ends_while_the_bus_is_away_ends_at_once() -> None:
    async def scenario() -> None:
        bus = MemoryBus()
        bus.fail = lambda _: BusUnavailable()
        async with GapTeller(bus, outbox_partitions=PARTITIONS, clock=virtual_ms) as teller:
            teller.suspect(["a1"], "webhook_refused")
            await asyncio.sleep(10)
            left_at = virtual_ms()
        assert virtual_ms() == left_at
        assert told(bus) == []

    run_virtual(scenario())
