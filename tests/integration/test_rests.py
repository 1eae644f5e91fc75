"""A partition that rests while the store comes and goes forgets nothing of what it had begun."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, TOPOLOGY, World, world
from tests.integration.people_support import account, claim, echo, finish, publisher, silent
from vestlus.conversation.identity import partition_of
from vestlus.errors import StoreUnavailable
from vestlus.store.names import inbox_lease
from vestlus.store.rows import Lease, NewEvent, RecordedEvent, Silence

__all__ = ["world"]


async def test_an_echo_is_judged_whose_second_look_was_broken_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    lease = await publisher(world)
    (send,) = await world.sends("u")
    await claim(world, lease, send)
    record, undetermined = world.store.record, world.store.undetermined
    lost, asked, back = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer_lost(
        batches: Sequence[tuple[Lease, Sequence[NewEvent]]], now_ms: int
    ) -> list[list[RecordedEvent] | None]:
        found = await record(batches, now_ms)
        if not lost.is_set():
            lost.set()
            raise StoreUnavailable("away")
        return found

    async def away_again(of: Lease) -> list[RecordedEvent]:
        asked.set()
        if not back.is_set():
            raise StoreUnavailable("away")
        return list(await undetermined(of))

    monkeypatch.setattr(world.store, "record", answer_lost)
    monkeypatch.setattr(world.store, "undetermined", away_again)
    await world.deliver(echo("Siin Mari."))
    await asked.wait()
    name = inbox_lease(partition_of(ACCOUNT, "u", TOPOLOGY.inbox))
    await host.rest(name)
    asked.clear()
    back.set()
    await host.resume(name)
    async with asyncio.timeout(20):
        await asked.wait()
    await finish(world, lease, send, "another-mid")
    await silent(world, Silence.PERSON)
