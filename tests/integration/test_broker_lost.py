"""The broker is lost with all that is in it, and an empty one is in its place.

``docs/backup.md`` says what that costs: what was on the bus and not recorded is found at Instagram,
and what was recorded is in the store.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.recovery_support import TOPOLOGY, Stage, opened_stage, said
from tests.integration.simulator_harness import FIRST
from tests.services import RabbitMQServer
from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.identity import partition_of
from vestlus.errors import BusUnavailable
from vestlus.store.names import inbox_lease


def _somebody_of(partition: int, name: str) -> str:
    """A user whose messages are in that partition."""
    names = (f"{name}-{number}" for number in range(100))
    return next(user for user in names if partition_of(FIRST, user, TOPOLOGY.inbox) == partition)


ASKED, WAITING = _somebody_of(0, "asked"), _somebody_of(1, "waiting")


async def _until_the_loss(stage: Stage) -> None:
    """Somebody was answered, of somebody the answer is thought about, and what somebody wrote was
    answered 200 and is on the bus and nowhere else.
    """
    began_ms = system_clock()
    await stage.host()
    await stage.publish(until_ms=began_ms)
    await stage.client.control("messages", said("answered", "Üks."))
    assert await stage.got("answered", 1) == ["Üks."]
    await stage.hosts[0].let_go(inbox_lease(1), 5)
    stage.assistant.gate.clear()
    await stage.client.control("messages", said(ASKED, "Kaks."))
    await stage.assistant.was_asked(2)
    await stage.client.control("messages", said(WAITING, "Kolm."))
    await stage.until(lambda: _holds(stage, 1))


async def _holds(stage: Stage, count: int) -> bool:
    """Whether the bus has so many messages of the partition that nobody serves."""
    try:
        return await stage.bus.depth(Queue.INBOX, 1) == count
    except BusUnavailable:
        return False


async def _goes_on(stage: Stage) -> None:
    """Everybody has one answer, and what comes now is answered as ever."""
    stage.assistant.gate.set()
    assert await stage.got(ASKED, 1) == ["Kaks."]
    assert await stage.got(WAITING, 1) == ["Kolm."]
    for user in ("new", "answered"):
        await stage.client.control("messages", said(user, "Neli."))
    assert await stage.got("new", 1) == ["Neli."]
    assert await stage.got("answered", 2) == ["Üks.", "Neli."]
    for user, words in ((ASKED, "Kaks."), (WAITING, "Kolm.")):
        assert await stage.client.sent(user) == [words]
    assert await stage.store.dead_letters(limit=9) == ()


async def test_under_a_running_service_rabbitmq_is_lost_whole_and_nobody_is_forgotten(
    tmp_path: Path, rabbitmq_server: RabbitMQServer, postgres_database: str
) -> None:
    space = rabbitmq_server.fresh_space()
    async with (
        open_bus(space.url, TOPOLOGY) as bus,
        opened_stage(tmp_path, bus, store_url=postgres_database) as stage,
    ):
        await _until_the_loss(stage)
        rabbitmq_server.lose(space)
        await stage.until(lambda: _holds(stage, 0))
        # Its partition is served again, by whoever has the lease.
        await stage.hosts[0].hold(stage.inbox[inbox_lease(1)])
        await _goes_on(stage)


async def test_the_embedded_bus_is_lost_between_two_starts_and_nobody_is_forgotten(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bus"

    @asynccontextmanager
    async def started() -> AsyncIterator[Stage]:
        folder.mkdir()
        async with (
            open_bus(f"sqlite:///{folder / 'bus.sqlite'}", TOPOLOGY) as bus,
            opened_stage(tmp_path, bus) as stage,
        ):
            yield stage

    async with started() as stage:
        await _until_the_loss(stage)
    shutil.rmtree(folder)
    async with started() as stage:
        assert await _holds(stage, 0)
        await stage.host()
        await stage.publish()
        await _goes_on(stage)
