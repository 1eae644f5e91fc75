"""Places at the embedded bus: kept, lost, free again, and whose process is gone."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.unit.bus_embedded_support import TOPOLOGY, HandClock, bodies, bus, clock, opened, path
from vestlus.bus import embedded_file
from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.embedded_file import PLACE_MILLISECONDS, Place, Places
from vestlus.bus.embedded_presence import Presence, is_present, sweep
from vestlus.bus.port import Queue
from vestlus.errors import SubscriptionLost

__all__ = ["bus", "clock", "path"]


async def test_a_frozen_consumer_loses_its_place_and_can_remove_nothing_when_it_wakes(
    path: Path, clock: HandClock, bus: EmbeddedBus
) -> None:
    await bus.publish(Queue.INBOX, 0, [b"1", b"2", b"3"])
    frozen = await bus.subscribe(Queue.INBOX, 0)
    held = await frozen.receive(2)
    async with EmbeddedBus(path, TOPOLOGY, timeout=0.5, clock=clock) as other:
        successor = await other.subscribe(Queue.INBOX, 0)
        assert successor.place is None
        clock.now += PLACE_MILLISECONDS + 1
        taken = await successor.receive(10)
        assert bodies(taken) == [b"1", b"2", b"3"]
        assert all(delivery.redelivered for delivery in taken)
        with pytest.raises(SubscriptionLost):
            await frozen.ack(held)
        with pytest.raises(SubscriptionLost):
            await frozen.receive(1)
        assert await other.depth(Queue.INBOX, 0) == 3
        await frozen.close()
        await successor.ack(taken)
        assert await other.depth(Queue.INBOX, 0) == 0


def test_a_renewed_place_is_kept(path: Path, clock: HandClock, tmp_path: Path) -> None:
    connection = opened(path)
    presence = Presence.announce(tmp_path / "peers")
    mine = Places(tmp_path / "peers", presence.token, "", clock)
    place = mine.take(connection, "inbox.0", 0)
    assert place is not None
    other = Places(tmp_path / "peers", "other", "", clock)
    clock.now += PLACE_MILLISECONDS - 1
    mine.renew(connection, [place])
    clock.now += PLACE_MILLISECONDS - 1
    assert other.take(connection, "inbox.0", 0) is None
    clock.now += 1
    taken = other.take(connection, "inbox.0", 0)
    assert taken == Place("inbox.0", place.epoch + 1, 0)
    mine.renew(connection, [place])
    mine.give_back(connection, place, 5)
    embedded_file.require(connection, taken)
    presence.withdraw()
    connection.close()


def test_a_place_from_before_the_clock_was_put_back_is_free_unless_it_is_renewed(
    path: Path, clock: HandClock, tmp_path: Path
) -> None:
    connection = opened(path)
    presence = Presence.announce(tmp_path / "peers")
    mine = Places(tmp_path / "peers", presence.token, "", clock)
    place = mine.take(connection, "inbox.0", 0)
    assert place is not None
    other = Places(tmp_path / "peers", "other", "", clock)
    clock.now -= 3_600_000
    assert other.is_free(connection, "inbox.0", 0)
    mine.renew(connection, [place])
    assert not other.is_free(connection, "inbox.0", 0)
    presence.withdraw()
    connection.close()


def test_a_place_is_free_at_once_when_its_process_is_gone(
    path: Path, clock: HandClock, tmp_path: Path
) -> None:
    connection = opened(path)
    presence = Presence.announce(tmp_path / "peers")
    assert Places(tmp_path / "peers", presence.token, "", clock).take(connection, "inbox.0", 0)
    other = Places(tmp_path / "peers", "other", "", clock)
    assert not other.is_free(connection, "inbox.0", 0)
    presence.withdraw()
    assert other.is_free(connection, "inbox.0", 0)
    connection.close()


def test_a_place_that_was_taken_without_its_process_learning_of_it_is_taken_again(
    path: Path, clock: HandClock, tmp_path: Path
) -> None:
    connection = opened(path)
    presence = Presence.announce(tmp_path / "peers")
    places = Places(tmp_path / "peers", presence.token, "", clock)
    first = places.take(connection, "inbox.0", 0)
    assert first is not None
    assert places.take(connection, "inbox.0", held=first.epoch) is None
    second = places.take(connection, "inbox.0", held=0)
    assert second is not None
    assert second.epoch == first.epoch + 1
    presence.withdraw()
    connection.close()


async def test_a_killed_process_is_known_to_be_gone_before_anybody_waits_for_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "peers"
    code = (
        "import sys, pathlib\n"
        "from vestlus.bus.embedded_presence import Presence\n"
        "presence = Presence.announce(pathlib.Path(sys.argv[1]))\n"
        "print(presence.token, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", code, str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    token = (await process.stdout.readline()).decode().strip()
    (folder / f"{token}.bell").touch()
    sweep(folder)
    assert is_present(folder, token)
    process.kill()
    await process.communicate()
    assert not is_present(folder, token)
    sweep(folder)
    assert list(folder.iterdir()) == []


def test_a_process_that_withdrew_is_not_present(tmp_path: Path) -> None:
    presence = Presence.announce(tmp_path / "peers")
    assert is_present(tmp_path / "peers", presence.token)
    presence.withdraw()
    presence.withdraw()
    assert not is_present(tmp_path / "peers", presence.token)
