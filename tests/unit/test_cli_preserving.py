"""``vestlus conversations preserve``: who marks what, why and until when."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.unit.test_cli_conversations import ID, Run, run, service, written
from vestlus.cli.preserving import PreserveRefused
from vestlus.desk.preserving import LONGEST_REASON, ends_ms
from vestlus.store.open import open_store

__all__ = ["run"]

#: 2026-11-28, noon.
NOW_MS = 1_795_867_200_000


def audited() -> list[str]:
    """What the audit says was done to the conversation by a command, newest first."""

    async def read() -> list[str]:
        settings, topology = service()
        async with open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        ) as store:
            entries = await store.audit_entries(limit=9)
        assert {(one.way, one.target) for one in entries} == {("command", ID)}
        assert "Vaidlus" not in repr(entries)
        return [one.action for one in entries]

    return asyncio.run(read())


def test_a_preserved_conversation_says_why_by_whom_and_until_when(run: Run) -> None:
    written(1)

    said = run("preserve", ID, "--reason", "Vaidlus 7", "--by", "mari", "--until", "2999-05-31")

    assert said == "Preserved: nothing of this conversation is pruned or erased.\n"
    shown = run("show", ID)
    assert "until 2999-06-01 00:00:00Z by mari: Vaidlus 7" in shown
    mark = json.loads(run("show", ID, "--json"))["preserved"]
    assert (mark["reason"], mark["by"]) == ("Vaidlus 7", "mari")


def test_one_that_is_released_is_like_all_others(run: Run) -> None:
    written(1)
    run("preserve", ID, "--reason", "Vaidlus 7")
    assert "Vaidlus 7" in run("show", ID)

    assert run("preserve", ID, "--release").startswith("Released")

    assert json.loads(run("show", ID, "--json"))["preserved"] is None
    assert "preserved" not in run("show", ID)
    assert audited() == ["conversation.release", "conversation.preserve"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "--reason: must say why"),
        (["--reason", " "], "--reason: must say why"),
        (["--reason", "x" * (LONGEST_REASON + 1)], "--reason: must say why"),
        (["--reason", "x", "--until", "2020-01-01"], "--until: is over already"),
        (["--reason", "x", "--until", "soon"], "--until: must be a day"),
        (["--reason", "x", "--until", "9999-12-31"], "--until: must be a day"),
        (["--release", "--reason", "x"], "--release goes with neither"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_marks_nothing(
    run: Run, arguments: list[str], why: str
) -> None:
    written(1)

    with pytest.raises(PreserveRefused, match=why):
        run("preserve", ID, *arguments)

    assert json.loads(run("show", ID, "--json"))["preserved"] is None


@pytest.mark.parametrize("arguments", [["--reason", "x"], ["--release"]])
def test_a_conversation_that_nobody_knows_cannot_be_marked(run: Run, arguments: list[str]) -> None:
    with pytest.raises(PreserveRefused, match="no such conversation"):
        run("preserve", "nobody", *arguments)


def test_a_mark_lasts_to_the_end_of_its_last_day() -> None:
    assert ends_ms("2026-11-28", NOW_MS) == NOW_MS + 12 * 3_600_000
