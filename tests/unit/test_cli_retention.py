"""``vestlus retention``: what it shows, takes away, preserves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.test_cli_conversations import ID, MEMBER, event, service
from vestlus.cli.retention import NoConversation, app
from vestlus.clock import system_clock
from vestlus.conversation.events import EventKind
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import EventState, NewEvent

Run = Callable[..., str]
DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command on a service of its own and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "BUS_URL", "DATABASE_URL", "PARTITIONS"):
        monkeypatch.delenv(f"VESTLUS_{name}", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    (tmp_path / "vestlus.toml").write_text("[retention]\nevents_days = 9\n")

    def command(*arguments: str) -> str:
        app(list(arguments), result_action="return_value")
        return capsys.readouterr().out

    return command


def heard(days_ago: int) -> None:
    """The user read something so long ago."""

    async def write() -> None:
        settings, topology = service()
        store = open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        )
        at_ms = system_clock() - days_ago * DAY_MS
        async with store:
            lease = (await store.acquire([inbox_lease(0)], MEMBER, 60.0))[inbox_lease(0)]
            read = NewEvent(event(EventKind.READ, at_ms), EventState.NOTED)
            await store.record([(lease, [read])], at_ms)

    asyncio.run(write())


def test_what_is_over_and_old_is_taken_away_and_counted(run: Run) -> None:
    for days_ago in (20, 10, 8):
        heard(days_ago)

    assert "events" in run("show")
    assert json.loads(run("run", "--json"))["removed"]["events"] == 2
    assert json.loads(run("run", "--json"))["removed"]["events"] == 0
    assert "events         0" in run("run")


def test_what_is_preserved_stays_until_it_is_released(run: Run) -> None:
    heard(10)
    run("preserve", ID)
    assert json.loads(run("run", "--json"))["removed"]["events"] == 0

    run("release", ID)

    assert json.loads(run("run", "--json"))["removed"]["events"] == 1


def test_a_conversation_that_nobody_knows_is_not_preserved(run: Run) -> None:
    with pytest.raises(NoConversation):
        run("preserve", "nobody")
