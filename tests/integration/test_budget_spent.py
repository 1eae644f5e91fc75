"""An account whose daily budget for models is used up: people take over, and no model is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, World, world
from tests.integration.test_allowance import Later
from tests.integration.whole_way import USER, Way, whole_way
from vestlus.clock import system_clock
from vestlus.conversation.allowance import DAY_MS, HOUR_MS
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.phrases import Phrase, say
from vestlus.conversation.turn import SuspectPolicy
from vestlus.settings_account import Account
from vestlus.store.rows import ConversationRow, Silence

__all__ = ["world"]

HANDED_OVER = say(Phrase.HANDOVER, "et", account_language="et")


async def row(way: Way, user: str = USER) -> ConversationRow | None:
    conversation = conversation_id(ACCOUNT, user)
    return (await way.world.store.load([conversation], 100)).get(conversation)


async def waits(way: Way, count: int) -> ConversationRow:
    """The conversation, once so many messages are recorded and nobody answers them."""
    async with asyncio.timeout(20):
        while (found := await row(way)) is None or len(found.pending) < count:
            await asyncio.sleep(0.02)
    return found


async def test_when_the_budget_is_used_up_a_user_is_handed_over_once_and_no_model_asked(
    tmp_path: Path,
) -> None:
    # Each answer takes two tokens.
    async with whole_way(tmp_path, daily_budget={"tokens": 2}) as way:
        await way.writes("Mis kell te avate?", mid="first")
        await way.graph.took(1)
        await way.writes("Ja millal sulgete?", mid="second")
        sent = await way.graph.took(2)
        assert [one["message"]["text"] for one in sent] == ["Tere!", HANDED_OVER]
        assert len(way.model.received) == 1
        assert [one.note for one in way.world.handed_over] == [
            "daily_budget_spent: Ja millal sulgete?"
        ]
        handed_over = await row(way)
        assert handed_over is not None
        assert handed_over.silence is Silence.HANDOVER
        assert handed_over.waiting_ms

        # The next one waits for the person, and is not told again.
        await way.writes("Kuulete?", mid="third")
        assert (await waits(way, 1)).pending[0].event.text == "Kuulete?"
        # Whoever writes after that is told: by then the other would have been.
        await way.writes("Tere", user="555555555555555", mid="other")
        sent = await way.graph.took(3)
        assert [one["recipient"]["id"] for one in sent] == [USER, USER, "555555555555555"]
        assert len(way.model.received) == 1
        async with asyncio.timeout(20):
            while not (rows := await way.world.store.usage("2026-01-01")):
                await asyncio.sleep(0.02)
        (used,) = rows
        assert (used.calls, used.input_tokens, used.output_tokens) == (1, 1, 1)
        assert (used.purpose, used.model, used.unpriced) == ("answer", "small-model", 1)


async def test_danger_and_wishes_need_no_budget(tmp_path: Path) -> None:
    async with whole_way(tmp_path, daily_budget={"tokens": 2}) as way:
        await way.writes("Tere!", mid="first")
        await way.graph.took(1)
        await way.writes("STOPP", mid="second")
        sent = await way.graph.took(2)
    assert sent[1]["message"]["text"] == say(Phrase.STOPPED, "et", account_language="et")


async def test_the_next_day_what_waited_is_answered_and_nobody_is_handed_over(
    world: World,
) -> None:
    ends_ms = system_clock() + DAY_MS // 2
    clock = Later()
    account = Account(id=ACCOUNT, disclosure=False, pause_minutes=60)
    await world.host(
        ScriptedAssistant(),
        account=account,
        clock=clock,
        spent_until=lambda _: ends_ms if clock() < ends_ms else 0,
    )
    await world.write("u", "Esimene")
    assert (await world.said("u", 2))[-1] == HANDED_OVER
    # The pause is over, the day is not.
    clock.by_ms = 2 * HOUR_MS
    await world.write("u", "Teine")
    await world.write("other", "Tere")
    assert (await world.said("other", 2))[-1] == HANDED_OVER
    assert len(await world.history("u")) == 2
    clock.by_ms = DAY_MS // 2
    await world.write("u", "Kolmas")
    history = await world.said("u", 5)
    assert history[2:4] == ["Teine", "Kolmas"]
    assert history[4] != HANDED_OVER
    assert len(world.handed_over) == 2


async def test_what_waits_for_the_next_day_is_not_taken_for_what_kills_its_process(
    world: World,
) -> None:
    # Taken over twice it is a suspect, and given up when one try has come to nothing.
    policy = SuspectPolicy(takeovers=2, groups=(1,))
    account = Account(id=ACCOUNT, disclosure=False, pause_minutes=0.001)
    looked: list[str] = []

    def not_today(of: str) -> int:
        looked.append(of)
        return system_clock() + DAY_MS // 2

    async def again(times: int) -> None:
        """Each owner takes it over, decides that it waits, and hands it over in good order."""
        for _ in range(times):
            before = len(looked)
            host = await world.host(
                ScriptedAssistant(), account=account, suspects=policy, spent_until=not_today
            )
            async with asyncio.timeout(15):
                while len(looked) == before:
                    await asyncio.sleep(0.02)
            for name in list(world.leases):
                await host.let_go(name, 5)

    host = await world.host(
        ScriptedAssistant(), account=account, suspects=policy, spent_until=not_today
    )
    await world.write("u", "Mis kell te avate?")
    await world.said("u", 2)
    rows = await world.store.load([conversation_id(ACCOUNT, "u")], 1)
    over_ms = max(one.silent_until_ms for one in rows.values())
    async with asyncio.timeout(15):
        while system_clock() <= over_ms:
            await asyncio.sleep(0.02)
    before = len(looked)
    await world.write("u", "Kuulete?")
    async with asyncio.timeout(15):
        while len(looked) == before:
            await asyncio.sleep(0.02)
    for name in list(world.leases):
        await host.let_go(name, 5)
    await again(6)
    assert await world.store.dead_letters(limit=5) == ()

    assistant = ScriptedAssistant()
    await world.host(assistant, account=account, suspects=policy)
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[0].messages] == ["Kuulete?"]
