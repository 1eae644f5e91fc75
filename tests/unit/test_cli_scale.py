"""``vestlus scale``: what is wished, refused, shown, and taken back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fakes.pools import pool_load
from vestlus.cli.main import app
from vestlus.cli.scale import SizeRefused
from vestlus.hosting.sizing import DECLARED, Headcount, Sizing
from vestlus.settings import Mode, load_settings
from vestlus.store.names import REGISTRY
from vestlus.store.open import open_store
from vestlus.store.pool_rows import Pool
from vestlus.store.port import Store
from vestlus.store.rows import Member, MemberKind

Run = Callable[..., str]
ROOT = Member("c1/registry", MemberKind.REGISTRY, "1", "h", 3)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture
def run(
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESTLUS_CONFIG", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VESTLUS_DATABASE_URL", database)

    def command(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            app(["scale", *arguments])
        assert (ended.value.code or 0) == 0
        return capsys.readouterr().out

    return command


def on_store(database: str, work: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with open_store(database, partitions=16, outbox_partitions=4) as store:
            await work(store)

    with capture_logs():
        asyncio.run(main())


def shown(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    return {one["pool"]: one for one in json.loads(run(*arguments, "--json"))}


def test_a_wish_is_kept_for_a_service_that_starts_later_and_can_be_taken_back(run: Run) -> None:
    said = run("--conversation-actors", "4", "--publisher-actors", "auto:1-2")
    assert "wished for 4" in said
    assert "the next one that starts" in said
    pools = shown(run, "--webhook-replicas", "auto")
    assert [pools[name]["wish"] for name in ("conversation", "publisher", "webhook")] == [
        "4",
        "auto:1-2",
        "auto",
    ]
    assert shown(run, "--conversation-actors", "settings")["conversation"]["wish"] is None


@pytest.mark.parametrize(
    ("arguments", "wording"),
    [
        (("--conversation-actors", "17"), "--conversation-actors: must be at most 16"),
        (("--publisher-actors", "5"), "--publisher-actors: must be at most 4"),
        (("--conversation-actors", "0"), "must be a whole number from 1 to 1000"),
        (("--publisher-actors", "many"), "auto:1-8; or settings"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can_and_nothing_is_changed(
    run: Run, arguments: tuple[str, ...], wording: str
) -> None:
    with pytest.raises(SizeRefused, match=wording):
        app(["scale", "--webhook-replicas", "2", *arguments])
    assert shown(run)["webhook"]["wish"] is None


@pytest.mark.parametrize("size", ["65", "auto:65-70"])
def test_more_webhook_replicas_than_are_ever_started_are_refused(run: Run, size: str) -> None:
    with pytest.raises(SizeRefused, match="at most 64: more are never started"):
        app(["scale", "--webhook-replicas", size])
    assert shown(run, "--webhook-replicas", "64")["webhook"]["wish"] == "64"


def test_what_the_registry_tells_is_shown_with_who_has_which_partition(
    run: Run, database: str
) -> None:
    async def told(store: Store) -> None:
        settings = load_settings({}, mode=Mode.OPERATE)
        sizing = Sizing(settings, cluster="c1", outbox_partitions=4)
        await store.wish({Pool.CONVERSATION: "3"})
        await sizing.begin(store)
        for one in sizing.pools.values():
            one.decide(pool_load(1, 0.25, 1.5), 2, 0.0)
        heads = {Pool.CONVERSATION: Headcount(2, 1, 1), Pool.PUBLISHER: Headcount(1, 1, 0)}
        await sizing.tell(store, heads)
        await store.heartbeat(Member("c1/registry", MemberKind.REGISTRY, "1", "here/boot/pid", 1))
        lease = (await store.acquire([REGISTRY], ROOT, 60))[REGISTRY]
        await store.assign(lease, {"inbox.10": "c1/conversation-0", "inbox.2": "c1/conversation-0"})

    on_store(database, told)
    assert shown(run)["conversation"]["clusters"] == [
        {
            "cluster": "c1",
            "host": "here",
            "settings": "1",
            "follows": "3",
            "wished": 3,
            "running": 2,
            "ready": 1,
            "waiting_for_a_node": 1,
            "busy_percent": 25,
            "oldest_waiting_seconds": 1.5,
            "reason": "",
        }
    ]
    said = run()
    assert (
        "cluster c1 on here: 3 (settings: 1), should be 3, running 2, ready 1, 1 waiting for a node"
        in said
    )
    assert "busy 25%, oldest waiting 1.5 s" in said
    assert "c1/conversation-0: partitions 2, 10" in said
    assert "No service runs" not in said


def test_a_wish_for_webhook_replicas_that_are_declared_is_shown_with_why_it_is_not_followed(
    run: Run, database: str
) -> None:
    async def told(store: Store) -> None:
        sizing = Sizing(load_settings({}, mode=Mode.OPERATE), cluster="c1", outbox_partitions=4)
        sizing.pools[Pool.WEBHOOK].declared = True
        await store.wish({Pool.WEBHOOK: "4"})
        await sizing.begin(store)
        await sizing.tell(store, {Pool.WEBHOOK: Headcount(1, 1)})

    on_store(database, told)
    said = run()
    assert "Webhook replicas: wished for 4" in said
    assert f"1 (settings: 1), should be 1, running 1, ready 1, not resized: {DECLARED}" in said


def test_a_reader_who_has_seen_enough_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "vestlus.cli.main", "scale"],
            env=os.environ | {"VESTLUS_DATA_DIR": str(tmp_path)},
            cwd=tmp_path,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
