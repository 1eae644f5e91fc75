"""Commands that change something write it into the audit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cyclopts import App

from tests.unit.test_cli_conversations import service
from vestlus.burying import unreadable
from vestlus.cli.acts import ACTS, key_of
from vestlus.cli.main import app, main
from vestlus.store.open import open_store
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store

#: What only looks, or runs the service itself.
LOOKING = {
    *(
        "accounts.check",
        "accounts.list_",
        "accounts.usage",
        "conversations.drafts",
        "conversations.list_",
    ),
    *("conversations.show", "dead_letters.list_", "dead_letters.show", "doctor.doctor"),
    *("eval.eval_", "events.list_", "events.rules", "events.show", "images.check"),
    *(
        "images.list_",
        "images.uses",
        "conversations.find",
        "images.show",
        "loadtest.loadtest",
        "main.demo",
        "main.serve",
        "main.try_",
    ),
    *("posts.list_", "posts.show", "posts_drafts.drafts", "posts_next.next_"),
    *("posts_plans.schedules", "posts_preview.preview", "retention.show"),
}


def commands(of: App) -> Iterator[Callable[..., Any]]:
    for name in of:
        if name.startswith("-"):
            continue
        below = of[name]
        if below.default_command is not None:
            yield below.default_command
        yield from commands(below)


def test_every_command_is_known_to_change_something_or_not() -> None:
    found = {key_of(one) for one in commands(app)}
    assert found == LOOKING | set(ACTS)
    assert not LOOKING & set(ACTS)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "BUS_URL", "DATABASE_URL", "PARTITIONS"):
        monkeypatch.delenv(f"VESTLUS_{name}", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("LOGNAME", "mari")

    def command(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["vestlus", *arguments])
        main()

    return command


T = TypeVar("T")


def on_store(work: Callable[[Store], Awaitable[T]], partitions: int | None = None) -> T:
    async def main() -> T:
        settings, topology = service()
        opened = open_store(
            settings.database,
            partitions=partitions or topology.inbox,
            outbox_partitions=topology.outbox,
        )
        async with opened as store:
            return await work(store)

    return asyncio.run(main())


def entries(partitions: int | None = None) -> list[tuple[str, str, str, str, str]]:
    found: tuple[AuditEntry, ...] = on_store(lambda store: store.audit_entries(), partitions)
    return [(one.person, one.way, one.action, one.target, one.outcome) for one in found]


def test_what_a_command_changed_is_in_the_audit_with_who_ran_it(
    run: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    letter = unreadable(b"\xff", source="inbox.1", reason="no_json", at_ms=5)
    on_store(lambda store: store.bury([letter]))
    run("dead-letters", "list")
    assert entries() == []
    run("dead-letters", "discard", letter.id)
    assert entries() == [("mari", "command", "dead_letter.discard", letter.id, "done")]
    assert f"{letter.id}: discarded" in capsys.readouterr().out


def test_what_a_command_could_not_do_is_there_too(
    run: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("dead-letters", "replay", "none")
    assert entries() == [("mari", "command", "dead_letter.replay", "none", "no_such_letter")]
    assert "there is no dead letter none" in capsys.readouterr().err


def test_looking_at_the_pools_is_no_act_and_resizing_them_is(run: Callable[..., None]) -> None:
    run("scale")
    assert entries() == []
    run("scale", "--publisher-actors", "2")
    assert entries() == [("mari", "command", "pool.resize", "", "done")]


def test_a_repartition_is_noted_in_the_store_as_it_is_then(run: Callable[..., None]) -> None:
    on_store(lambda store: store.check())
    run("repartition", "8")
    assert entries(8) == [("mari", "command", "store.repartition", "8", "done")]
