"""The assistant's integration tests share these: settings, questions, a server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
import stamina

from tests.fakes.openai_server import FakeOpenAI
from vestlus.assistant.knowledge import Passages
from vestlus.assistant.open import open_assistant
from vestlus.assistant.port import Assistant, Past, Question
from vestlus.assistant.retrying import MAX_ATTEMPTS, Retrying
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.settings import Settings
from vestlus.settings_account import Account

ACCOUNT = "17841400000000001"
USER = "9876543210987654"
APIS = ("responses", "chat")
PHONE, EMAIL, CODE = "+372 5555 1234", "mari@example.ee", "37605030299"


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


def prefix(server: FakeOpenAI, api: str, index: int = 0) -> str:
    body = server.received[index].body
    return str(body["instructions"] if api == "responses" else body["messages"][0]["content"])


def past(**more: Any) -> Past:  # noqa: ANN401 - any field
    messages = (
        HistoryMessage(Role.USER, f"Tere, olen {EMAIL}", 0),
        HistoryMessage(Role.ASSISTANT, "Tere! Kuidas aidata?", 0),
    )
    values = {"account": ACCOUNT, "user": USER, "summary": "", "messages": messages}
    return Past(**(values | more))
