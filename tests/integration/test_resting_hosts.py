"""Conversations that rest between their messages: what they know when they wake."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import World, world
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.summaries import SUM_UP_AT
from vestlus.hosting.turn_places import Limits
from vestlus.store.rows import ConversationRow

__all__ = ["world"]


async def at_rest(host: ConversationHost, size: int = 1) -> None:
    """Waits until nothing is under way."""
    async with asyncio.timeout(15):
        while host.counts().in_flight or host.conversations.resting_bytes < size:
            await asyncio.sleep(0.01)


def watch(host: ConversationHost, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The conversations that the host reads from the store from now on."""
    read: list[str] = []
    load = host.conversations._load

    async def noted(conversations: list[str]) -> list[ConversationRow | None]:
        read.extend(conversations)
        return await load(conversations)

    monkeypatch.setattr(host.conversations._loader, "_flush", noted)
    return read


async def test_a_conversation_that_rests_wakes_with_its_history_without_the_store(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = ScriptedAssistant()
    host = await world.host(assistant)
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    await at_rest(host)
    read = watch(host, monkeypatch)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]
    assert read == []


async def test_without_room_for_it_a_conversation_wakes_from_the_store(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = ScriptedAssistant()
    host = await world.host(assistant, limits=Limits(live_bytes=0))
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    await at_rest(host, 0)
    read = watch(host, monkeypatch)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]
    assert len(read) == 1


async def test_a_summary_made_after_the_turn_is_known_to_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = ScriptedAssistant()
    host = await world.host(assistant)
    read = watch(host, monkeypatch)
    for number in range(SUM_UP_AT // 2):
        await world.write("u", f"nr {number}")
        await world.said("u", 2 * number + 2)
    async with asyncio.timeout(15):
        while not host.counts().summarised:
            await asyncio.sleep(0.01)
    await at_rest(host)
    await world.write("u", "Ja veel?")
    await world.said("u", SUM_UP_AT + 2)
    assert assistant.asked[-1].summary == "15 more"
    # Once, when the user was new.
    assert len(read) == 1
