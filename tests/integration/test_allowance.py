"""A user who has had as many answers as the account allows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, FAST, World, world
from vestlus.assistant.port import Question
from vestlus.clock import system_clock
from vestlus.conversation.allowance import HOUR_MS
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.phrases import Phrase, say
from vestlus.errors import AssistantInvalid, AssistantUnavailable
from vestlus.settings_account import Account
from vestlus.store.rows import Silence

__all__ = ["world"]

THREE = Account(id=ACCOUNT, language="en", answers_per_user_hour=3, disclosure=False)
NOTICE = say(Phrase.LIMITED, "en")


@dataclass
class Later:
    """The machine's clock, put forward by so much."""

    by_ms: int = 0

    def __call__(self) -> int:
        return system_clock() + self.by_ms


def english() -> ScriptedAssistant:
    return ScriptedAssistant(lambda question: f"Answer to {question.messages[-1].text}")


async def use_up(world: World, user: str = "u") -> None:
    """The user has three answers, one after the other."""
    for number in range(1, 4):
        await world.write(user, f"Question {number}")
        await world.said(user, 2 * number)


async def test_after_the_allowance_comes_one_notice_and_then_silence_also_after_a_restart(
    world: World,
) -> None:
    assistant = english()
    host = await world.host(assistant, account=THREE)
    await use_up(world)
    await world.write("u", "Question 4")
    assert (await world.said("u", 8))[-2:] == ["Question 4", NOTICE]
    await world.write("u", "Question 5")
    assert (await world.said("u", 9))[-1] == "Question 5"
    assert (host.counts().limited, len(assistant.asked)) == (2, 3)

    # Another owner of the partition, as after a crash or a move, goes on where this one was.
    again = english()
    await world.host(again, account=THREE)
    await world.write("u", "Question 6")
    assert (await world.said("u", 10))[-1] == "Question 6"
    assert again.asked == []
    # Others are not concerned.
    await world.write("other", "Question 1")
    assert (await world.said("other", 2))[-1] == "Answer to Question 1"


async def test_when_the_hour_is_over_there_are_answers_again(world: World) -> None:
    clock = Later()
    await world.host(english(), account=THREE, clock=clock)
    await use_up(world)
    await world.write("u", "Question 4")
    assert (await world.said("u", 8))[-1] == NOTICE
    clock.by_ms = HOUR_MS
    await world.write("u", "Question 5")
    assert (await world.said("u", 10))[-1] == "Answer to Question 5"


@pytest.mark.parametrize(
    ("wish", "silence"),
    [
        ("stop", Silence.STOPPED),
        ("human", Silence.HANDOVER),
        ("delete my data", Silence.NONE),
    ],
)
async def test_wishes_and_the_word_for_a_person_are_heeded_all_the_same(
    world: World, wish: str, silence: Silence
) -> None:
    await world.host(english(), account=THREE)
    await use_up(world)
    await world.write("u", "Question 4")
    await world.said("u", 8)
    await world.write("u", wish)
    conversation = conversation_id(ACCOUNT, "u")
    row = (await world.store.load([conversation], 100))[conversation]
    while row.pending or row.version < 5:
        row = (await world.store.load([conversation], 100))[conversation]
    assert row.silence is silence
    assert bool(row.waiting_ms) == (silence is Silence.HANDOVER)
    assert row.usage.in_hour == 3


async def test_an_answer_begun_anew_counts_each_time(world: World) -> None:
    assistant = english()
    assistant.gate.clear()
    await world.host(assistant, account=THREE)
    await world.write("u", "One")
    await assistant.was_asked(1)
    await world.write("u", "Two")
    await assistant.was_asked(2)
    assistant.gate.set()
    await world.said("u", 3)
    conversation = conversation_id(ACCOUNT, "u")
    row = (await world.store.load([conversation], 1))[conversation]
    assert row.usage.in_hour == len(assistant.asked) == 2


async def test_the_account_s_own_words_are_said(world: World) -> None:
    account = THREE.model_copy(update={"limit_texts": {"en": "Enough for now."}})
    await world.host(english(), account=account)
    await use_up(world)
    await world.write("u", "Question 4")
    assert (await world.said("u", 8))[-1] == "Enough for now."


async def test_an_outage_is_not_at_the_user_s_expense_and_ends_in_the_apology(
    world: World,
) -> None:
    def away(_: Question) -> str:
        raise AssistantUnavailable("circuit_open")

    assistant = ScriptedAssistant(away)
    account = THREE.model_copy(update={"answers_per_user_hour": 2, "apology_after_seconds": 0.5})
    host = await world.host(assistant, account=account)
    await world.write("u", "Question 1")
    assert (await world.said("u", 2))[-1] == say(Phrase.APOLOGY, "en")
    assert len(assistant.asked) > 2
    assert host.counts().limited == 0
    conversation = conversation_id(ACCOUNT, "u")
    row = (await world.store.load([conversation], 1))[conversation]
    assert row.usage.in_hour == 0
    assert row.waiting_ms


async def test_a_limit_that_is_reached_while_an_answer_is_tried_does_not_take_its_place(
    world: World,
) -> None:
    def nonsense(_: Question) -> str:
        raise AssistantInvalid("malformed_reply")

    assistant = ScriptedAssistant(nonsense)
    account = THREE.model_copy(update={"answers_per_user_hour": 1})
    host = await world.host(assistant, account=account)
    await world.write("u", "Question 1")
    assert (await world.said("u", 2))[-1] == say(Phrase.APOLOGY, "en")
    conversation = conversation_id(ACCOUNT, "u")
    row = (await world.store.load([conversation], 1))[conversation]
    assert row.waiting_ms
    assert host.counts().limited == 0
    assert len(assistant.asked) == FAST.failure.most
