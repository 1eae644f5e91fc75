"""What is still under way when everything has long been well again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from tests.chaos import run
from tests.chaos.journal import Journal

if TYPE_CHECKING:
    from tests.e2e.traffic import Traffic


class Waiting:
    """Users, three of whom wait."""

    unanswered = 3


@pytest.mark.parametrize(("name", "gave_up"), [(run.TRAFFIC, 1), ("people", 0)])
async def test_users_who_wait_for_ever_break_the_run_and_unfinished_scenarios_are_told(
    name: str, gave_up: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SETTLE_SECONDS", 0.01)
    journal = Journal(lambda _: None)
    task = asyncio.create_task(asyncio.Event().wait(), name=name)
    await run._ended({cast("asyncio.Task[None]", task)}, cast("Traffic", Waiting()), journal)
    task.cancel()

    assert journal.gave_up == ["3 users still wait for an answer"][:gave_up]
    assert journal.entries[-1].what == f"unfinished: {name}"
