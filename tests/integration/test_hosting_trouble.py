"""What cannot be answered or read is put aside and shown, and the next is answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, FAST, TOPOLOGY, World, world
from vestlus.assistant.port import Question
from vestlus.bus.port import Queue
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.turn import FailurePolicy, SuspectPolicy
from vestlus.errors import AssistantUnavailable

__all__ = ["world"]


async def test_a_failing_assistant_is_tried_again(world: World) -> None:
    answers = iter([AssistantUnavailable("down"), None])

    def script(_: Question) -> str:
        if (error := next(answers)) is not None:
            raise error
        return "nüüd"

    await world.host(ScriptedAssistant(script))
    await world.write("u", "Tere!")
    assert await world.said("u", 2) == ["Tere!", "nüüd"]


@pytest.mark.parametrize("error", [AssistantUnavailable("quota"), KeyError("ours")])
async def test_what_cannot_be_answered_gets_an_apology_and_a_person(
    world: World, error: Exception
) -> None:
    def script(question: Question) -> str:
        if question.user == "u":
            raise error
        return "olemas"

    host = await world.host(ScriptedAssistant(script))
    await world.write("u", "Tere!")
    question, apology = await world.said("u", 2)
    assert question == "Tere!"
    assert apology
    (row,) = await world.sends("u")
    assert row.text == apology
    assert host.counts().apologised == 1
    (told,) = world.handed_over
    assert told.conversation == conversation_id(ACCOUNT, "u")
    (waiting,) = await world.store.conversations(limit=10, waiting=True)
    assert waiting.user == "u"
    await world.write("v", "Tere!")
    assert await world.said("v", 2) == ["Tere!", "olemas"]


async def test_a_delivery_that_cannot_be_read_is_buried_raw_and_the_next_is_answered(
    world: World,
) -> None:
    partition = partition_of(ACCOUNT, "u", TOPOLOGY.inbox)
    await world.bus.publish(Queue.INBOX, partition, [b"\x00not json"])
    await world.host(ScriptedAssistant())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (letter,) = await world.store.dead_letters(limit=10)
    assert letter.body == b"\x00not json"
    assert letter.reason.startswith("undecodable")


async def test_what_the_broker_gave_up_on_becomes_a_dead_letter(world: World) -> None:
    await world.bus.publish(Queue.DEAD, 0, [b"given up"])
    await world.host(ScriptedAssistant())
    async with asyncio.timeout(15):
        while not (letters := await world.store.dead_letters(limit=10)):
            await asyncio.sleep(0.02)
    (letter,) = letters
    assert (letter.source, letter.body) == ("dead", b"given up")


async def test_a_turn_that_kills_its_owners_is_quarantined_alone(world: World) -> None:
    policy = SuspectPolicy(takeovers=2, groups=(1,))

    def stuck() -> ScriptedAssistant:
        assistant = ScriptedAssistant()
        assistant.gate.clear()
        return assistant

    async def die_with_it(assistant: ScriptedAssistant) -> None:
        host = await world.host(assistant, suspects=policy)
        await assistant.was_asked(1)
        for name in list(world.leases):
            await host.let_go(name, 0)

    first = stuck()
    host = await world.host(first, suspects=policy)
    await world.write("u", "Tere!")
    await first.was_asked(1)
    for name in list(world.leases):
        await host.let_go(name, 0)
    await die_with_it(stuck())  # the first takeover: freely
    await die_with_it(stuck())  # the second: watched, and counted
    await world.host(ScriptedAssistant(), suspects=policy)
    async with asyncio.timeout(15):
        while not (letters := await world.store.dead_letters(limit=10)):
            await asyncio.sleep(0.02)
    assert [letter.reason for letter in letters] == ["kills_its_process"]
    await world.write("u", "Kas oled seal?")
    assert (await world.said("u", 2))[-1] == "Kas oled seal?"


async def test_what_waits_for_its_next_try_is_not_tried_however_often_it_is_taken_over(
    world: World,
) -> None:
    def away(_: Question) -> str:
        raise AssistantUnavailable("model_is_away", again_seconds=300)

    # Whatever is taken over is a suspect, and given up when one try has come to nothing.
    policy = SuspectPolicy(takeovers=0, groups=(1,))
    patient = replace(FAST, failure=FailurePolicy(patience_ms=600_000))
    await world.host(ScriptedAssistant(away), suspects=policy, policies=patient)
    await world.write("u", "Tere!")
    conversation = conversation_id(ACCOUNT, "u")

    async def counts() -> tuple[int, int, int]:
        rows = await world.store.load([conversation], 1)
        return next(((one.wake_ms, one.takeovers, one.probes) for one in rows.values()), (0, 0, 0))

    async with asyncio.timeout(15):
        while not (await counts())[0]:
            await asyncio.sleep(0.02)
    before = await counts()
    for _ in range(3):
        await world.host(ScriptedAssistant(away), suspects=policy, policies=patient)
    assert await counts() == before
    assert await world.store.dead_letters(limit=5) == ()
