"""Pictures' vectors are made when pictures are added."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.fakes.bank import MemoryBank
from tests.fakes.openai_server import FakeOpenAI, sends
from vestlus.assistant.picture_vectors import keep_picture_vectors
from vestlus.clock import system_clock
from vestlus.settings import Settings
from vestlus.simulator.config import SimulatorConfig
from vestlus.simulator.server import Simulator


@dataclass(frozen=True)
class Picture:
    id: str
    shows: str
    alt: str = ""
    tags: tuple[str, ...] = ()


PICTURES = (Picture("map", "Where we are"), Picture("menu", "The menu of the day"))


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    config = SimulatorConfig(
        data=tmp_path / "simulator.sqlite",
        webhook_url="http://127.0.0.1:9/webhook",
        app_secret="s",
        access_token="t",
        account_ids=("1",),
    )
    async with Simulator(config) as running:
        yield running


EMBEDDINGS = json.dumps(
    {"data": [{"index": at, "embedding": [1.0, at]} for at in range(len(PICTURES))]}
).encode()


def settings(base_url: str | None) -> Settings:
    key = SecretStr("k") if base_url else None
    return Settings(openai_base_url=base_url, openai_api_key=key)


async def test_each_picture_s_vector_is_made_once_and_kept(simulator: Simulator) -> None:
    bank, made = MemoryBank(), settings(f"{simulator.url}/openai/v1")
    assert await keep_picture_vectors(made, bank, PICTURES, system_clock) == 2
    # Nobody is asked the second time.
    nobody = settings("http://127.0.0.1:9/v1")
    assert await keep_picture_vectors(nobody, bank, PICTURES, system_clock) == 2


async def test_without_a_model_there_are_none_and_nothing_fails() -> None:
    assert await keep_picture_vectors(settings(None), MemoryBank(), PICTURES, system_clock) == 0


async def test_a_dead_server_stops_nobody_from_adding() -> None:
    made = settings("http://127.0.0.1:9/v1")
    assert await keep_picture_vectors(made, MemoryBank(), PICTURES, system_clock) == 0


async def test_where_only_accounts_have_keys_the_first_of_them_pays(simulator: Simulator) -> None:
    accounts = [
        {"id": "1", "access_token": "t"},
        {"id": "2", "access_token": "t", "openai_api_key": "sk-two"},
        {"id": "3", "access_token": "t", "openai_api_key": "sk-three"},
    ]
    async with FakeOpenAI(sends(EMBEDDINGS)) as server:
        made = Settings.model_validate({"openai_base_url": server.url, "accounts": accounts})
        assert await keep_picture_vectors(made, MemoryBank(), PICTURES, system_clock) == 2
    (request,) = server.received
    assert request.headers["Authorization"] == "Bearer sk-two"
