"""``vestlus repartition``: what it says, and when it refuses."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue, Topology
from vestlus.cli.repartition import CannotRepartition, repartition
from vestlus.settings import Mode, load_settings
from vestlus.store.open import open_store


@pytest.fixture(autouse=True)
def stopped_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that ran once, with four partitions."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "BUS_URL", "DATABASE_URL"):
        monkeypatch.delenv(f"VESTLUS_{name}", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("VESTLUS_PARTITIONS", "4")
    (tmp_path / "var").mkdir()

    async def run_once() -> None:
        settings = load_settings(mode=Mode.OPERATE)
        async with open_store(settings.database, partitions=4, outbox_partitions=4):
            pass

    asyncio.run(run_once())


def test_it_says_what_is_to_be_done_next(capsys: pytest.CaptureFixture[str]) -> None:
    repartition(8)

    said = capsys.readouterr().out
    assert "0 conversations and 0 waiting events moved" in said
    assert "set VESTLUS_PARTITIONS=8 everywhere" in said


def test_programs_get_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repartition(8, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "partitions": 8,
        "before": 4,
        "conversations_moved": 0,
        "events_moved": 0,
    }
    monkeypatch.setenv("VESTLUS_PARTITIONS", "8")
    repartition(4, as_json=True)
    assert json.loads(capsys.readouterr().out)["before"] == 8


@pytest.mark.parametrize("number", [0, -1, 1025, 4])
def test_a_number_that_makes_no_sense_is_refused(number: int) -> None:
    with pytest.raises(CannotRepartition, match="set it back" if number == 4 else "1 to 1024"):
        repartition(number)


def test_it_refuses_while_messages_wait() -> None:
    async def publish() -> None:
        settings = load_settings(mode=Mode.OPERATE)
        async with open_bus(settings.bus, Topology(inbox=4)) as bus:
            await bus.publish(Queue.INBOX, 2, [b"{}", b"{}"])

    asyncio.run(publish())
    with pytest.raises(CannotRepartition, match="2 messages wait in 1 inbox queues"):
        repartition(8)
