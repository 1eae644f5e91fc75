"""The assistant while its model's server fails, hangs or refuses."""

from __future__ import annotations

import asyncio
import time
import traceback

import pytest
import stamina
from structlog.testing import capture_logs

from tests.fakes.openai_server import (
    Behaviour,
    FakeOpenAI,
    answers,
    cuts,
    cuts_midway,
    fails,
    reply_json,
    sends,
    writes,
)
from tests.integration.assistant_support import (
    ACCOUNT,
    APIS,
    _no_waiting,
    impatiently,
    now_ms,
    opened,
    question,
    server,
    settings,
)
from vestlus.assistant.breaker import CIRCUIT_OPEN, FAILURES, OPEN_SECONDS
from vestlus.assistant.failures import AttemptFailed
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.errors import AssistantError, AssistantInvalid, AssistantUnavailable

__all__ = ["_no_waiting", "server"]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "trouble",
    [
        fails(429, code="rate_limit_exceeded", Retry_After="1"),
        fails(500),
        fails(503, Retry_After="1"),
        fails(409),
        fails(408),
        cuts,
        cuts_midway,
        sends(b"<html>busy</html>", content_type="text/html"),
        sends(b'{"output": [], "choices": []}'),
        writes("not the JSON that was asked for"),
        writes(reply_json("  ")),
    ],
)
async def test_trouble_that_passes_costs_no_answer(
    server: FakeOpenAI, api: str, trouble: Behaviour
) -> None:
    server.script.append(trouble)
    async with opened(settings(server.url, api)) as assistant:
        assert (await assistant.reply(question())).text == "Tere!"
    assert len(server.received) == 2


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("trouble", "error", "requests"),
    [
        (fails(500), AssistantUnavailable("server_error"), 4),
        (cuts, AssistantUnavailable("connection"), 4),
        (cuts_midway, AssistantUnavailable("connection"), 4),
        (fails(429, Retry_After="300"), AssistantUnavailable("rate_limited"), 1),
        (fails(429, code="insufficient_quota"), AssistantUnavailable("quota"), 1),
        (fails(401), AssistantUnavailable("model_not_configured"), 1),
        (fails(403), AssistantUnavailable("model_not_configured"), 1),
        (fails(404, code="model_not_found"), AssistantUnavailable("model_not_configured"), 1),
        (fails(400, code="context_length_exceeded"), AssistantInvalid("context_length"), 1),
        (fails(400), AssistantInvalid("bad_request"), 1),
        (sends(b"garbage"), AssistantInvalid("malformed_response"), 2),
        (sends(b"\xff\x00"), AssistantInvalid("malformed_response"), 2),
        (writes("{"), AssistantInvalid("malformed_reply"), 2),
        (writes(reply_json()), AssistantInvalid("no_parts"), 2),
        (writes(reply_json("a" * 9_000)), AssistantInvalid("too_long"), 2),
    ],
)
async def test_trouble_that_stays_is_raised_with_its_reason(
    server: FakeOpenAI,
    api: str,
    trouble: Behaviour,
    error: AssistantError,
    requests: int,
) -> None:
    server.script.extend([trouble] * 9)
    async with opened(settings(server.url, api)) as assistant:
        with pytest.raises(type(error)) as raised:
            await assistant.reply(question())
    assert raised.value.reason == error.reason
    assert len(server.received) == requests


async def test_no_server_at_all_is_a_connection_error() -> None:
    async with opened(settings("http://127.0.0.1:9/v1")) as assistant:
        with pytest.raises(AssistantUnavailable, match=r"^connection$"):
            await assistant.reply(question())


@pytest.mark.parametrize("url", ["http://", "http://[::1/v1", "http://a b/v1", "x"])
async def test_a_bad_address_is_unavailable_and_not_a_crash(url: str) -> None:
    connection = OpenAIConnection(api_key="k", base_url=url, clock=now_ms)
    with pytest.raises(AttemptFailed) as raised:
        await connection.post("/responses", {}, optional=frozenset())
    await connection.aclose()
    assert isinstance(raised.value.error, AssistantUnavailable)


async def test_retry_after_is_waited_for(server: FakeOpenAI) -> None:
    server.script.append(fails(429, Retry_After_Ms="300"))
    async with opened(settings(server.url)) as assistant:
        with stamina.set_testing(False):
            begun = time.monotonic()
            assert (await assistant.reply(question())).text == "Tere!"
    assert 0.3 <= time.monotonic() - begun < 5


async def test_a_server_that_hangs_is_given_up(server: FakeOpenAI) -> None:
    server.script.append(server.hangs)
    async with opened(settings(server.url), retrying=impatiently()) as assistant:
        assert (await assistant.reply(question())).text == "Tere!"
        await asyncio.wait_for(server.disconnected.wait(), 5)


async def test_a_server_that_sends_a_byte_now_and_then_is_given_up(server: FakeOpenAI) -> None:
    server.script.append(server.trickles)
    async with opened(settings(server.url), retrying=impatiently()) as assistant:
        assert (await assistant.reply(question())).text == "Tere!"
        await asyncio.wait_for(server.disconnected.wait(), 5)


@pytest.mark.parametrize("api", APIS)
async def test_cancelling_aborts_the_request(server: FakeOpenAI, api: str) -> None:
    server.script.append(server.hangs)
    async with opened(settings(server.url, api)) as assistant:
        task = asyncio.create_task(assistant.reply(question()))
        await asyncio.wait_for(server.hanging.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.disconnected.wait(), 5)
        assert (await assistant.reply(question())).text == "Tere!"
    assert len(server.received) == 2


async def test_a_field_that_the_server_rejects_is_left_out_from_then_on(
    server: FakeOpenAI,
) -> None:
    server.script.extend(
        [
            fails(400, message="property 'store' is unsupported"),
            fails(400, message="Unrecognized request argument supplied: max_completion_tokens"),
        ]
    )
    with capture_logs() as logs:
        async with opened(settings(server.url, "chat")) as assistant:
            assert (await assistant.reply(question())).text == "Tere!"
            assert (await assistant.reply(question())).text == "Tere!"
    assert len(server.received) == 4
    for received in server.received[2:]:
        assert "store" not in received.body
        assert "max_completion_tokens" not in received.body
        assert received.body["max_tokens"] >= 1000
        assert "safety_identifier" in received.body
    assert [log["event"] for log in logs] == ["model_server_lacks_fields"] * 2


async def test_fields_that_one_model_lacks_are_still_sent_to_another(server: FakeOpenAI) -> None:
    other = {"id": "2", "access_token": "t", "model": "other-model"}
    mine = {"id": ACCOUNT, "access_token": "t"}
    server.script.append(fails(400, message="property 'store' is unsupported"))
    async with opened(settings(server.url, accounts=[mine, other])) as assistant:
        await assistant.reply(question())
        await assistant.reply(question(account="2"))
    assert "store" not in server.received[1].body
    assert server.received[2].body["store"] is False


async def test_a_server_that_rejects_everything_is_not_asked_for_ever(server: FakeOpenAI) -> None:
    fields = ("store", "prompt_cache_key", "safety_identifier", "store", "store")
    server.script.extend([fails(400, message=f"unknown parameter: '{one}'") for one in fields])
    async with opened(settings(server.url)) as assistant:
        with pytest.raises(AssistantInvalid, match=r"^bad_request$"):
            await assistant.reply(question())
    assert len(server.received) == 4


async def test_a_server_that_is_down_is_not_asked_by_everybody(server: FakeOpenAI) -> None:
    server.script.extend([fails(401)] * 99)
    now = 0.0
    async with opened(settings(server.url), monotonic=lambda: now) as assistant:
        for _ in range(FAILURES):
            with pytest.raises(AssistantUnavailable, match=r"^model_not_configured$"):
                await assistant.reply(question())
        asked = len(server.received)
        with pytest.raises(AssistantUnavailable, match=rf"^{CIRCUIT_OPEN}$"):
            await assistant.reply(question())
        assert len(server.received) == asked
        server.script.clear()
        now += OPEN_SECONDS
        assert (await assistant.reply(question())).text == "Tere!"


async def test_one_account_s_trouble_does_not_silence_the_others(server: FakeOpenAI) -> None:
    accounts = [
        {"id": ACCOUNT, "access_token": "t"},
        {"id": "2", "access_token": "t", "model": "misspelt"},
    ]
    server.script.extend([fails(404)] * FAILURES)
    async with opened(settings(server.url, accounts=accounts)) as assistant:
        for _ in range(FAILURES):
            with pytest.raises(AssistantUnavailable):
                await assistant.reply(question(account="2"))
        with pytest.raises(AssistantUnavailable, match=rf"^{CIRCUIT_OPEN}$"):
            await assistant.reply(question(account="2"))
        assert (await assistant.reply(question())).text == "Tere!"


async def test_nothing_that_a_user_wrote_gets_into_errors_or_logs(server: FakeOpenAI) -> None:
    secret = "salaDUS".upper()  # whole only at run time: tracebacks show source lines
    echo = {"error": {"message": f"bad input: {secret}"}, "detail": [{"input": secret}]}
    server.script.extend([answers(echo, 422), writes(secret), writes(secret)])
    async with opened(settings(server.url)) as assistant:
        for _ in range(2):
            with capture_logs() as logs, pytest.raises(AssistantInvalid) as raised:
                await assistant.reply(question(secret))
            assert secret not in "".join(traceback.format_exception(raised.value))
            assert secret not in repr(logs)
    assert server.received[0].body["input"][-1]["content"] == secret
