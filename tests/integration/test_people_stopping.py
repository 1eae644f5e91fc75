"""Who says stop is left alone until start, whatever else happens."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import FAST, World, world
from tests.integration.people_support import (
    CONVERSATION,
    OTHER,
    account,
    act,
    asked_by_the_user,
    echo,
    passed_by,
    row,
    silent,
    until,
)
from vestlus.assistant.port import Question
from vestlus.conversation.operating import Act
from vestlus.conversation.phrases import Phrase, say
from vestlus.conversation.turn import BurstPolicy, FailurePolicy
from vestlus.errors import AssistantInvalid
from vestlus.store.rows import Silence

__all__ = ["world"]


async def test_stop_is_confirmed_and_everything_after_it_ignored_until_start(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "STOP")
    await world.said("u", 2)
    await world.write("u", "Kas keegi kuuleb?")
    await world.said("u", 3)
    assert assistant.asked == []
    await world.write("u", "START")
    await world.said("u", 5)
    await world.write("u", "Mis kell te avate?")
    await world.said("u", 7)
    assert len(assistant.asked) == 1


async def test_nobody_but_the_user_ends_a_stop(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account(pause_minutes=0.005))
    await world.write("u", "STOP")
    await world.said("u", 2)
    await world.deliver(echo("Siin Mari, kas kõik on korras?"))
    await act(world, Act.HAND_BACK)
    await world.write("u", "Ei, jätke mind rahule.")
    # A person's pause that begins later is over, as that one would be.
    await world.deliver(echo("Siin Mari.", user=OTHER))
    await passed_by(world, said=3)
    assert asked_by_the_user(assistant) == []
    assert (await row(world)).silence is Silence.STOPPED


async def test_no_wish_of_a_burst_is_lost_in_another(world: World) -> None:
    slow = replace(FAST, burst=BurstPolicy(longest_ms=600))
    await world.host(ScriptedAssistant(), account=account(), policies=slow)
    await world.write("u", "Minu saladus", "kustuta minu andmed", "STOP")
    await silent(world, Silence.STOPPED)
    # The confirmation of the stop cancels the question, and so asks it again.
    assert say(Phrase.DELETE_ASK, "et") in (await world.history("u"))[-1]
    await world.write("u", "jah")

    async def gone() -> bool:
        return CONVERSATION not in await world.store.load([CONVERSATION], 1)

    await until(gone)


async def test_what_needs_no_model_waits_for_none(world: World) -> None:
    def fails(_: Question) -> str:
        raise AssistantInvalid("malformed_reply")

    patient = replace(FAST, failure=FailurePolicy(most=9, first_wait_ms=60_000))
    await world.host(ScriptedAssistant(fails), account=account(), policies=patient)
    await world.write("u", "Tere!")

    async def put_off() -> bool:
        rows = await world.store.load([CONVERSATION], 1)
        return CONVERSATION in rows and rows[CONVERSATION].failures == 1

    await until(put_off)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)


async def test_who_starts_again_with_a_question_is_not_ignored_when_the_model_fails(
    world: World,
) -> None:
    def fails(_: Question) -> str:
        raise AssistantInvalid("malformed_reply")

    slow = replace(FAST, burst=BurstPolicy(longest_ms=400))
    await world.host(ScriptedAssistant(fails), account=account(), policies=slow)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.write("u", "START", "Mis kell te avate?")
    await silent(world, Silence.HANDOVER)


async def test_after_stop_nothing_that_was_decided_before_is_sent(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (draft,) = await world.store.drafts(limit=5)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await act(world, Act.APPROVE, turn=draft.turn)
    # It comes after the approval, and shows when it was heeded.
    await world.write("u", "START")
    await silent(world, Silence.NONE)
    assert await world.store.drafts(limit=5) == ()
    assert "Tere!" not in [one.text for one in await world.sends("u")]


async def test_a_persons_echo_does_not_swallow_a_wish(world: World) -> None:
    slow = replace(FAST, burst=BurstPolicy(longest_ms=500))
    await world.host(ScriptedAssistant(), account=account(), policies=slow)
    await world.write("u", "STOP")
    await world.deliver(echo("Siin Mari."))
    await silent(world, Silence.STOPPED)


async def test_start_gives_a_person_s_conversation_back_to_the_person_who_wrote_after_stop(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.deliver(echo("Siin Mari, aitan teid edasi. Mis on teie number?"))
    await world.write("u", "START")
    await silent(world, Silence.PERSON)
    await world.write("u", "Minu number on 7")
    await passed_by(world)
    assert asked_by_the_user(assistant) == []
    assert [one.event.text for one in (await row(world)).pending] == ["Minu number on 7"]
    await act(world, Act.HAND_BACK)
    await world.said("u", 6)
    assert len(asked_by_the_user(assistant)) == 1


async def test_stop_and_start_leave_the_pause_of_the_person_who_had_taken_over_as_it_was(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await act(world, Act.TAKE_OVER)
    await silent(world, Silence.PERSON)
    until_ms = (await row(world)).silent_until_ms
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.write("u", "STOPP", "START", "Mis kell te avate?")
    await silent(world, Silence.PERSON)
    await passed_by(world)
    stands = await row(world)
    assert stands.silent_until_ms == until_ms
    assert [one.event.text for one in stands.pending] == ["Mis kell te avate?"]
    said = await world.history("u")
    assert say(Phrase.HANDOVER, "et") in said
    assert say(Phrase.STARTED, "et") not in said
    assert asked_by_the_user(assistant) == []


@pytest.mark.parametrize("texts", [("START", "Kus?"), ("Kus?", "START")])
async def test_a_question_beside_the_start_waits_for_the_person_whichever_came_first(
    world: World, texts: tuple[str, str]
) -> None:
    slow = replace(FAST, burst=BurstPolicy(longest_ms=1_000))
    await world.host(ScriptedAssistant(), account=account(), policies=slow)
    await act(world, Act.TAKE_OVER)
    await silent(world, Silence.PERSON)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.write("u", *texts)
    await silent(world, Silence.PERSON)
    assert [one.event.text for one in (await row(world)).pending] == ["Kus?"]


async def test_who_starts_with_a_question_in_one_burst_has_it_answered_by_the_person(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    slow = replace(FAST, burst=BurstPolicy(longest_ms=400))
    await world.host(assistant, account=account(), policies=slow)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.deliver(echo("Siin Mari. Mis on teie number?"))
    await world.write("u", "START", "Minu number on 7")
    await silent(world, Silence.PERSON)
    await world.deliver(echo("Aitäh!"))
    # Confirmations that were not sent are cancelled by what Mari wrote.
    said = ["STOP", "Siin Mari. Mis on teie number?", "START", "Minu number on 7", "Aitäh!"]
    assert await world.said("u", 5) == said
    assert assistant.asked == []


async def test_start_after_a_person_s_pause_is_over_brings_the_bot_back(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account(pause_minutes=0.005))
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.deliver(echo("Siin Mari."))
    # A person's pause that begins later is over, as that one would be.
    await world.deliver(echo("Siin Mari.", user=OTHER))
    await passed_by(world, said=3)
    await world.write("u", "START", "Mis kell te avate?")
    async with asyncio.timeout(15):
        while not asked_by_the_user(assistant):
            await asyncio.sleep(0.02)
    await silent(world, Silence.NONE)


async def test_danger_of_a_user_who_said_stop_is_shown_to_the_person_who_has_the_conversation(
    world: World,
) -> None:
    host = await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.deliver(echo("Siin Mari, kas kõik on korras?"))
    await world.write("u", "I want to kill myself")

    async def shown() -> bool:
        return bool((await row(world)).waiting_ms) and host.counts().handed_over == 1

    await until(shown)
    await passed_by(world)
    # The confirmation was cancelled by what Mari wrote.
    assert await world.history("u") == ["STOP", "Siin Mari, kas kõik on korras?"]
