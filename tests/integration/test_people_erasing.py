"""Users have their data erased in the chat, or ask people for it."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.erasing_support import traces
from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.measures import measured
from tests.integration.hosting_support import ACCOUNT, World, world
from tests.integration.people_support import (
    CONVERSATION,
    account,
    echo,
    passed_by,
    row,
    silent,
    until,
)
from tests.integration.slow_erasing import slow_erasing
from vestlus.conversation.phrases import Phrase, say
from vestlus.hosting.answers import WANTS_DATA, WANTS_ERASURE
from vestlus.store.erasing import BY_USER, ErasureState, Way
from vestlus.store.rows import Silence

__all__ = ["world"]


async def test_delete_my_data_is_asked_about_once_and_then_done(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "Minu saladus")
    await world.said("u", 2)
    await world.write("u", "kustuta minu andmed")
    assert (await world.said("u", 4))[-1] == say(Phrase.DELETE_ASK, "et")
    await world.write("u", "Jah!")

    async def gone() -> bool:
        return CONVERSATION not in await world.store.load([CONVERSATION], 1)

    await until(gone)
    (erasure,) = await world.privacy.erasures()
    assert (erasure.way, erasure.by, erasure.state) == (Way.CHAT, BY_USER, ErasureState.ERASED)
    (last,) = await world.sends("u")
    assert say(Phrase.DELETED, "et") in last.text
    assert f"https://vestlus.test/data-deletion/{erasure.code}" in last.text
    assert await traces(world.store, "saladus") == []

    await world.write("u", "Tere jälle")
    assert (await world.said("u", 2))[0] == "Tere jälle"
    assert assistant.asked[-1].history == ()


async def test_a_preserved_conversation_is_not_erased_by_its_user_and_a_person_sees_to_it(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "Minu saladus")
    await world.said("u", 2)
    assert await world.store.preserve(CONVERSATION, reason="Vaidlus 7", by="mari")
    await world.write("u", "kustuta minu andmed")
    await world.said("u", 4)
    await world.write("u", "jah")

    last = (await world.said("u", 6))[-1]
    (erasure,) = await world.privacy.erasures()
    assert (erasure.way, erasure.by, erasure.state) == (Way.CHAT, BY_USER, ErasureState.OPEN)
    assert erasure.counts == {}
    code = f"https://vestlus.test/data-deletion/{erasure.code}"
    assert last == f"{say(Phrase.DELETE_LATER, 'et')}\n{code}"
    assert (await row(world)).note == f"{WANTS_ERASURE} ({erasure.code}): jah"
    assert [(one.conversation, one.note) for one in world.handed_over] == [
        (CONVERSATION, (await row(world)).note)
    ]
    assert "Minu saladus" in [one.text for one in (await row(world)).history]
    assert len(assistant.asked) == 1

    await world.store.release_conversation(CONVERSATION)
    await world.write("u", "Palun kustuta minu andmed")
    await world.said("u", 8)
    await world.write("u", "Jah!")

    async def gone() -> bool:
        return CONVERSATION not in await world.store.load([CONVERSATION], 1)

    await until(gone)
    assert await traces(world.store, "saladus") == []


async def test_a_yes_to_something_else_erases_nothing(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "kustuta minu andmed")
    await world.said("u", 2)
    await world.write("u", "Mis kell te avate?")
    await world.said("u", 4)
    await world.write("u", "jah")
    await world.said("u", 6)
    await world.write("u", "Palun kustuta minu andmed")
    await world.said("u", 8)
    await world.deliver(echo("Kas teil on veel küsimusi?"))
    await silent(world, Silence.PERSON)
    await world.write("u", "Jah, palun")
    await passed_by(world)
    assert len((await row(world)).pending) == 1
    assert await world.privacy.erasures() == ()


async def test_an_erasure_whose_turn_is_stopped_meanwhile_is_done_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = slow_erasing(monkeypatch)
    labels = {"account": ACCOUNT, "outcome": "erased"}
    before = measured("vestlus_turns_total", **labels)
    host = await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "kustuta minu andmed")
    await world.said("u", 2)
    await world.write("u", "Jah!")
    async with asyncio.timeout(15):
        await begun.wait()
    for name in list(world.leases):
        await host.let_go(name, 0)
    assert host.counts().erased == 0
    go.set()
    await until(lambda: _true(host.counts().erased == 1))
    assert measured("vestlus_turns_total", **labels) == before + 1
    (erasure,) = await world.privacy.erasures()
    assert erasure.state is ErasureState.ERASED
    [entry] = await world.store.audit_entries(action="user.erase")
    assert (entry.person, entry.way, entry.outcome) == ("the user", "chat", "done")
    assert entry.target == erasure.code


async def test_a_turn_under_way_when_its_user_is_erased_says_nothing(world: World) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    host = await world.host(assistant, account=account())
    await world.write("u", "Minu saladus")
    await until(lambda: _true(bool(assistant.asked)))

    await world.privacy.erase(ACCOUNT, "u", by="mari", way=Way.CLI)
    await until(lambda: _true(host.counts().thinking == 0))
    assistant.gate.set()

    await passed_by(world)
    assert host.conversations.live == 1, "only the passer-by is in memory"
    assert await traces(world.store, "saladus") == []
    assert await world.sends("u") == []


async def _true(value: bool) -> bool:  # noqa: FBT001 - a condition
    return value


async def test_a_wish_for_ones_data_goes_to_people(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "Palun saatke mulle minu andmed")
    await world.said("u", 2)
    assert (await row(world)).note.startswith(WANTS_DATA)
    assert [one.conversation for one in world.handed_over] == [CONVERSATION]
