"""A provider's filter that refuses a conversation for what was said before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from tests.fakes.openai_server import FakeOpenAI, fails, refuses, says, writes
from tests.integration.hostile_support import (
    APIS,
    ScriptedModerator,
    _no_waiting,
    opened,
    question,
    server,
    settings,
)
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import Concern
from vestlus.errors import AssistantInvalid, AssistantRefused, AssistantUnavailable

__all__ = ["_no_waiting", "server"]

FILTERED = fails(400, code="content_filter")
OPEN = "Oleme avatud 10-18."
ASKED = "When are you open on Monday?"


async def filtering(request: web.Request) -> web.StreamResponse:
    """Refuses every prompt that holds the word, as Azure OpenAI's filter does."""
    behave = FILTERED if "VILE" in await request.text() else says(OPEN)
    return await behave(request)


def past(*texts: str) -> tuple[HistoryMessage, ...]:
    return tuple(HistoryMessage(Role.USER, text, at) for at, text in enumerate(texts))


def sent(server: FakeOpenAI, index: int = -1) -> str:
    body: dict[str, Any] = server.received[index].body
    return json.dumps(body, ensure_ascii=False)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("moderation", ["provider", "auto", "off"])
async def test_one_bad_message_does_not_have_the_next_ones_refused(
    api: str, moderation: str
) -> None:
    async with (
        FakeOpenAI(filtering) as server,
        opened(settings(server.url, api, moderation=moderation)) as assistant,
    ):
        history = past("VILE words", "I cannot answer that.")
        for turn in range(24):
            at = 10 + turn
            words = f"{ASKED} {turn}"
            reply = await assistant.reply(question(words, history=history[-40:]))
            assert (reply.text, reply.concern) == (OPEN, None)
            history += (HistoryMessage(Role.USER, words, at),)
            history += (HistoryMessage(Role.ASSISTANT, OPEN, at),)
        # Only the first one was asked twice, and the later ones know what was said since.
        assert len(server.received) == 25
        assert f"{ASKED} 22" in sent(server)
        assert "VILE" not in sent(server)


async def test_what_is_refused_by_itself_is_found_in_the_messages() -> None:
    async with (
        FakeOpenAI(filtering) as server,
        opened(settings(server.url, moderation="provider")) as assistant,
    ):
        reply = await assistant.reply(question("VILE words", history=past("Tere")))
        assert reply.concern == Concern.UNSAFE_MESSAGES
        assert len(server.received) == 2


async def test_a_refused_summary_is_left_out_too() -> None:
    async with (
        FakeOpenAI(filtering) as server,
        opened(settings(server.url, moderation="provider")) as assistant,
    ):
        reply = await assistant.reply(question(ASKED, summary="Said VILE things."))
        assert reply.text == OPEN


async def test_a_past_that_is_refused_again_is_left_out_again() -> None:
    async with (
        FakeOpenAI(filtering) as server,
        opened(settings(server.url, moderation="provider")) as assistant,
    ):
        history = past("VILE words", "No.")
        await assistant.reply(question(ASKED, history=history))
        history = past("VILE words", "No.", ASKED, OPEN, "VILER words", "No.")
        for _ in range(2):
            reply = await assistant.reply(question(ASKED, history=history))
            assert reply.text == OPEN
        assert len(server.received) == 2 + 2 + 1


async def test_a_model_s_own_refusal_is_not_remembered(server: FakeOpenAI) -> None:
    async with opened(settings(server.url, moderation="provider")) as assistant:
        server.script.append(refuses())
        for _ in range(2):
            assert (await assistant.reply(question(ASKED, history=past("Tere")))).text == OPEN
    assert ["Tere" in sent(server, index) for index in range(3)] == [True, False, True]


async def test_messages_are_asked_alone_also_after_an_answer_that_could_not_be_used(
    server: FakeOpenAI,
) -> None:
    server.script.extend([writes("{"), FILTERED])
    async with opened(settings(server.url, moderation="provider")) as assistant:
        assert (await assistant.reply(question(ASKED, history=past("Tere")))).text == OPEN
    assert len(server.received) == 3


async def test_a_refusal_after_which_nothing_more_is_asked_is_not_of_the_messages(
    server: FakeOpenAI,
) -> None:
    server.script.extend([fails(500), fails(500), fails(500), FILTERED])
    async with opened(settings(server.url, moderation="provider")) as assistant:
        with pytest.raises(AssistantRefused, match=r"^content_filter$"):
            await assistant.reply(question(ASKED, history=past("Tere")))
        server.script.extend([FILTERED, fails(401)])
        with pytest.raises(AssistantUnavailable):
            await assistant.reply(question(ASKED, history=past("Tere")))


async def test_another_moderator_s_account_gets_an_error_for_messages_that_are_refused() -> None:
    async with (
        FakeOpenAI(filtering) as server,
        opened(
            settings(server.url, moderation="openai"), moderator=ScriptedModerator()
        ) as assistant,
    ):
        with pytest.raises(AssistantInvalid, match=r"^content_filter$"):
            await assistant.reply(question("VILE words", history=past("Tere")))
        assert (await assistant.reply(question(ASKED, history=past("VILE words")))).text == OPEN
