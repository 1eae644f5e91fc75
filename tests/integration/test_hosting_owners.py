"""A conversation's next owner, or its own after a rest, goes on where it was left."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import World, world
from vestlus.clock import system_clock
from vestlus.store.port import Store

__all__ = ["world"]


async def test_the_next_owner_knows_what_was_said_before(world: World) -> None:
    first = await world.host(ScriptedAssistant())
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    for name in list(world.leases):
        await first.let_go(name, 1)
    assistant = ScriptedAssistant()
    await world.host(assistant)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]


async def test_what_was_recorded_and_not_answered_is_answered_by_the_next_owner(
    world: World,
) -> None:
    stuck = ScriptedAssistant()
    stuck.gate.clear()
    first = await world.host(stuck)
    await world.write("u", "Tere!")
    await stuck.was_asked(1)
    for name in list(world.leases):
        await first.let_go(name, 0)
    assert await world.history("u") == []
    await world.host(ScriptedAssistant())
    assert await world.said("u", 2) == ["Tere!", "Tere!"]


async def test_an_owner_that_was_overtaken_commits_nothing(world: World) -> None:
    slow = ScriptedAssistant(lambda _: "vana omanik")
    slow.gate.clear()
    first = await world.host(slow)
    await world.write("u", "Tere!")
    await slow.was_asked(1)
    await world.host(ScriptedAssistant(lambda _: "uus omanik"))
    slow.gate.set()
    assert await world.said("u", 2) == ["Tere!", "uus omanik"]
    async with asyncio.timeout(10):
        while not first.lost:
            await asyncio.sleep(0.02)
    assert await world.history("u") == ["Tere!", "uus omanik"]


class SlowToRead:
    """A store whose answers to ``load`` are held back after they were made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def load(
        self, conversations: Collection[str], history: int, *, unanswered: int | None = None
    ) -> object:
        rows = await self._store.load(conversations, history, unanswered=unanswered)
        self.asked.set()
        await self.gate.wait()
        return rows


async def test_a_message_that_comes_while_its_conversation_is_read_is_not_forgotten(
    world: World,
) -> None:
    real = world.store
    slow = SlowToRead(real)
    world.store = slow  # type: ignore[assignment]
    host = await world.host(ScriptedAssistant())
    world.store = real
    await world.write("u", "Esimene.")
    await asyncio.wait_for(slow.asked.wait(), 10)
    await world.write("u", "Teine.")
    async with asyncio.timeout(10):
        while host.counts().recorded < 2:
            await asyncio.sleep(0.02)
    slow.gate.set()
    history = await world.said("u", 3)
    assert {"Esimene.", "Teine."} <= set(history)
    assert (await real.counts()).events == {"message/answered": 2}


async def test_an_idle_conversation_is_dropped_from_memory_and_wakes_with_its_history(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    host = await world.host(assistant)
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    assert host.counts().conversations == 1
    async with asyncio.timeout(10):
        while host.counts().conversations:
            host.conversations.passivate(system_clock() + 1)
            await asyncio.sleep(0.02)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]
