"""``vestlus retention``: what it shows and takes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.test_cli_conversations import ACCOUNT, MEMBER, event, service
from vestlus.cli.retention import app
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


def test_an_account_that_keeps_things_for_another_time_is_told_apart(
    run: Run, tmp_path: Path
) -> None:
    heard(10)
    (tmp_path / "vestlus.toml").write_text(
        "[retention]\nevents_days = 9\n"
        f'[[accounts]]\nid = "{ACCOUNT}"\nretention = {{ events_days = 20 }}\n'
    )

    events = json.loads(run("show", "--json"))["events"]
    assert events["accounts"][ACCOUNT] < events["before"]
    assert f"of {ACCOUNT}" in run("show")
    assert json.loads(run("run", "--json"))["removed"]["events"] == 0
