"""The assistant through the real SDK, against a real HTTP server."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import stamina
from aiohttp import web
from structlog.testing import capture_logs

from image_bank.catalogue import Picture
from tests.fakes.openai_server import (
    Behaviour,
    FakeOpenAI,
    answers,
    cuts,
    cuts_midway,
    fails,
    reply_json,
    says,
    sends,
    summary_json,
    writes,
)
from vestlus.assistant.breaker import CIRCUIT_OPEN, FAILURES, OPEN_SECONDS
from vestlus.assistant.embeddings import VectorsInMemory
from vestlus.assistant.failures import AttemptFailed
from vestlus.assistant.knowledge import Passage, Passages
from vestlus.assistant.open import open_assistant
from vestlus.assistant.openai_client import Connections, OpenAIConnection
from vestlus.assistant.pictures import Offered, OfferedPicture
from vestlus.assistant.port import Assistant, Past, Question
from vestlus.assistant.retrying import MAX_ATTEMPTS, Retrying
from vestlus.assistant.rules import rules
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import PicturePart, Reply, TextPart
from vestlus.errors import AssistantError, AssistantInvalid, AssistantUnavailable, SettingsError
from vestlus.settings import Settings
from vestlus.settings_account import Account

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


@dataclass
class Bank:
    """Offers what it was made with."""

    offer: Offered
    asked: list[str] = field(default_factory=list)

    async def offered(self, account: Account, question_text: str, now_ms: int) -> Offered:
        assert account.id == ACCOUNT
        assert now_ms > 0
        self.asked.append(question_text)
        return self.offer


@dataclass
class Documents:
    """Has what it was made with, or fails."""

    found: Passages
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def passages(self, account: Account, query: str) -> Passages:
        assert account.id == ACCOUNT
        self.asked.append(query)
        if self.error:
            raise self.error
        return self.found


MENU = OfferedPicture("menu", "Päevamenüü", ("menüü",))
HALL = OfferedPicture("hall", "Saal")


@pytest.mark.parametrize("api", APIS)
async def test_a_picture_of_the_list_is_part_of_the_answer(server: FakeOpenAI, api: str) -> None:
    server.script.append(says("Palun:", pictures=["menu"]))
    bank = Bank(Offered((HALL, MENU), whole=True))
    async with opened(settings(server.url, api), pictures=bank) as assistant:
        reply = await assistant.reply(question("Näita menüüd"))
    assert reply.parts == (TextPart("Palun:"), PicturePart("menu"))
    listed = "<pictures>\nhall | Saal | \nmenu | Päevamenüü | menüü\n</pictures>"
    assert listed in prefix(server, api)
    assert bank.asked == ["Näita menüüd"]


def prefix(server: FakeOpenAI, api: str, index: int = 0) -> str:
    body = server.received[index].body
    return str(body["instructions"] if api == "responses" else body["messages"][0]["content"])


@pytest.mark.parametrize("api", APIS)
async def test_the_prefix_stays_the_same_while_everything_else_changes(
    server: FakeOpenAI, api: str
) -> None:
    bank = Bank(Offered((HALL, MENU), whole=True))
    documents = Documents(Passages((Passage("a.md", "Avatud 9-18"),), whole=True))
    configured = settings(server.url, api, account={"facts": ["Sadama 5"]})
    async with opened(configured, pictures=bank, knowledge=documents) as assistant:
        await assistant.reply(question("Tere"))
        history = (HistoryMessage(Role.USER, "Tere", 0), HistoryMessage(Role.ASSISTANT, "Tere!", 0))
        await assistant.reply(
            question(
                "Mis hind?",
                user="1",
                history=history,
                now_ms=1_772_452_980_000 + 86_400_000,
                summary="Tahab lauda.",
                pictures_sent=("menu",),
                language="et",
            )
        )
    one, other = server.received
    assert one.body["prompt_cache_key"] == other.body["prompt_cache_key"]
    if api == "responses":
        assert one.body["instructions"] == other.body["instructions"]
        assert list(one.body) == list(other.body)
    else:
        # What is the same stands before the first difference: the moment.
        same = one.body["messages"][0]["content"].partition("Now: ")[0]
        assert other.body["messages"][0]["content"].startswith(same)
    assert "</pictures>" in prefix(server, api)
    assert "Avatud 9-18" in prefix(server, api)
    assert "Sadama 5" in prefix(server, api)


async def test_what_was_found_for_the_question_is_told_after_the_history(
    server: FakeOpenAI,
) -> None:
    documents = Documents(Passages((Passage("hinnad.md", "Pilet 8 €"),), whole=False))
    bank = Bank(Offered((MENU,), whole=False))
    async with opened(settings(server.url), pictures=bank, knowledge=documents) as assistant:
        await assistant.reply(
            question("Mis hind?", summary="Tahab lauda.", pictures_sent=("hall",), language="et")
        )
    summary, moment, asked = server.received[0].body["input"]
    assert summary == {"role": "user", "content": "[Summary of earlier messages: Tahab lauda.]"}
    assert (moment["role"], asked["content"]) == ("developer", "Mis hind?")
    assert moment["content"].split("\n") == [
        "Now: Monday 2026-03-02 14:03 (Europe/Tallinn).",
        "Language of the conversation so far: et.",
        "Pictures already sent in this conversation: hall.",
        "<knowledge>",
        "[hinnad.md]",
        "Pilet 8 €",
        "</knowledge>",
        "<pictures>",
        "menu | Päevamenüü | menüü",
        "</pictures>",
    ]


async def test_everything_that_is_not_handed_in_is_made_from_the_settings(
    server: FakeOpenAI, tmp_path: Path
) -> None:
    (tmp_path / "hinnad.md").write_text("Pilet maksab 8 eurot.")

    class Shelf:
        async def sendable(self, account: str, today: date) -> tuple[Picture, ...]:
            assert (account, today) == (ACCOUNT, date(2026, 3, 2))
            return tuple(shelved(f"p{number:02}") for number in range(50))

    configured = settings(server.url, account={"knowledge": tmp_path})
    async with opened(configured, bank=Shelf(), store=VectorsInMemory()) as assistant:
        server.script.append(fails(404))  # the server has no embeddings: found by words instead
        await assistant.reply(question("Pilt p07"))
    asked, answered = server.received
    assert asked.path == "/embeddings"
    assert "[hinnad.md]\nPilet maksab 8 eurot." in answered.body["instructions"]
    (moment,) = (one for one in answered.body["input"] if one["role"] == "developer")
    assert "<pictures>\np07 | Pilt p07 | " in moment["content"]


async def test_users_words_are_searched_with_under_their_account_s_own_key(
    server: FakeOpenAI,
) -> None:
    class Shelf:
        async def sendable(self, account: str, today: date) -> tuple[Picture, ...]:
            del account, today
            return tuple(shelved(f"p{number:02}") for number in range(50))

    accounts = [
        {"id": ACCOUNT, "access_token": "t"},
        {"id": "2", "access_token": "t", "openai_api_key": "sk-two"},
        {"id": "3", "access_token": "t", "openai_api_key": "sk-two"},
    ]
    configured = settings(server.url, accounts=accounts)
    async with opened(configured, bank=Shelf()) as assistant:
        for account in ("2", ACCOUNT, "3", "2"):
            server.script.extend([embeds, embeds] if account == ACCOUNT else [fails(500)])
            await assistant.reply(question("Pilt p07", account=account))
    sent = [
        (one.headers["Authorization"].removeprefix("Bearer "), len(one.body["input"]))
        for one in server.received
        if one.path == "/embeddings"
    ]
    assert sent == [("sk-two", 1), ("sk-test", 1), ("sk-test", 50), ("sk-two", 1), ("sk-two", 1)]


async def embeds(request: web.Request) -> web.StreamResponse:
    texts = (await request.json())["input"]
    data = [{"index": at, "embedding": [1.0, len(text)]} for at, text in enumerate(texts)]
    return web.json_response({"data": data})


def shelved(name: str) -> Picture:
    return Picture(
        id=name,
        file="f.png",
        media_type="image/png",
        size=1,
        width=1,
        height=1,
        shows=f"Pilt {name}",
    )


async def test_documents_that_cannot_be_searched_are_not_taken_for_empty(
    server: FakeOpenAI,
) -> None:
    documents = Documents(Passages((), whole=False), error=AssistantUnavailable("timeout"))
    async with opened(settings(server.url), knowledge=documents) as assistant:
        with pytest.raises(AssistantUnavailable, match=r"^timeout$"):
            await assistant.reply(question())
    assert server.received == []


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


PHONE, EMAIL, CODE = "+372 5555 1234", "mari@example.ee", "37605030299"


@pytest.mark.parametrize("api", APIS)
async def test_masked_data_does_not_leave_and_comes_back_in_answer_and_note(
    server: FakeOpenAI, api: str
) -> None:
    def marks(body: str) -> Behaviour:
        return writes(reply_json(body, handover=True, note="Helistada [phone-1]"))

    server.script.append(marks("Kas [email-1], [phone-1] ja [personal-code-1] on õiged?"))
    documents = Documents(Passages((), whole=True))
    configured = settings(server.url, api, account={"mask": ["phone", "email", "personal_code"]})
    asked = question(
        f"Minu number on {PHONE} ja kood {CODE}",
        summary=f"E-post {EMAIL}.",
        history=(
            HistoryMessage(Role.USER, f"Olen {EMAIL}", 0),
            HistoryMessage(Role.ASSISTANT, f"Kas {PHONE}?", 0),
        ),
    )
    async with opened(configured, knowledge=documents) as assistant:
        reply = await assistant.reply(asked)
    assert reply.text == f"Kas {EMAIL}, {PHONE} ja {CODE} on õiged?"
    assert reply.note == f"Helistada {PHONE}"
    sent = json.dumps(server.received[0].body, ensure_ascii=False)
    for value in (PHONE, EMAIL, CODE):
        assert value not in sent
        assert value not in documents.asked[0]
    # The same data has the same mark wherever it stands.
    assert sent.count("[email-1]") == 2 + rules(configured.accounts[0]).count("[email-1]")
    assert "Kas [phone-1]?" in sent


async def test_without_masking_the_texts_are_sent_as_they_are(server: FakeOpenAI) -> None:
    async with opened(settings(server.url)) as assistant:
        await assistant.reply(question(f"Minu number on {PHONE}"))
    assert server.received[0].body["input"][-1]["content"] == f"Minu number on {PHONE}"


def past(**more: Any) -> Past:  # noqa: ANN401 - any field
    messages = (
        HistoryMessage(Role.USER, f"Tere, olen {EMAIL}", 0),
        HistoryMessage(Role.ASSISTANT, "Tere! Kuidas aidata?", 0),
    )
    values = {"account": ACCOUNT, "user": USER, "summary": "", "messages": messages}
    return Past(**(values | more))


@pytest.mark.parametrize("api", APIS)
async def test_a_past_is_summed_up_with_its_data_masked(server: FakeOpenAI, api: str) -> None:
    server.script.append(writes(summary_json("Kasutaja [email-1] tahab lauda.")))
    configured = settings(server.url, api, account={"mask": ["email"]})
    async with opened(configured) as assistant:
        summary = await assistant.summarise(past(summary=f"Kirjutas {EMAIL} kaudu."))
    assert summary == f"Kasutaja {EMAIL} tahab lauda."
    body = server.received[0].body
    assert EMAIL not in json.dumps(body)
    assert "Kirjutas [email-1] kaudu." in json.dumps(body)
    form = body["text"]["format"] if api == "responses" else body["response_format"]["json_schema"]
    assert form["name"] == "summary"
    assert body["safety_identifier"] != USER
    assert len(body["safety_identifier"]) == 64


async def test_a_summary_that_is_none_is_asked_for_once_more(server: FakeOpenAI) -> None:
    server.script.extend([writes("{"), writes(summary_json("Tahab lauda."))])
    async with opened(settings(server.url)) as assistant:
        assert await assistant.summarise(past()) == "Tahab lauda."
        server.script.extend([writes(summary_json(" ")), writes("x")])
        with pytest.raises(AssistantInvalid, match=r"^malformed_reply$"):
            await assistant.summarise(past())


async def test_a_summary_is_never_longer_than_its_limit(server: FakeOpenAI) -> None:
    server.script.append(writes(summary_json("Tahab lauda. " * 500)))
    async with opened(settings(server.url)) as assistant:
        assert len(await assistant.summarise(past())) <= 1_200


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
