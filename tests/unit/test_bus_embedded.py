"""The embedded bus's file: locks, full disks, damage, and space that is used again."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.bus_embedded_support import TOPOLOGY, bodies, bus, clock, opened, path
from vestlus.bus import embedded_file
from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.embedded_file import Place
from vestlus.bus.port import Delivery, Queue
from vestlus.errors import BusUnavailable, SubscriptionLost

__all__ = ["bus", "clock", "path"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process is writing, and takes its time."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def disk_full(above: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (above, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_lock_held_too_long_is_said_within_the_timeout_and_does_no_harm(
    path: Path, bus: EmbeddedBus
) -> None:
    loop = asyncio.get_running_loop()
    with locked(path):
        started = loop.time()
        with pytest.raises(BusUnavailable):
            await bus.publish(Queue.INBOX, 0, [b"refused"])
        with pytest.raises(BusUnavailable):
            await bus.check()
        assert loop.time() - started < 3
    async with asyncio.timeout(5):
        while True:
            try:
                await bus.check()
            except BusUnavailable:
                continue
            break
    await bus.publish(Queue.INBOX, 1, [b"accepted"])
    subscription = await bus.subscribe(Queue.INBOX, 1)
    assert bodies(await subscription.receive(5)) == [b"accepted"]


async def test_an_acknowledgement_that_cannot_be_written_ends_the_subscription(
    path: Path, bus: EmbeddedBus
) -> None:
    await bus.publish(Queue.INBOX, 0, [b"1", b"2"])
    subscription = await bus.subscribe(Queue.INBOX, 0)
    received = await subscription.receive(2)
    with locked(path):
        with pytest.raises(SubscriptionLost):
            await subscription.ack(received)
        # On a busy machine who waits for a write gives up before it does, and it may still be done.
        await bus._threads._writes.settled()
    # The same process gets its place back without waiting for it to expire.
    async with asyncio.timeout(5):
        again = await (await bus.subscribe(Queue.INBOX, 0)).receive(2)
    assert bodies(again) == [b"1", b"2"]


async def test_a_full_disk_is_said_and_passes(bus: EmbeddedBus) -> None:
    await bus.publish(Queue.INBOX, 0, [b"before"])
    with disk_full(above=400_000), pytest.raises(BusUnavailable):
        await bus.publish(Queue.INBOX, 0, [b"x" * 1_000_000])
    await bus.publish(Queue.INBOX, 0, [b"after"])
    subscription = await bus.subscribe(Queue.INBOX, 0)
    assert bodies(await subscription.receive(5)) == [b"before", b"after"]


@pytest.fixture
def damaged(path: Path) -> Path:
    path.write_bytes(b"something else entirely, longer than a header " * 100)
    return path


async def test_a_file_that_is_no_database_is_said(damaged: Path) -> None:
    with pytest.raises(BusUnavailable):
        async with EmbeddedBus(damaged, TOPOLOGY, timeout=0.2):
            pass


def size(path: Path) -> int:
    return path.stat().st_size


async def test_the_space_of_acknowledged_messages_is_used_again(
    path: Path, bus: EmbeddedBus
) -> None:
    subscription = await bus.subscribe(Queue.INBOX, 0)
    sizes = []
    for _ in range(8):
        await bus.publish(Queue.INBOX, 0, [bytes(20_000)] * 100)
        received: list[Delivery] = []
        while len(received) < 100:
            received += await subscription.receive(100)
        await subscription.ack(received)
        sizes.append(size(path) + size(path.with_name("bus.sqlite-wal")))
    assert sizes[-1] < 3 * 2_000_000 + embedded_file.LOG_BYTES


def test_a_log_that_a_reader_kept_growing_is_shortened_when_it_has_gone(path: Path) -> None:
    connection = opened(path)
    reader = embedded_file.connect(path, 1.0)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchone()
    for _ in range(9):
        embedded_file.commit(
            connection,
            [lambda open_file: embedded_file.append(open_file, "inbox.0", [bytes(4_000_000)])],
        )
    log = path.with_name("bus.sqlite-wal")
    embedded_file.shorten_log(connection, path, 1.0)
    assert log.stat().st_size > 2 * embedded_file.LOG_BYTES
    reader.execute("COMMIT")
    embedded_file.shorten_log(connection, path, 1.0)
    assert log.stat().st_size == 0
    reader.close()
    connection.close()


def test_a_step_that_is_refused_does_not_undo_the_others(path: Path) -> None:
    connection = opened(path)
    nobody = Place("inbox.0", 7, 0)
    results = embedded_file.commit(
        connection,
        [
            lambda open_file: embedded_file.append(open_file, "inbox.0", [b"1"]),
            lambda open_file: embedded_file.remove(open_file, nobody, 1, 1),
            lambda open_file: embedded_file.append(open_file, "inbox.0", [b"2"]),
        ],
    )
    assert isinstance(results[1], SubscriptionLost)
    assert embedded_file.count(connection, "inbox.0") == 2
    connection.close()


def test_a_transaction_that_fails_writes_nothing(path: Path) -> None:
    connection = opened(path)
    with pytest.raises(BusUnavailable):
        embedded_file.commit(
            connection,
            [
                lambda open_file: embedded_file.append(open_file, "inbox.0", [b"1"]),
                lambda open_file: open_file.execute("INSERT INTO nowhere VALUES (1)"),
            ],
        )
    assert embedded_file.count(connection, "inbox.0") == 0
    connection.close()
