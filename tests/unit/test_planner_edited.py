"""Schedules that are edited in the file while the service is down, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.clock import START_MS, run_virtual
from tests.fakes.planning import PlanPlace, schedule, until_ms
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
#: The first full hour of virtual time.
FIRST_MS = START_MS - START_MS % HOUR_MS + HOUR_MS

HANDED, SKIPPED = OccurrenceState.HANDED, OccurrenceState.SKIPPED
WITHDRAWN = OccurrenceState.WITHDRAWN


def served_again(before: dict[str, Any], after: dict[str, Any]) -> list[OccurrenceRow]:
    """Return the times of a schedule that were over five hours after its service was killed, which
    was a quarter of an hour before the first; it was changed meanwhile.
    """
    place = PlanPlace(file=[schedule(**before)])

    async def main() -> None:
        async with place.serving():
            await until_ms(FIRST_MS - 15 * MINUTE_MS)
        await until_ms(FIRST_MS + 5 * HOUR_MS - 10 * MINUTE_MS)
        place.file = [schedule(**after)]
        async with place.serving():
            await until_ms(FIRST_MS + 5 * HOUR_MS - 9 * MINUTE_MS)

    run_virtual(main())
    rows = place.store.of("tund")
    return [row for row in rows if row.due_ms < FIRST_MS + 5 * HOUR_MS - 10 * MINUTE_MS]


def outcome(rows: list[OccurrenceRow]) -> list[tuple[int, OccurrenceState, str]]:
    return [((row.due_ms - FIRST_MS) // MINUTE_MS, row.state, row.reason) for row in rows]


@pytest.mark.parametrize("missed", ["skip", "latest", "all"])
@pytest.mark.parametrize("cron", ["0 * * * *", "*/10 20-21 * * *", "0 21 * * *", "0 22 * * *"])
@pytest.mark.parametrize("hours", [1, 3, 6])
def test_another_caption_changes_nothing_of_which_missed_times_go_out(
    missed: str, cron: str, hours: float
) -> None:
    plan = {"cron": cron, "missed": missed, "missed_hours": hours}
    edited = served_again(plan, plan | {"caption": "Tere!"})
    assert outcome(edited) == outcome(served_again(plan, plan))
    assert edited


def test_missed_times_that_the_schedule_has_no_more_are_told() -> None:
    rows = served_again({"cron": "0 21-23 * * *"}, {"cron": "30 21-23 * * *"})
    assert outcome(rows) == [
        (0, SKIPPED, "missed"),
        (60, SKIPPED, "missed"),
        (120, SKIPPED, "missed"),
    ]
    assert all("other times" in row.problem for row in rows)


def test_an_hour_that_is_changed_and_changed_back_is_posted_once() -> None:
    place = PlanPlace()

    async def main() -> None:
        for cron, until in (
            ("0 21 * * *", FIRST_MS - 10 * MINUTE_MS),
            ("0 22 * * *", FIRST_MS + 3 * HOUR_MS),
            ("0 21 * * *", FIRST_MS + 3 * HOUR_MS + 2 * MINUTE_MS),
        ):
            place.file = [schedule(cron=cron)]
            async with place.serving():
                await until_ms(until)

    run_virtual(main())
    assert outcome(place.store.of("tund")) == [
        (0, WITHDRAWN, "schedule_changed"),
        (60, HANDED, ""),
    ]
