"""A schedule that is changed in the file: which of its times count, and which are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.planning import OWNER, schedule
from vestlus.planning.changing import Change, change_of
from vestlus.planning.claiming import MOST_TOLD
from vestlus.planning.definitions import row_of
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Keeper, ScheduleRow

HOUR_MS = 3_600_000
#: A full hour.
START_MS = 1_792_789_200_000
NOW_MS = START_MS + 5 * HOUR_MS + 1_000


def known(**fields: Any) -> ScheduleRow:  # noqa: ANN401  fields of several types
    """Return a schedule of every hour whose first time was claimed when the service ended."""
    row = row_of(schedule(caption="Tere"), OWNER, Keeper.FILE, START_MS - 2 * HOUR_MS)
    return replace(row, **{"watched_ms": START_MS + 1} | fields)


def new(cron: str = "0 * * * *", **fields: Any) -> ScheduleRow:  # noqa: ANN401  as above
    return row_of(schedule(cron=cron, **fields), OWNER, Keeper.FILE, NOW_MS)


def told(change: Change) -> list[tuple[int, str]]:
    assert all(one.state is OccurrenceState.SKIPPED for one in change.told)
    return [((one.due_ms - START_MS) // HOUR_MS, one.reason) for one in change.told]


def test_where_the_times_stayed_they_are_watched_from_where_they_were() -> None:
    for row in (new(caption="Tere!"), new(missed="skip"), new(timezone="UTC", story=True)):
        change = change_of(known(), row, NOW_MS)
        assert change == Change(replace(row, watched_ms=START_MS + 1))


def test_what_was_claimed_ahead_is_claimed_again() -> None:
    change = change_of(known(watched_ms=NOW_MS + HOUR_MS), new(caption="Tere!"), NOW_MS)
    assert change.row.watched_ms == NOW_MS


@pytest.mark.parametrize(
    "fields",
    [
        {"cron": "30 * * * *"},
        {"timezone": "Asia/Kolkata"},
        {"start": "2026-10-24T00:00"},
        {"without": ["2026-10-25"]},
    ],
)
def test_where_the_times_changed_the_old_ones_that_were_missed_are_told(
    fields: dict[str, Any],
) -> None:
    row = new(**fields)
    change = change_of(known(), row, NOW_MS)
    assert change.row == row
    assert told(change) == [(hour, "missed") for hour in (1, 2, 3, 4, 5)]
    assert {one.key.rpartition(":")[0] for one in change.told} >= {"schedule:tund:2026-10-23T22"}


def test_what_passed_in_a_pause_is_told_as_such() -> None:
    resumed = known(changed_ms=START_MS + 2 * HOUR_MS + 1)
    same = change_of(resumed, new(caption="Tere!"), NOW_MS)
    assert told(same) == [(1, "paused"), (2, "paused")]
    assert same.row.watched_ms == resumed.changed_ms
    other = change_of(resumed, new("30 * * * *"), NOW_MS)
    assert told(other) == [(1, "paused"), (2, "paused"), *((hour, "missed") for hour in (3, 4, 5))]


def test_of_one_that_is_paused_still_the_end_of_the_pause_tells_what_passed() -> None:
    paused = known(paused=True, changed_ms=START_MS + 2)
    same = change_of(paused, new(caption="Tere!"), NOW_MS)
    assert (same.row.watched_ms, same.told) == (paused.watched_ms, ())
    other = change_of(paused, new("30 * * * *"), NOW_MS)
    assert told(other) == [(hour, "paused") for hour in (1, 2, 3, 4, 5)]


def test_of_very_many_the_newest_are_told() -> None:
    row = row_of(schedule(cron="* * * * *"), OWNER, Keeper.FILE, START_MS)
    change = change_of(row, new(), NOW_MS)
    assert len(change.told) == MOST_TOLD


def test_what_is_new_or_the_same_or_a_persons_or_unreadable_is_as_the_file_has_it() -> None:
    row = new("30 * * * *")
    for before in (
        None,
        replace(known(), definition=row.definition),
        known(keeper=Keeper.HAND),
        known(definition='{"version": 99}'),
    ):
        assert change_of(before, row, NOW_MS) == Change(row)
