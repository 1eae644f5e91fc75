"""The assistant through the real SDK, against a real HTTP server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.openai_server import FakeOpenAI, says, summary_json, writes
from tests.integration.assistant_support import (
    ACCOUNT,
    APIS,
    USER,
    _no_waiting,
    now_ms,
    opened,
    past,
    question,
    server,
    settings,
)
from vestlus.assistant.open import open_assistant
from vestlus.assistant.openai_client import Connections, OpenAIConnection
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import Reply, TextPart
from vestlus.errors import AssistantUnavailable, SettingsError
from vestlus.settings import Settings

__all__ = ["_no_waiting", "server"]


@pytest.mark.parametrize("api", APIS)
async def test_a_question_gets_the_model_s_reply(server: FakeOpenAI, api: str) -> None:
    server.script.append(says("Tere!", "Avame kell 9.", handover=True, note="Küsib aega."))
    async with opened(settings(server.url, api)) as assistant:
        reply = await assistant.reply(question("Mis kell te avate?"))
    parts = (TextPart("Tere!"), TextPart("Avame kell 9."))
    assert reply == Reply(parts=parts, handover=True, note="Küsib aega.", language="et")


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
    assert str(connection._opened().client.base_url) == "https://api.openai.com/v1/"
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


async def test_accounts_have_models_and_keys_of_their_own(server: FakeOpenAI) -> None:
    accounts = [
        {"id": ACCOUNT, "access_token": "t"},
        {"id": "2", "access_token": "t", "openai_api_key": "sk-two", "model": "model-two"},
        {"id": "3", "access_token": "t", "openai_api_key": "sk-two"},
    ]
    async with opened(settings(server.url, accounts=accounts)) as assistant:
        for account in (ACCOUNT, "2", "3"):
            server.script.extend([says("Tere!"), writes(summary_json("Tahab lauda."))])
            await assistant.reply(question(account=account))
            await assistant.summarise(past(account=account))
    sent = [
        (one.headers["Authorization"].removeprefix("Bearer "), one.body["model"])
        for one in server.received
    ]
    assert sent[::2] == sent[1::2]
    assert sent[::2] == [
        ("sk-test", "fake-model"),
        ("sk-two", "model-two"),
        ("sk-two", "fake-model"),
    ]


async def test_there_is_one_connection_for_each_key() -> None:
    connections = Connections(api_key="sk-test", base_url=None, clock=now_ms)
    made = Settings.model_validate(
        {
            "accounts": [
                {"id": "1", "access_token": "t"},
                {"id": "2", "access_token": "t", "openai_api_key": "sk-two"},
                {"id": "3", "access_token": "t", "openai_api_key": "sk-two"},
                {"id": "4", "access_token": "t", "openai_api_key": "sk-test"},
            ]
        }
    ).accounts
    of = [connections.of(account) for account in made]
    assert of[0] is of[3] is connections.of()
    assert of[1] is of[2] is not of[0]
    await connections.aclose()
    with pytest.raises(AssistantUnavailable, match=r"^closed$"):
        connections.of(made[0])
