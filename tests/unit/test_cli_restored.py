"""``vestlus restored`` says what it found, and refuses beside a service."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.contract.store_support import ANNA
from vestlus.cli.restored import restored
from vestlus.store.in_use import StoreInUse
from vestlus.store.open import open_store
from vestlus.store.rows import Member

PARTITIONS, OUTBOX_PARTITIONS = 16, 4


@pytest.fixture
def store_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty store, which the settings name."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    monkeypatch.setenv("VESTLUS_DATABASE_URL", url)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path))
    return url


def noted(url: str, *members: Member) -> int:
    """When the store says that it was restored; members sign in before that."""

    async def work() -> int:
        async with open_store(
            url, partitions=PARTITIONS, outbox_partitions=OUTBOX_PARTITIONS
        ) as store:
            for one in members:
                await store.heartbeat(one)
            return await store.restored()

    return asyncio.run(work())


def test_it_says_what_is_looked_for_and_notes_the_time(
    store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert noted(store_url) == 0
    restored(as_json=True)
    assert json.loads(capsys.readouterr().out) == {"sends": 0, "posts": 0, "occurrences": 0}
    restored()
    assert "Now start the service" in capsys.readouterr().out
    assert noted(store_url) > 0


def test_it_refuses_beside_a_service(store_url: str) -> None:
    noted(store_url, ANNA)
    with pytest.raises(StoreInUse, match=ANNA.id):
        restored()
    assert noted(store_url) == 0
