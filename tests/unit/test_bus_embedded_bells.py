"""The embedded bus's bells: who is woken by a ring, and what goes on without one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection
from functools import partial
from pathlib import Path

import pytest

from tests.unit.bus_embedded_support import TOPOLOGY, bodies, bus, clock, path
from vestlus.bus import embedded, embedded_file
from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.embedded_doorbell import ADDRESS_BYTES, Doorbell
from vestlus.bus.port import Queue

__all__ = ["bus", "clock", "path"]


async def test_a_path_too_long_for_a_socket_rings_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    async with EmbeddedBus(folder / "bus.sqlite", TOPOLOGY, timeout=2.0) as bus:
        assert bus._doorbell is not None
        assert 0 < len(bus._doorbell.address) <= ADDRESS_BYTES
        assert await woken_within(bus, 0.5)


async def test_without_a_doorbell_the_bus_looks_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    async with EmbeddedBus(folder / "bus.sqlite", TOPOLOGY, timeout=2.0) as bus:
        assert bus._doorbell is not None
        assert bus._doorbell.address == ""
        assert await woken_within(bus, 0.5)


async def woken_within(bus: EmbeddedBus, seconds: float) -> bool:
    """Whether a receiver that waits gets a message so soon after it is published."""
    subscription = await bus.subscribe(Queue.INBOX, 0)
    waiting = asyncio.create_task(subscription.receive(1))
    await asyncio.sleep(0.1)
    await bus.publish(Queue.INBOX, 0, [b"x"])
    done, _ = await asyncio.wait({waiting}, timeout=seconds)
    return bool(done)


async def test_a_missed_ring_only_delays(bus: EmbeddedBus, path: Path) -> None:
    subscription = await bus.subscribe(Queue.INBOX, 0)
    waiting = asyncio.create_task(subscription.receive(1))
    await asyncio.sleep(0.1)
    silent = embedded_file.connect(path, 1.0)
    embedded_file.commit(
        silent, [lambda open_file: embedded_file.append(open_file, "inbox.0", [b"x"])]
    )
    silent.close()
    async with asyncio.timeout(3):
        assert bodies(await waiting) == [b"x"]


async def test_ringing_a_bell_whose_owner_has_gone_or_is_full_does_not_fail(tmp_path: Path) -> None:
    rung: asyncio.Queue[Collection[str]] = asyncio.Queue()
    bell = Doorbell(tmp_path, "one", rung.put_nowait)
    bell.open()
    bell.ring(str(tmp_path / "nobody.bell"))
    for number in range(10_000):
        bell.ring(bell.address, f"inbox.{number % 3}")
    async with asyncio.timeout(1):
        # It was full, and may have missed any.
        assert await rung.get() == ()
    bell.close()
    bell.close()
    assert not (tmp_path / "one.bell").exists()


async def test_a_ring_says_which_queues_have_something_new_or_that_any_may_have(
    tmp_path: Path,
) -> None:
    rung: asyncio.Queue[Collection[str]] = asyncio.Queue()
    bell = Doorbell(tmp_path, "one", rung.put_nowait)
    bell.open()
    for queues, told in (
        (["inbox.1"], {"inbox.1"}),
        (["inbox.1", "outbox.0", "inbox.1"], {"inbox.1", "outbox.0"}),
        (["inbox.1", ""], ()),
    ):
        for queue in queues:
            bell.ring(bell.address, queue)
        async with asyncio.timeout(1):
            assert await rung.get() == told
    bell.close()


async def test_a_publish_wakes_the_consumer_of_its_queue_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once, when the bus is opened: looks from time to time wake everybody.
    monkeypatch.setattr(embedded, "SLOW_LOOK_SECONDS", 3600)
    async with EmbeddedBus(tmp_path / "bus.sqlite", TOPOLOGY, timeout=5) as bus:
        first = await bus.subscribe(Queue.INBOX, 0)
        second = await bus.subscribe(Queue.INBOX, 1)
        woken: list[str] = []
        for one in (first, second):
            monkeypatch.setattr(one, "wake", partial(woken.append, one.queue))
        await bus.publish(Queue.INBOX, 1, [b"x"])
        async with asyncio.timeout(1):
            while not woken:
                await asyncio.sleep(0)
        assert set(woken) == {"inbox.1"}
