"""What the scheduler's loop missed, what is paused or changed, and clocks that jump."""

from __future__ import annotations

import pytest

from tests.fakes.clock import frozen_for, run_virtual, virtual_ms
from tests.fakes.planning import PlanPlace, schedule, until_ms
from tests.unit.planner_times import (
    FIRST_MS,
    HANDED,
    HOUR_MS,
    MINUTE_MS,
    READY,
    SKIPPED,
    WAITING,
    in_virtual_time,
)
from vestlus.store.occurrences import OccurrenceState


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", [SKIPPED, SKIPPED, SKIPPED, HANDED]),
        ("latest", [SKIPPED, SKIPPED, HANDED, HANDED]),
        ("all", [HANDED, HANDED, HANDED, HANDED]),
    ],
)
def test_what_was_missed_goes_by_its_rule_claimed_before_or_not(
    missed: str, expected: list[OccurrenceState]
) -> None:
    async def main() -> None:
        place = PlanPlace(file=[schedule(missed=missed)])
        async with place.serving():
            await until_ms(FIRST_MS - MINUTE_MS)
            assert place.store.states("tund") == [READY]
        await until_ms(FIRST_MS + 2 * HOUR_MS + 20 * MINUTE_MS)
        async with place.serving():
            await until_ms(FIRST_MS + 3 * HOUR_MS + MINUTE_MS)
        assert place.store.states("tund") == expected
        reasons = {row.reason for row in place.store.of("tund") if row.state is SKIPPED}
        assert reasons <= {"missed"}

    run_virtual(main())


@in_virtual_time
async def test_nothing_missed_that_is_too_old_is_made_up_for(place: PlanPlace) -> None:
    place.file = [schedule(missed="all", missed_hours=1)]
    async with place.serving():
        await until_ms(FIRST_MS - MINUTE_MS)
    await until_ms(FIRST_MS + 90 * MINUTE_MS)
    async with place.serving():
        await until_ms(FIRST_MS + 91 * MINUTE_MS)
    assert place.store.states("tund") == [SKIPPED, HANDED, READY]


@in_virtual_time
async def test_a_takeover_within_a_minute_misses_nothing(place: PlanPlace) -> None:
    place.file = [schedule(missed="skip")]
    async with place.serving():
        await until_ms(FIRST_MS - 20_000)
    await until_ms(FIRST_MS + 30_000)
    async with place.serving():
        await until_ms(FIRST_MS + 31_000)
    assert place.store.states("tund") == [HANDED]


@in_virtual_time
async def test_a_planner_that_was_frozen_knows_that_it_was(place: PlanPlace) -> None:
    place.file = [schedule(missed="skip")]
    async with place.serving():
        await until_ms(FIRST_MS - MINUTE_MS)
        frozen_for(1800)
        await until_ms(FIRST_MS + 40 * MINUTE_MS)
    assert place.store.states("tund") == [SKIPPED, READY]


@in_virtual_time
async def test_what_comes_while_it_is_paused_passes_and_the_rest_goes_on(place: PlanPlace) -> None:
    place.file = [schedule(missed="all")]
    async with place.serving() as planner:
        await until_ms(FIRST_MS - MINUTE_MS)
        await place.store.pause_schedule("tund", virtual_ms(), paused=True)
        await until_ms(FIRST_MS + 2 * HOUR_MS - MINUTE_MS)
        assert place.store.states("tund") == [READY]
        await place.store.pause_schedule("tund", virtual_ms(), paused=False)
        planner.ring()
        await until_ms(FIRST_MS + 2 * HOUR_MS + 1000)
    assert place.store.states("tund") == [SKIPPED, SKIPPED, HANDED]
    assert {row.reason for row in place.store.of("tund")} == {"paused", ""}


@in_virtual_time
async def test_a_changed_schedule_has_its_open_ones_drafted_anew_or_withdrawn(
    place: PlanPlace,
) -> None:
    place.file = [schedule(), schedule("muu", "*/20 * * * *")]
    async with place.serving():
        await until_ms(FIRST_MS - MINUTE_MS)
    place.file = [schedule(pictures=["aed"]), schedule("muu", "0 * * * *")]
    async with place.serving():
        await until_ms(FIRST_MS - MINUTE_MS + 1000)
        (row,) = place.store.of("tund")
        assert (row.state, row.recipe.pictures) == (READY, ("aed",))
        await until_ms(FIRST_MS + 1000)
    assert place.store.states("tund") == [HANDED]
    assert place.store.states("muu") == [HANDED, HANDED, OccurrenceState.WITHDRAWN]
    assert place.drafter.calls.count("tund") == 2


@in_virtual_time
async def test_a_draft_that_waits_past_its_time_outlives_a_change_of_its_schedule(
    place: PlanPlace,
) -> None:
    place.drafter.needs_yes = True
    place.file = [schedule(cron="0 21 * * *")]
    async with place.serving():
        await until_ms(FIRST_MS + HOUR_MS)
    place.file = [schedule(cron="0 21 * * *", pictures=["aed"])]
    async with place.serving():
        await until_ms(FIRST_MS + HOUR_MS + 1000)
    (row,) = place.store.of("tund")
    assert (row.state, row.recipe.pictures, row.due_ms) == (WAITING, ("aed",), FIRST_MS)


@in_virtual_time
async def test_a_clock_that_goes_back_does_nothing_twice(place: PlanPlace) -> None:
    offset = 0
    place.clock = lambda: virtual_ms() + offset
    place.file = [schedule()]
    async with place.serving():
        await until_ms(FIRST_MS + 1000)
        offset = -3 * HOUR_MS
        await until_ms(FIRST_MS + 2 * HOUR_MS)
        assert place.store.states("tund") == [HANDED]
        offset = 0
        await until_ms(FIRST_MS + 3 * HOUR_MS + 1000)
    rows = place.store.of("tund")
    assert [row.due_ms for row in rows] == [FIRST_MS + hour * HOUR_MS for hour in range(4)]
    assert len(place.store.posts) == len([row for row in rows if row.state is HANDED])


@in_virtual_time
async def test_a_clock_that_goes_ahead_passes_over_by_the_rule(place: PlanPlace) -> None:
    offset = 0
    place.clock = lambda: virtual_ms() + offset
    place.file = [schedule(missed="latest")]
    async with place.serving() as planner:
        await until_ms(FIRST_MS - MINUTE_MS)
        offset = 3 * HOUR_MS - 20 * MINUTE_MS
        planner.ring()
        await until_ms(FIRST_MS + MINUTE_MS - 1000)
        assert place.store.states("tund") == [READY]
        await until_ms(FIRST_MS + MINUTE_MS + 1000)
    assert place.store.states("tund") == [SKIPPED, SKIPPED, HANDED, READY]


@in_virtual_time
async def test_a_clock_that_jumps_ahead_and_back_loses_nothing(place: PlanPlace) -> None:
    offset = 0
    place.clock = lambda: virtual_ms() + offset
    place.file = [schedule(missed="skip")]
    async with place.serving() as planner:
        await until_ms(FIRST_MS - 3 * MINUTE_MS)
        offset = 365 * 24 * HOUR_MS
        planner.ring()
        await until_ms(FIRST_MS - 2 * MINUTE_MS)
        offset = 0
        await until_ms(FIRST_MS + 2 * HOUR_MS + 1000)
    assert place.store.states("tund") == [HANDED] * 3
