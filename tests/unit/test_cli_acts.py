"""Commands that change something write it into the audit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cyclopts import App

from tests.contract.plan_support import schedule
from tests.contract.store_support import whose_entries
from tests.contract.test_store_opening import in_database
from tests.unit.test_cli_conversations import service
from vestlus.burying import unreadable
from vestlus.cli import noting
from vestlus.cli.acts import ACTS, key_of
from vestlus.cli.main import app, main
from vestlus.errors import StoreUnavailable
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
    letter = unreadable(b"\xff", source="inbox.1", reason="no_json", at_ms=5)
    on_store(lambda store: store.bury([letter]))
    run("dead-letters", "discard", letter.id)
    with pytest.raises(SystemExit):
        run("dead-letters", "discard", letter.id, "none")
    with pytest.raises(SystemExit):
        run("dead-letters", "discard", letter.id)
    assert "somebody has seen to it already" in capsys.readouterr().err
    assert entries() == [
        ("mari", "command", "dead_letter.discard", letter.id, outcome)
        for outcome in ("not_discarded", "no_such_letter", "done")
    ]


def test_whose_a_schedule_was_is_in_the_entry_of_its_removal(run: Callable[..., None]) -> None:
    on_store(lambda store: store.add_schedule(schedule("news", account="7")))
    run("posts", "unschedule", "news")
    assert entries() == [("mari", "command", "schedule.remove", "news", "done")]
    assert on_store(lambda store: in_database(store, whose_entries)) == ["7"]


def test_a_schedule_whose_removal_cannot_be_noted_is_taken_out_and_that_is_said(
    run: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    on_store(lambda store: store.add_schedule(schedule("news", account="7")))
    monkeypatch.setattr(noting, "_on_store", away)
    run("posts", "unschedule", "news")
    said = capsys.readouterr()
    assert said.out == "news: taken out\n"
    assert said.err == "This is not in the audit log: StoreError.\n"
    assert on_store(lambda store: store.schedules()) == ()
    assert entries() == []


USER = "17841400000004821"

ON_NOTHING = (
    *(f"conversations {act} {USER}" for act in ("take-over", "hand-back", "read", "export")),
    *(f"conversations {act} {USER} 1" for act in ("approve", "reject")),
    f"conversations reply {USER} tere",
    f"conversations recover --account {USER}",
    f"conversations erase {USER} --yes",
    f"conversations erasures --close {USER}",
    f"conversations preserve {USER} --reason x",
    f"dead-letters replay {USER}",
    f"dead-letters discard {USER} none",
    f"posts publish-now --account {USER} --picture none",
    *(f"posts {act} {USER}" for act in ("unschedule", "pause", "resume", "cancel")),
    *(f"posts {act} {USER} --by me" for act in ("approve", "reject", "now")),
    f"posts schedule {USER}",
    f"events fire {USER}",
    *(f"images {act} {USER}" for act in ("retire", "remove")),
    f"images add none.png --id {USER} --shows x",
    f"images describe {USER} --shows x",
    f"accounts start {USER}",
    f"accounts refresh {USER}",
    f"accounts connect {USER} --token-env NONE",
)


def test_an_id_of_nothing_that_there_is_stays_out_of_the_audit(run: Callable[..., None]) -> None:
    for line in ON_NOTHING:
        with pytest.raises(SystemExit):
            run(*line.split())
    found = entries()
    assert len(found) == len(ON_NOTHING)
    assert {action for _, _, action, _, _ in found} >= {
        act.action for act in ACTS.values() if act.is_known
    }
    assert USER not in str(found)


def test_looking_at_the_pools_is_no_act_and_resizing_them_is(run: Callable[..., None]) -> None:
    run("scale")
    assert entries() == []
    run("scale", "--publisher-actors", "2")
    assert entries() == [("mari", "command", "pool.resize", "", "done")]


def test_a_repartition_is_noted_in_the_store_as_it_is_then(run: Callable[..., None]) -> None:
    on_store(lambda store: store.check())
    run("repartition", "8")
    assert entries(8) == [("mari", "command", "store.repartition", "8", "done")]
