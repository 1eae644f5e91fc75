"""Schedules that are edited in the file while the service is down, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fakes.clock import START_MS, run_virtual, virtual_ms
from tests.fakes.planning import PlanPlace, schedule, until_ms
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Decision, OccurrenceRow

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
#: The first full hour of virtual time.
FIRST_MS = START_MS - START_MS % HOUR_MS + HOUR_MS

HANDED, SKIPPED = OccurrenceState.HANDED, OccurrenceState.SKIPPED
READY, WAITING = OccurrenceState.READY, OccurrenceState.WAITING
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


def zone_changed(after: str, minutes: int, cron: str = "0 21 * * *") -> list[OccurrenceRow]:
    """Return the times of a schedule by Greenwich's clocks, whose service was killed a quarter of
    an hour before the first and started again so long after it, in another zone.
    """
    place = PlanPlace(file=[schedule(cron=cron, timezone="UTC")])

    async def main() -> None:
        async with place.serving():
            await until_ms(FIRST_MS - 15 * MINUTE_MS)
        await until_ms(FIRST_MS + minutes * MINUTE_MS)
        place.file = [schedule(cron=cron, timezone=after)]
        async with place.serving():
            await until_ms(FIRST_MS + 5 * HOUR_MS)

    run_virtual(main())
    return place.store.of("tund")


@pytest.mark.parametrize("minutes", [-5, 5, 30, 100])
def test_a_time_that_comes_later_in_another_zone_goes_out_then(minutes: int) -> None:
    rows = zone_changed("Etc/GMT+2", minutes)
    assert outcome(rows) == [(120, HANDED, "")]


def test_times_that_come_later_in_another_zone_go_out_whether_they_had_been_claimed_or_not() -> (
    None
):
    rows = zone_changed("Etc/GMT+2", 90, cron="0 21,22 * * *")
    assert outcome(rows) == [(120, HANDED, ""), (180, HANDED, "")]


@pytest.mark.parametrize("after", ["Etc/GMT+1", "Etc/GMT+2", "Etc/GMT-2"])
def test_a_missed_time_that_is_over_in_another_zone_too_is_told(after: str) -> None:
    rows = zone_changed(after, 150)
    assert outcome(rows) == [(0, SKIPPED, "missed")]
    assert "other times" in rows[0].problem


def test_a_time_that_is_over_in_another_zone_does_not_go_out_early() -> None:
    rows = zone_changed("Etc/GMT-2", -5)
    assert outcome(rows) == [(0, WITHDRAWN, "schedule_changed")]


@pytest.mark.parametrize("seconds", [20, 300])
@pytest.mark.parametrize("edited", [{}, {"caption": "Tere!"}])
def test_a_draft_that_a_person_had_go_out_late_goes_out_of_an_edited_file_too(
    edited: dict[str, Any], seconds: int
) -> None:
    """The service is down when a person says so, and starts with the file as it is by then."""
    plan = {"cron": "0 21 * * *", "missed": "latest"}
    place = PlanPlace(file=[schedule(**plan)])
    place.drafter.needs_yes = True
    late_ms = FIRST_MS + HOUR_MS + 1

    async def main() -> None:
        async with place.serving():
            await until_ms(FIRST_MS - 15 * MINUTE_MS)
        await until_ms(late_ms)
        (row,) = place.store.of("tund")
        yes = Decision(after=READY, by="Mari", at_ms=late_ms, due_ms=late_ms)
        assert await place.store.decide(row.id, yes)
        await until_ms(late_ms + seconds * 1000)
        place.file = [schedule(**plan, **edited)]
        place.drafter.needs_yes = False
        async with place.serving():
            await until_ms(FIRST_MS + 2 * HOUR_MS)

    run_virtual(main())
    assert [row.state for row in place.store.of("tund")] == [HANDED]


@pytest.mark.parametrize("edits", [0, 1, 2, 3])
def test_a_draft_that_waits_outlives_any_number_of_edits_in_a_pause(edits: int) -> None:
    place = PlanPlace(file=[schedule(cron="0 21 * * *")])
    place.drafter.needs_yes = True

    async def main() -> None:
        async with place.serving():
            await until_ms(FIRST_MS - 20 * MINUTE_MS)
            await place.store.pause_schedule("tund", FIRST_MS - 19 * MINUTE_MS, paused=True)
        for edit in range(edits):
            await until_ms(FIRST_MS + (10 + 5 * edit) * MINUTE_MS)
            place.file = [schedule(cron="0 21 * * *", caption=f"Tere {edit}!")]
            async with place.serving():
                await until_ms(FIRST_MS + (12 + 5 * edit) * MINUTE_MS)
        async with place.serving() as planner:
            await until_ms(FIRST_MS + 30 * MINUTE_MS)
            await place.store.pause_schedule("tund", FIRST_MS + 30 * MINUTE_MS, paused=False)
            planner.ring()
            await until_ms(FIRST_MS + 40 * MINUTE_MS)

    run_virtual(main())
    assert outcome(place.store.of("tund")) == [(0, WAITING, "")]


@pytest.mark.parametrize("edits", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("missed", "expected"), [("latest", (0, HANDED, "")), ("skip", (0, SKIPPED, "missed"))]
)
def test_a_missed_time_outlives_services_that_are_killed_before_they_claim_it(
    edits: int, missed: str, expected: tuple[int, OccurrenceState, str]
) -> None:
    place = PlanPlace(file=[schedule(cron="0 21 * * *", missed=missed)])

    async def main() -> None:
        async with place.serving():
            await until_ms(FIRST_MS - 20 * MINUTE_MS)
        for edit in range(edits):
            await until_ms(FIRST_MS + (60 + edit) * MINUTE_MS)
            place.file = [schedule(cron="0 21 * * *", missed=missed, caption=f"Tere {edit}!")]
            calls = place.store.calls
            async with place.serving():
                while place.store.calls < calls + 3:  # the look, the change, and what is due
                    await asyncio.sleep(0.0001)
        await until_ms(FIRST_MS + 90 * MINUTE_MS)
        async with place.serving():
            await until_ms(FIRST_MS + 2 * HOUR_MS)

    run_virtual(main())
    assert outcome(place.store.of("tund")) == [expected]


def test_an_hour_that_is_changed_and_after_a_pause_changed_back_is_posted_once() -> None:
    place = PlanPlace(file=[schedule(cron="0 21 * * *")])

    async def main() -> None:
        async with place.serving():
            await until_ms(FIRST_MS - 10 * MINUTE_MS)
        place.file = [schedule(cron="0 22 * * *")]
        async with place.serving():
            await until_ms(FIRST_MS + 3 * HOUR_MS)
            for paused in (True, False):
                await place.store.pause_schedule("tund", virtual_ms(), paused=paused)
                await until_ms(FIRST_MS + 3 * HOUR_MS + MINUTE_MS)
        place.file = [schedule(cron="0 21 * * *")]
        async with place.serving():
            await until_ms(FIRST_MS + 4 * HOUR_MS)

    run_virtual(main())
    assert outcome(place.store.of("tund")) == [
        (0, WITHDRAWN, "schedule_changed"),
        (60, HANDED, ""),
    ]
