"""Knowledge folders: embeddings of a real server, vectors kept in a real store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from vestlus.assistant.knowledge import LOOK_EVERY_MS, KnowledgeFolders, Passages
from vestlus.assistant.openai_client import Connections
from vestlus.assistant.searches import SearchByAccount
from vestlus.bus.port import Topology
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.simulator import Simulator, SimulatorConfig
from vestlus.store.open import open_store

TOPICS = {
    "ujula.md": "# Ujula\n\nUjula basseinis on kuus rada.",
    "parkimine.md": "# Parkimine\n\nParkimisluba maksab elanikule kakskümmend eurot.",
    "lasteaed.md": "# Lasteaed\n\nLasteaiakoha järjekord avaldatakse septembris.",
}
#: What makes the folder too large for a prompt.
FILLER = "\n\n".join(f"## Punkt {n}\n\nMäärus {n} " + "paragrahv lõige " * 30 for n in range(90))


@dataclass
class Clock:
    now: int = 1_780_000_000_000

    def __call__(self) -> int:
        return self.now


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


@pytest.fixture
def account(tmp_path: Path) -> Account:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for name, text in (TOPICS | {"maarus.md": FILLER}).items():
        (folder / name).write_text(text, "utf-8")
    return Account(id="1", access_token=SecretStr("t"), knowledge=folder)


@asynccontextmanager
async def opened(url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[KnowledgeFolders]:
    topology = Topology(inbox=1)
    connections = Connections(api_key="k", base_url=url, clock=clock)
    store = open_store(
        f"sqlite:///{tmp_path / 'store.sqlite'}",
        partitions=topology.inbox,
        outbox_partitions=topology.outbox,
    )
    async with store:
        searches = SearchByAccount(
            connections,
            model=Settings().embedding_model,
            kept=store,
            monotonic=time.monotonic,
        )
        folders = KnowledgeFolders(searches.of, clock)
        yield folders
        await folders.aclose()
        await searches.aclose()
    await connections.aclose()


def sources(found: Passages) -> list[str]:
    return [one.source for one in found.items]


async def test_a_large_folder_is_searched_and_its_vectors_outlive_the_process(
    simulator: Simulator, tmp_path: Path, account: Account
) -> None:
    clock = Clock()
    url = f"{simulator.url}/openai/v1"
    for start in (1, 2):
        async with opened(url, tmp_path, clock) as folders:
            with capture_logs() as logs:
                found = await folders.passages(account, "Mitu rada on ujula basseinis?")
        assert sources(found)[0] == "ujula.md", start
        assert found.items[0].text == "Ujula\nUjula basseinis on kuus rada."
        assert not found.whole
        assert [line["event"] for line in logs] == ["knowledge_read"]
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{simulator.url}/control/model-requests") as response,
    ):
        asked = (await response.json())["requests"]
    # The query and all pieces, then the query alone.
    assert [one["path"] for one in asked] == ["/embeddings"] * 3


async def test_a_changed_document_is_found_by_its_new_text(
    simulator: Simulator, tmp_path: Path, account: Account
) -> None:
    clock = Clock()
    async with opened(f"{simulator.url}/openai/v1", tmp_path, clock) as folders:
        before = await folders.passages(account, "Kas saun on olemas?")
        assert "ujula.md" not in sources(before)
        assert account.knowledge is not None
        (account.knowledge / "ujula.md").write_text("# Ujula\n\nUjulas on saun.")
        clock.now += LOOK_EVERY_MS
        after = await folders.passages(account, "Kas saun on olemas?")
        assert after.items[0].text == "Ujula\nUjulas on saun."


async def test_without_an_embedding_model_documents_are_found_by_words(
    tmp_path: Path, account: Account
) -> None:
    # Nothing listens on this port.
    async with opened("http://127.0.0.1:9/v1", tmp_path, Clock()) as folders:
        with capture_logs() as logs:
            first = await folders.passages(account, "lasteaiakoht")
            second = await folders.passages(account, "parkimisload")
    assert sources(first)[0] == "lasteaed.md"
    assert sources(second)[0] == "parkimine.md"
    events = [line["event"] for line in logs]
    assert events.count("search_by_words_instead") == 1
