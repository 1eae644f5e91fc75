"""What moderation finds decides what is sent."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.openai_server import FakeOpenAI, fails, says
from tests.integration.hostile_support import (
    APIS,
    ScriptedModerator,
    _no_waiting,
    opened,
    question,
    server,
    settings,
)
from vestlus.assistant.moderation import NOTHING_FOUND, Finding
from vestlus.conversation.reply import Concern, Reply

__all__ = ["_no_waiting", "server"]


FLAGGED = Finding(flagged=True, emergency=False)
EMERGENCY = Finding(flagged=True, emergency=True)
FAILED = Finding(flagged=False, emergency=False, failed=True)


@pytest.mark.parametrize(
    ("findings", "failure", "concern"),
    [
        ([], "answer", None),
        ([FLAGGED], "answer", Concern.UNSAFE_MESSAGES),
        ([EMERGENCY], "answer", Concern.EMERGENCY),
        ([FAILED], "answer", None),
        ([FAILED], "hand_over", Concern.NOT_MODERATED),
        ([NOTHING_FOUND, FLAGGED], "answer", Concern.UNSAFE_ANSWER),
        ([NOTHING_FOUND, EMERGENCY], "answer", Concern.UNSAFE_ANSWER),
        ([NOTHING_FOUND, FAILED], "answer", None),
        ([NOTHING_FOUND, FAILED], "hand_over", Concern.NOT_MODERATED),
    ],
)
async def test_what_moderation_finds_decides_what_is_sent(
    server: FakeOpenAI, findings: list[Finding], failure: str, concern: Concern | None
) -> None:
    moderator = ScriptedModerator([*findings])
    configured = settings(server.url, moderation_failure=failure)
    async with opened(configured, moderator=moderator) as assistant:
        reply = await assistant.reply(question("Tere", "Millal?"))
    assert reply.concern == concern
    assert (reply.text == "") is (concern is not None)
    assert moderator.asked[0] == (("Tere", "Millal?"), ())
    if len(moderator.asked) > 1:
        assert moderator.asked[1] == (("Oleme avatud 10-18.",), ())


async def test_messages_are_moderated_while_the_model_works_and_a_concern_ends_its_work(
    server: FakeOpenAI,
) -> None:
    moderator = ScriptedModerator([EMERGENCY], gate=asyncio.Event())
    server.script.append(server.hangs)
    async with opened(settings(server.url), moderator=moderator) as assistant:
        task = asyncio.create_task(assistant.reply(question("Ma ei taha enam elada")))
        await asyncio.wait_for(server.hanging.wait(), 5)
        assert moderator.gate is not None
        moderator.gate.set()
        reply = await asyncio.wait_for(task, 5)
        assert reply == Reply(parts=(), concern=Concern.EMERGENCY)
        await asyncio.wait_for(server.disconnected.wait(), 5)


async def test_an_emergency_counts_also_when_the_model_fails(server: FakeOpenAI) -> None:
    server.script.append(fails(401))
    async with opened(settings(server.url), moderator=ScriptedModerator([EMERGENCY])) as assistant:
        reply = await assistant.reply(question("Ma ei taha enam elada"))
    assert reply.concern == Concern.EMERGENCY


async def test_an_answer_is_not_given_before_the_messages_are_moderated(
    server: FakeOpenAI,
) -> None:
    moderator = ScriptedModerator([FLAGGED], gate=asyncio.Event())
    async with opened(settings(server.url), moderator=moderator) as assistant:
        task = asyncio.create_task(assistant.reply(question()))
        async with asyncio.timeout(5):
            while len(moderator.asked) < 2:  # the second: of the answer, which is there
                await asyncio.sleep(0)
        assert not task.done()
        assert moderator.gate is not None
        moderator.gate.set()
        assert (await task).concern == Concern.UNSAFE_MESSAGES


async def test_moderation_gets_neither_masked_data_of_messages_nor_of_answers(
    server: FakeOpenAI,
) -> None:
    moderator = ScriptedModerator()
    server.script.append(says("Kas [email-1]?"))
    async with opened(settings(server.url, mask=["email"]), moderator=moderator) as assistant:
        reply = await assistant.reply(question("Olen mari@a.example"))
    assert reply.text == "Kas mari@a.example?"
    assert [texts for texts, _ in moderator.asked] == [("Olen [email-1]",), ("Kas [email-1]?",)]


@pytest.mark.parametrize("api", APIS)
async def test_cancelling_ends_moderation_and_request(server: FakeOpenAI, api: str) -> None:
    server.script.append(server.hangs)
    moderator = ScriptedModerator(gate=asyncio.Event())
    async with opened(settings(server.url, api), moderator=moderator) as assistant:
        task = asyncio.create_task(assistant.reply(question()))
        await asyncio.wait_for(server.hanging.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.disconnected.wait(), 5)
