"""The scheduler's bell: whatever rings wakes it, and a bell that is lost harms nobody."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.errors import BusUnavailable, UndecodableMessage
from vestlus.messages import decode_outbox, decode_planner, encode, planner_message
from vestlus.planning.bell import listen, ring


def bus_in(folder: Path) -> Bus:
    return open_bus(f"sqlite:///{folder}/bus.sqlite", Topology(inbox=1, outbox=1))


async def heard_on(bus: Bus, times: int) -> None:
    """Listens until it was called so often."""
    calls, enough = 0, asyncio.Event()

    def heard() -> None:
        nonlocal calls
        calls += 1
        if calls >= times:
            enough.set()

    listening = asyncio.create_task(listen(bus, heard))
    try:
        async with asyncio.timeout(20):
            await enough.wait()
            while await bus.depth(Queue.PLANNER, 0):
                await asyncio.sleep(0.02)
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def test_a_bell_wakes_whoever_listens_later_and_is_gone_then(tmp_path: Path) -> None:
    async with bus_in(tmp_path) as bus:
        await ring(bus)
        await heard_on(bus, 1)


async def test_a_bell_that_cannot_be_read_rings_and_is_not_kept(tmp_path: Path) -> None:
    async with bus_in(tmp_path) as bus:
        await bus.publish(Queue.PLANNER, 0, [b"\xff", b'{"v":2}'])
        await heard_on(bus, 1)


async def test_a_bus_that_is_away_is_no_matter_for_who_rings() -> None:
    class Away:
        async def publish(self, *_: object) -> None:
            message = "away"
            raise BusUnavailable(message)

    await ring(Away())  # type: ignore[arg-type]


def test_the_bell_is_a_versioned_message_of_its_own() -> None:
    message = planner_message(at_ms=7)
    body = encode(message)
    assert decode_planner(body) == message
    assert body.startswith(b'{"v":1,"kind":"planner","id":"')
    with pytest.raises(UndecodableMessage):
        decode_planner(body.replace(b'"v":1', b'"v":2'))
    with pytest.raises(UndecodableMessage):
        decode_outbox(body)
