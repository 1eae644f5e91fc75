"""The assistant through the real SDK, against a real HTTP server."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

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
    output_message,
    reply_json,
    response_object,
    says,
    sends,
    writes,
)
from vestlus.assistant.failures import AttemptFailed
from vestlus.assistant.open import open_assistant
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.assistant.port import Assistant, Question
from vestlus.assistant.retrying import MAX_ATTEMPTS, Retrying
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import Reply, TextPart
from vestlus.errors import AssistantError, AssistantInvalid, AssistantUnavailable, SettingsError
from vestlus.settings import Settings

ACCOUNT = "17841400000000001"
USER = "9876543210987654"
APIS = ("responses", "chat")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def settings(url: str, api: str = "responses", **more: Any) -> Settings:  # noqa: ANN401 - any setting
    account = {"id": ACCOUNT, "access_token": "t", "persona": more.pop("persona", None)}
    values = {
        "openai_api_key": "sk-test",
        "openai_base_url": url,
        "openai_api": api,
        "model": "fake-model",
        "encryption_key": "k" * 32,
        "accounts": [account | more.pop("account", {})],
    }
    return Settings.model_validate(values | more)


def question(*texts: str, **more: Any) -> Question:  # noqa: ANN401 - any field
    messages = tuple(HistoryMessage(Role.USER, text, 0) for text in texts or ("Tere",))
    values = {"account": ACCOUNT, "user": USER, "history": (), "messages": messages}
    return Question(**({"now_ms": 1_772_452_980_000} | values | more))


def impatiently() -> Retrying:
    return Retrying(Random(0), attempt_seconds=0.2)  # noqa: S311 - no secret


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=MAX_ATTEMPTS, cap=True):
        yield


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as running:
        yield running


@asynccontextmanager
async def opened(configured: Settings, **more: Any) -> AsyncIterator[Assistant]:  # noqa: ANN401
    assistant = open_assistant(configured, clock=now_ms, **more)
    try:
        yield assistant
    finally:
        await assistant.aclose()


@pytest.mark.parametrize("api", APIS)
async def test_a_question_gets_the_model_s_reply(server: FakeOpenAI, api: str) -> None:
    server.script.append(says("Tere!", "Avame kell 9.", handover=True))
    async with opened(settings(server.url, api)) as assistant:
        reply = await assistant.reply(question("Mis kell te avate?"))
    assert reply == Reply((TextPart("Tere!"), TextPart("Avame kell 9.")), handover=True)


async def test_the_responses_request_says_all_that_it_has_to(
    server: FakeOpenAI, tmp_path: Path
) -> None:
    persona = tmp_path / "kohvik.md"
    persona.write_text("Avatud 9-18.")
    history = (
        HistoryMessage(Role.USER, "Tere", 0),
        HistoryMessage(Role.ASSISTANT, "Tere! Kuidas aidata?", 0),
    )
    async with opened(settings(server.url, persona=persona)) as assistant:
        await assistant.reply(question("Mis kell te", "avate?", history=history))
    (received,) = server.received
    body = received.body
    assert received.path == "/responses"
    assert received.headers["Authorization"] == "Bearer sk-test"
    assert body["model"] == "fake-model"
    assert body["store"] is False
    assert body["max_output_tokens"] >= 1000
    assert body["text"]["format"]["type"] == "json_schema"
    assert body["text"]["format"]["strict"] is True
    assert "<persona>\nAvatud 9-18.\n</persona>" in body["instructions"]
    assert [(item["role"], item["content"]) for item in body["input"]] == [
        ("user", "Tere"),
        ("assistant", "Tere! Kuidas aidata?"),
        ("developer", "Now: Monday 2026-03-02 14:03 (Europe/Tallinn)."),
        ("user", "Mis kell te"),
        ("user", "avate?"),
    ]
    assert body["prompt_cache_key"].startswith(ACCOUNT)


async def test_the_chat_request_says_the_same(server: FakeOpenAI) -> None:
    async with opened(settings(server.url, "chat")) as assistant:
        await assistant.reply(question("Tere"))
    (received,) = server.received
    body = received.body
    assert received.path == "/chat/completions"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "<persona>" in body["messages"][0]["content"]
    assert body["messages"][0]["content"].endswith("(Europe/Tallinn).")
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["max_completion_tokens"] >= 1000
    assert body["store"] is False
    assert body["prompt_cache_key"].startswith(ACCOUNT)


@pytest.mark.parametrize("api", APIS)
async def test_the_user_is_known_by_a_pseudonym_only(server: FakeOpenAI, api: str) -> None:
    async with opened(settings(server.url, api)) as assistant:
        await assistant.reply(question())
        await assistant.reply(question())
        await assistant.reply(question(user="1"))
    async with opened(settings(server.url, api, encryption_key="x" * 32)) as assistant:
        await assistant.reply(question())
    names = [received.body["safety_identifier"] for received in server.received]
    assert names[0] == names[1]
    assert len({*names}) == 3
    assert all(len(name) == 64 for name in names)
    assert USER not in str([(received.headers, received.body) for received in server.received])


async def test_a_persona_changed_on_disk_is_in_a_later_prompt(
    server: FakeOpenAI, tmp_path: Path
) -> None:
    now = 0

    def clock() -> int:
        return now

    persona = tmp_path / "kohvik.md"
    persona.write_text("Avatud 9-18.")
    assistant = open_assistant(settings(server.url, persona=persona), clock=clock)
    await assistant.reply(question())
    persona.write_text("Avatud 10-19.")
    now += 1_000
    await assistant.reply(question())
    await assistant.aclose()
    told = [received.body["instructions"] for received in server.received]
    assert "Avatud 9-18." in told[0]
    assert "Avatud 10-19." in told[1]


async def test_history_is_held_to_the_token_budget(server: FakeOpenAI) -> None:
    history = tuple(HistoryMessage(Role.USER, f"{n:04}" * 25, 0) for n in range(100))
    async with opened(settings(server.url), history_tokens=500) as assistant:
        await assistant.reply(question("Tere", history=history))
    items = server.received[0].body["input"]
    assert 5 <= len(items) <= 15
    assert items[-3]["content"] == "0099" * 25
    assert items[-1]["content"] == "Tere"


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


async def test_a_refusal_is_not_argued_with(server: FakeOpenAI) -> None:
    refusal = {"type": "refusal", "refusal": "I can't help with that."}
    item = {**output_message(""), "content": [refusal]}
    server.script.append(answers(response_object([item])))
    async with opened(settings(server.url)) as assistant:
        with pytest.raises(AssistantInvalid, match=r"^refusal$"):
            await assistant.reply(question())
    assert len(server.received) == 1


async def test_an_answer_cut_off_is_asked_for_once_more(server: FakeOpenAI) -> None:
    cut = answers(
        response_object(
            [output_message('{"parts": [{"type": "te', status="incomplete")],
            status="incomplete",
            incomplete_details={"reason": "max_output_tokens"},
        )
    )
    server.script.extend([cut, cut])
    async with opened(settings(server.url)) as assistant:
        with pytest.raises(AssistantInvalid, match=r"^truncated$"):
            await assistant.reply(question())
    assert len(server.received) == 2


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


async def test_a_server_that_rejects_everything_is_not_asked_for_ever(server: FakeOpenAI) -> None:
    fields = ("store", "prompt_cache_key", "safety_identifier", "store", "store")
    server.script.extend([fails(400, message=f"unknown parameter: '{one}'") for one in fields])
    async with opened(settings(server.url)) as assistant:
        with pytest.raises(AssistantInvalid, match=r"^bad_request$"):
            await assistant.reply(question())
    assert len(server.received) == 4


async def test_answers_run_side_by_side_over_kept_connections(server: FakeOpenAI) -> None:
    async with opened(settings(server.url)) as assistant:
        replies = await asyncio.gather(
            *(assistant.reply(question(user=f"{n}")) for n in range(100))
        )
    assert [reply.text for reply in replies] == ["Tere!"] * 100
    assert len(server.received) == 100


async def test_without_a_key_a_compatible_server_is_asked_all_the_same(
    server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    async with opened(settings(server.url, openai_api_key=None)) as assistant:
        await assistant.reply(question())
    assert "somebody" not in str(server.received[0].headers)


async def test_an_address_or_admin_key_of_the_environment_is_not_used(
    server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    async with opened(settings(server.url)) as assistant:
        await assistant.reply(question())
    assert server.received[0].headers["Authorization"] == "Bearer sk-test"
    assert "sk-admin" not in str(server.received[0].headers)


async def test_without_an_address_openai_is_asked_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    connection = OpenAIConnection(api_key="k", base_url=None, clock=now_ms)
    assert str(connection._opened().base_url) == "https://api.openai.com/v1/"
    await connection.aclose()


async def test_an_account_that_is_not_ours_is_not_answered_for(server: FakeOpenAI) -> None:
    async with opened(settings(server.url)) as assistant:
        with pytest.raises(AssistantUnavailable, match=r"^account_unknown$"):
            await assistant.reply(question(account="1"))
    assert server.received == []


async def test_closing_twice_is_safe_and_questions_are_refused_afterwards(
    server: FakeOpenAI,
) -> None:
    assistant = open_assistant(settings(server.url), clock=now_ms)
    await assistant.reply(question())
    await assistant.aclose()
    await assistant.aclose()
    with pytest.raises(AssistantUnavailable, match=r"^closed$"):
        await assistant.reply(question())


async def test_closing_before_the_first_question_is_safe() -> None:
    assistant = open_assistant(settings("http://127.0.0.1:9/v1"), clock=now_ms)
    await assistant.aclose()


def test_a_missing_encryption_key_is_named_at_the_start() -> None:
    configured = settings("http://127.0.0.1:9/v1", encryption_key=None)
    with pytest.raises(SettingsError, match="VESTLUS_ENCRYPTION_KEY"):
        open_assistant(configured, clock=now_ms)


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
