"""Turns that wait for the rate limit: called off by something newer, and answered in the end."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.openai_server import FakeOpenAI, output_message, reply_json, response_object
from tests.integration.hosting_support import ACCOUNT, World, world
from vestlus.assistant.open import open_assistant
from vestlus.assistant.port import Question
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id
from vestlus.errors import AssistantUnavailable
from vestlus.hosting.turn_places import Limits
from vestlus.settings import Settings
from vestlus.settings_account import Account

__all__ = ["world"]


async def nothing_left(_: web.Request) -> web.StreamResponse:
    """A good answer, after which nothing is left for two seconds."""
    body = response_object([output_message(reply_json("Vastus."))])
    told = {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "10s",
    }
    return web.json_response(body, headers=told)


async def test_a_message_that_comes_while_its_user_waits_for_the_limit_is_answered_with_them(
    world: World,
) -> None:
    account = Account(id=ACCOUNT, vision=False, disclosure=False)
    async with FakeOpenAI(nothing_left) as server:
        settings = Settings.model_validate(
            {
                "openai_api_key": "sk-test",
                "openai_base_url": server.url,
                "encryption_key": "k" * 32,
                "accounts": [account.model_dump()],
            }
        )
        assistant = open_assistant(settings, clock=system_clock)
        world.stack.push_async_callback(assistant.aclose)
        host = await world.host(assistant, account=account)
        await world.write("first", "Tere!")
        await world.said("first", 2)

        await world.write("second", "Mis kell te avate?")
        async with asyncio.timeout(15):
            while not host.counts().thinking:
                await asyncio.sleep(0.01)
        assert len(server.received) == 1  # it waits for its turn
        await world.write("second", "Ja millal sulgete?")
        said = await world.said("second", 3)
    assert said == ["Mis kell te avate?", "Ja millal sulgete?", "Vastus."]
    assert host.counts().restarted == 1
    # One call for both, and none that was thrown away.
    assert len(server.received) == 2
    assert "sulgete" in json.dumps(server.received[1].body)


async def test_who_finds_no_room_to_wait_frees_its_place_and_comes_again_when_it_was_told(
    world: World,
) -> None:
    def busy(question: Question) -> str:
        if question.user == "crowd":
            raise AssistantUnavailable("paced", 25.0)
        return "Vastus."

    account = Account(id=ACCOUNT, disclosure=False)
    await world.host(ScriptedAssistant(busy), account=account, limits=Limits(turns=1))
    began_ms = system_clock()
    await world.write("crowd", "Tere!")
    conversation = conversation_id(ACCOUNT, "crowd")
    async with asyncio.timeout(15):
        while not (rows := await world.store.load([conversation], 1)) or not (
            wake_ms := rows[conversation].wake_ms
        ):
            await asyncio.sleep(0.02)
    assert began_ms + 25_000 <= wake_ms <= system_clock() + 25_000
    await world.write("other", "Tere!")
    assert (await world.said("other", 2))[-1] == "Vastus."
