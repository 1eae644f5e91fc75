"""Two assistants with one key, as in two actors, against the pretend model with a rate limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fakes.openai_server import FakeOpenAI, fails
from tests.integration.simulator_harness import Client, running_service, running_simulator
from vestlus.assistant.open import open_assistant
from vestlus.assistant.port import Assistant, Question
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.errors import AssistantUnavailable
from vestlus.settings import Settings

ACCOUNTS = ("17841400000000001", "17841400000000002")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running_service() as service, running_simulator(service, tmp_path) as running:
        yield running


def settings(url: str, path: str = "openai/v1") -> Settings:
    accounts = [{"id": account, "access_token": "t", "vision": False} for account in ACCOUNTS]
    values: dict[str, Any] = {
        "openai_api_key": "sk-test",
        "openai_base_url": f"{url}/{path}",
        "model": "simulator",
        "encryption_key": "k" * 32,
        "accounts": accounts,
    }
    return Settings.model_validate(values)


async def two(client: Client, stack: AsyncExitStack) -> list[Assistant]:
    """What two actors have that know of each other."""
    assistants = [
        open_assistant(
            settings(client.url), clock=lambda: time.time_ns() // 1_000_000, sharers=lambda: 2
        )
        for _ in range(2)
    ]
    for assistant in assistants:
        stack.push_async_callback(assistant.aclose)
    return assistants


async def ask(assistant: Assistant, number: int) -> str:
    message = HistoryMessage(Role.USER, f"Tere, {number}!", 0)
    question = Question(
        account=ACCOUNTS[number % 3 % 2],
        user=f"user {number}",
        history=(),
        messages=(message,),
        now_ms=1_772_452_980_000,
    )
    return (await assistant.reply(question)).text


async def refused(client: Client) -> int:
    return int((await client.control("model", {}))["rate_limit"]["refused"])


async def test_a_burst_of_three_times_the_limit_over_two_actors_is_answered_without_a_refusal(
    client: Client,
) -> None:
    limit = {"requests": 40, "seconds": 2}
    await client.control("model", {"rate_limit": limit, "latency_seconds": 0.05})
    async with AsyncExitStack() as stack:
        assistants = await two(client, stack)
        # The first answers tell of the limit; before, a burst of a slow machine may be too much.
        await asyncio.gather(*(ask(assistants[each % 2], each) for each in range(4)))
        answers = await asyncio.gather(*(ask(assistants[each % 2], each) for each in range(120)))
    assert all(answers)
    assert await refused(client) <= 1


async def test_when_the_limit_drops_midway_the_pace_drops_and_all_are_answered(
    client: Client,
) -> None:
    await client.control("model", {"rate_limit": {"requests": 400, "seconds": 2}})
    async with AsyncExitStack() as stack:
        assistants = await two(client, stack)
        before = [await ask(assistants[each % 2], each) for each in range(20)]
        await client.control("model", {"rate_limit": {"requests": 20, "seconds": 1}})
        # One call each tells them.
        before += [await ask(assistants[each], each) for each in range(2)]
        tasks = (ask(assistants[each % 2], each) for each in range(60))
        answers = await asyncio.gather(*tasks)
    assert all([*before, *answers])
    assert await refused(client) <= 1


async def test_a_limit_of_tokens_is_kept_too(client: Client) -> None:
    await client.control("model", {"rate_limit": {"tokens": 80_000, "seconds": 1}})
    async with AsyncExitStack() as stack:
        assistants = await two(client, stack)
        await asyncio.gather(*(ask(assistants[each % 2], each) for each in range(2)))
        answers = await asyncio.gather(*(ask(assistants[each % 2], each) for each in range(60)))
    assert all(answers)
    assert await refused(client) <= 1


async def test_a_quota_that_is_used_up_is_no_rate_limit_and_pauses_nobody() -> None:
    async with FakeOpenAI() as server, AsyncExitStack() as stack:
        configured = settings(server.url.removesuffix("/v1"), path="v1")
        assistant = open_assistant(configured, clock=lambda: 0)
        stack.push_async_callback(assistant.aclose)
        server.script.append(fails(429, code="insufficient_quota", retry_after="30"))
        with pytest.raises(AssistantUnavailable, match="quota"):
            await ask(assistant, 1)
        async with asyncio.timeout(20):
            assert await ask(assistant, 2)


async def test_after_a_refusal_for_the_rate_others_are_not_sent_before_the_time_it_said() -> None:
    async with FakeOpenAI() as server, AsyncExitStack() as stack:
        configured = settings(server.url.removesuffix("/v1"), path="v1")
        assistant = open_assistant(configured, clock=lambda: 0)
        stack.push_async_callback(assistant.aclose)
        server.script.append(fails(429, code="rate_limit_exceeded", retry_after="1.5"))
        first = asyncio.create_task(ask(assistant, 1))
        began = time.monotonic()
        async with asyncio.timeout(20):
            with capture_logs() as logs:
                while not any(entry["event"] == "model_request_failed" for entry in logs):
                    await asyncio.sleep(0.01)
            assert await ask(assistant, 2)
            waited = time.monotonic() - began
            assert await first
    assert waited > 1.5
