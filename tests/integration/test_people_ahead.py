"""Wishes and danger are not kept waiting by messages that wait for people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import World, message, world
from tests.integration.people_support import (
    CONVERSATION,
    about,
    account,
    act,
    echo,
    passed_by,
    row,
    silent,
    until,
)
from vestlus.clock import system_clock
from vestlus.conversation.events import EventKind
from vestlus.conversation.operating import Act
from vestlus.conversation.phrases import Phrase, say
from vestlus.errors import StoreUnavailable
from vestlus.hosting.mailbox import MOST_EVENTS
from vestlus.store.rows import Silence

__all__ = ["world"]

DANGER = "Ma tahan ennast tappa"
HELP = say(Phrase.EMERGENCY, "et")
TELL_ME_ABOUT_IT = "lugu minu elust " * 60


async def _waits(world: World, *texts: str) -> None:
    """The user writes, and nothing is done about it: the messages wait for people."""
    before = len((await row(world)).pending)
    await asyncio.gather(*(world.deliver(message("u", text)) for text in texts))

    async def recorded() -> bool:
        return len((await row(world)).pending) == before + len(texts)

    await until(recorded)


async def _asks_to_be_erased(world: World) -> None:
    """The user wants it, and was asked whether it is meant."""
    await world.write("u", "kustuta minu andmed")

    async def asked() -> bool:
        return bool((await row(world)).erase_asked_ms)

    await until(asked)


async def _handed_over(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "Soovin rääkida inimesega")
    await silent(world, Silence.HANDOVER)


@pytest.mark.parametrize(
    "texts",
    [
        [f"Palun vastake {number}" for number in range(31)],
        [f"{number} {TELL_ME_ABOUT_IT}" for number in range(11)],
        [f"Palun vastake {number}" for number in range(MOST_EVENTS + 110)],
    ],
    ids=["more messages", "longer ones", "more than a mailbox holds"],
)
@pytest.mark.parametrize("taken_over", [False, True], ids=["in memory", "by the next owner"])
async def test_danger_behind_more_than_one_answer_is_to_is_answered_while_a_person_is_waited_for(
    world: World, texts: list[str], *, taken_over: bool
) -> None:
    await _handed_over(world)
    await _waits(world, *texts)
    if taken_over:
        await world.host(ScriptedAssistant(), account=account())
    await world.write("u", DANGER)
    history = await world.said("u", 4)
    assert history[-2:] == [DANGER, HELP]
    stands = await row(world)
    assert stands.silence is Silence.HANDOVER
    assert [one.event.text for one in stands.pending] == [
        one.event.text for one in stands.pending if one.event.text in texts
    ]
    assert len(stands.pending) == len(texts)
    assert len(world.handed_over) == 2


async def test_stop_behind_them_is_done_and_what_waited_is_not_answered(world: World) -> None:
    await _handed_over(world)
    await _waits(world, *(f"Palun vastake {number}" for number in range(31)))
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)

    async def ignored() -> bool:
        return not (await row(world)).pending

    await until(ignored)
    # It cancelled what the user was told at the hand-over, which was not sent yet.
    assert (await world.history("u"))[1:3] == ["STOP", say(Phrase.STOPPED, "et")]


async def test_stop_behind_danger_is_done_while_a_person_has_the_conversation(
    world: World,
) -> None:
    host = await world.host(ScriptedAssistant(), account=account())
    await world.deliver(echo("Tere, siin Mari."))
    await silent(world, Silence.PERSON)
    await world.write("u", DANGER, "STOP")
    await silent(world, Silence.STOPPED)
    await passed_by(world)
    assert [one.event.text for one in (await row(world)).pending] == [DANGER]
    assert host.counts().handed_over == 1
    await world.write("u", "START")
    await silent(world, Silence.PERSON)
    # It is the person's still, who answers it with everything else.
    await world.deliver(echo("Olen siin."))
    await until(lambda: _answered(world))
    assert HELP not in await world.history("u")


async def _answered(world: World) -> bool:
    return not (await row(world)).pending


async def test_everything_is_erased_after_a_yes_though_other_messages_wait(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await act(world, Act.TAKE_OVER)
    await silent(world, Silence.PERSON)
    await _waits(world, *(f"Palun vastake {number}" for number in range(31)))
    await _asks_to_be_erased(world)
    await world.write("u", "jah")

    async def gone() -> bool:
        return CONVERSATION not in await world.store.load([CONVERSATION], 1)

    await until(gone)


async def test_a_yes_that_is_not_the_next_message_erases_nothing_though_others_wait(
    world: World,
) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await act(world, Act.TAKE_OVER)
    await silent(world, Silence.PERSON)
    await _waits(world, *(f"Palun vastake {number}" for number in range(31)))
    await _asks_to_be_erased(world)
    await _waits(world, "Oota, üks küsimus veel", "jah")
    await passed_by(world)
    assert len((await row(world)).pending) == 33


async def test_danger_is_answered_while_the_budget_is_spent(world: World) -> None:
    ends_ms = system_clock() + 3_600_000
    paused = account(pause_minutes=0.001)
    await world.host(ScriptedAssistant(), account=paused, spent_until=lambda _: ends_ms)
    await world.write("u", "Mis kell te avate?")
    await silent(world, Silence.HANDOVER)
    await _waits(world, *(f"Palun vastake {number}" for number in range(31)))
    await world.write("u", DANGER)
    assert (await world.said("u", 4))[-2:] == [DANGER, HELP]


@pytest.mark.parametrize("beyond", [True, False], ids=["the mailbox is full", "it is a reply"])
async def test_a_store_that_is_away_for_a_moment_puts_no_danger_to_sleep(
    world: World, monkeypatch: pytest.MonkeyPatch, *, beyond: bool
) -> None:
    await _handed_over(world)
    count = MOST_EVENTS + 10 if beyond else 31
    await _waits(world, *(f"Palun vastake {number}" for number in range(count)))
    await passed_by(world)
    name = "unanswered_after" if beyond else "texts_of"
    read, broken = getattr(world.store, name), list[bool]()

    async def away_at_first(*arguments: object) -> object:
        if not broken:
            broken.append(True)
            raise StoreUnavailable("away")
        return await read(*arguments)

    monkeypatch.setattr(world.store, name, away_at_first)
    await world.deliver(replace(message("u", DANGER), reply_to_mid="a picture of ours"))

    async def helped() -> bool:
        return HELP in await world.history("u")

    await until(helped)
    assert broken


async def test_a_yes_that_is_taken_back_while_it_is_weighed_erases_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await act(world, Act.TAKE_OVER)
    await silent(world, Silence.PERSON)
    await _waits(world, *(f"Palun vastake {number}" for number in range(31)))
    await _asks_to_be_erased(world)
    texts_of, inside, go_on = world.store.texts_of, asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Mapping[str, str]:  # noqa: ANN401 - passed on
        inside.set()
        await go_on.wait()
        return await texts_of(*arguments)

    monkeypatch.setattr(world.store, "texts_of", slow)
    yes = replace(message("u", "jah"), reply_to_mid="the question")
    await world.deliver(yes)
    await inside.wait()
    await world.deliver(about(EventKind.UNSEND, str(yes.mid)))

    async def taken_back() -> bool:
        return "jah" not in [one.event.text for one in (await row(world)).pending]

    await until(taken_back)
    go_on.set()
    await world.write("u", "Kas olete seal?")

    async def waits() -> bool:
        return "Kas olete seal?" in [one.event.text for one in (await row(world)).pending]

    await until(waits)
    await passed_by(world)
    assert CONVERSATION in await world.store.load([CONVERSATION], 1)
