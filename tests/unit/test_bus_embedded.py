"""The embedded bus where it differs from a broker: places, locks, full disks, files."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from vestlus.bus import embedded, embedded_file
from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.embedded_doorbell import ADDRESS_BYTES, Doorbell
from vestlus.bus.embedded_file import PLACE_MILLISECONDS, Place, Places
from vestlus.bus.embedded_presence import Presence, is_present, sweep
from vestlus.bus.port import Delivery, Queue, Topology
from vestlus.errors import BusUnavailable, SubscriptionLost

TOPOLOGY = Topology(inbox=2, outbox=1)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bus.sqlite"


@pytest.fixture
async def bus(path: Path, clock: HandClock) -> AsyncIterator[EmbeddedBus]:
    async with EmbeddedBus(path, TOPOLOGY, timeout=0.5, clock=clock) as opened:
        yield opened


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


def bodies(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


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


def opened(path: Path) -> sqlite3.Connection:
    connection = embedded_file.connect(path, 1.0)
    embedded_file.prepare(connection)
    return connection


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
