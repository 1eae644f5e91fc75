"""People are called where they are asked for, in danger, and where the bot has no answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import FAST, World, world
from tests.integration.people_support import (
    OTHER,
    account,
    asked_by_the_user,
    echo,
    passed_by,
    row,
    silent,
    until,
)
from vestlus.assistant.port import Question
from vestlus.conversation.phrases import Phrase, say
from vestlus.conversation.reply import Concern, Reply, TextPart
from vestlus.conversation.turn import BurstPolicy
from vestlus.errors import AssistantInvalid
from vestlus.store.rows import Silence

__all__ = ["world"]


@pytest.mark.parametrize("text", ["Soovin rääkida inimesega", "I want to talk to a human"])
async def test_who_asks_for_a_person_is_told_and_listed_and_no_model_is_asked(
    world: World, text: str
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", text)
    await world.said("u", 2)
    assert assistant.asked == []
    assert (await row(world)).silence is Silence.HANDOVER

    async def told() -> bool:
        return bool(world.handed_over and world.handed_over[0].note)

    await until(told)


async def test_a_model_that_asks_for_a_person_is_believed(world: World) -> None:
    reply = Reply(
        parts=(TextPart("Kutsun kolleegi."),),
        handover=True,
        note="Tahab raha tagasi.",
        language="et",
    )
    assistant = ScriptedAssistant(lambda _: reply)
    await world.host(assistant, account=account())
    await world.write("u", "Tahan raha tagasi!")
    await world.said("u", 2)
    (waiting,) = await world.store.conversations(limit=5, waiting=True)
    assert waiting.note == "Tahab raha tagasi."
    await world.write("u", "Halloo?")
    await passed_by(world)
    assert len(asked_by_the_user(assistant)) == 1
    assert [one.event.text for one in (await row(world)).pending] == ["Halloo?"]


async def test_an_apology_is_not_made_twice(world: World) -> None:
    def fails(_: Question) -> str:
        raise AssistantInvalid("malformed_reply")

    await world.host(ScriptedAssistant(fails), account=account(pause_minutes=0.005))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    await world.write("u", "Halloo?")
    await world.said("u", 3)
    await passed_by(world)
    assert len(await world.history("u")) == 3
    waiting = await world.store.conversations(limit=5, waiting=True)
    assert {one.user for one in waiting} == {"u", OTHER}


@pytest.mark.parametrize(
    ("concern", "waits"),
    [
        (Concern.EMERGENCY, True),
        (Concern.UNSAFE_MESSAGES, False),
        (Concern.UNSAFE_ANSWER, True),
        (Concern.NOT_MODERATED, True),
    ],
)
async def test_a_concern_is_answered_by_a_fixed_text_and_people_where_it_needs_them(
    world: World, concern: Concern, *, waits: bool
) -> None:
    reply = Reply(parts=(), concern=concern)
    await world.host(ScriptedAssistant(lambda _: reply), account=account())
    await world.write("u", "…")
    (_, said) = await world.said("u", 2)
    assert said
    assert bool(await world.store.conversations(limit=5, waiting=True)) is waits


async def test_working_hours_are_told_when_nobody_is_there(world: World) -> None:
    nobody = account(working_hours=("Mon 03:00-03:01",), timezone="UTC")
    await world.host(ScriptedAssistant(), account=nobody)
    await world.write("u", "Soovin rääkida inimesega")
    (_, said) = await world.said("u", 2)
    assert "3" in said


async def test_danger_is_answered_and_shown_to_people_whatever_else_is_said(world: World) -> None:
    slow = replace(FAST, burst=BurstPolicy(longest_ms=600))
    host = await world.host(ScriptedAssistant(), account=account(), policies=slow)
    await world.write("u", "I want to kill myself", "STOP")
    await silent(world, Silence.STOPPED)
    assert host.counts().handed_over == 1
    (waiting,) = await world.store.conversations(limit=5, waiting=True)
    assert waiting.user == "u"
    # The stop beside it cancels neither the text, which goes first, nor that it was said.
    told = say(Phrase.EMERGENCY, "en")
    assert [one.text for one in await world.sends("u")] == [told]
    assert (await world.history("u"))[1] == told


async def test_danger_that_moderation_finds_is_answered_though_stop_follows(world: World) -> None:
    concerned = Reply(parts=(), concern=Concern.EMERGENCY, language="et")
    await world.host(ScriptedAssistant(lambda _: concerned), account=account())
    await world.write("u", "Tere")
    await world.said("u", 2)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    assert [one.text for one in await world.sends("u")] == [say(Phrase.EMERGENCY, "et")]


async def test_danger_while_a_person_has_the_conversation_is_shown_to_people(
    world: World,
) -> None:
    host = await world.host(ScriptedAssistant(), account=account())
    await world.deliver(echo("Siin Mari."))
    await silent(world, Silence.PERSON)
    await world.write("u", "I want to kill myself")

    async def shown() -> bool:
        waiting = await world.store.conversations(limit=5, waiting=True)
        return bool(waiting) and host.counts().handed_over == 1

    await until(shown)
    assert await world.sends("u") == []
    assert (await row(world)).silence is Silence.PERSON
