"""Drafts in the scheduler's loop: tried again, given up, failed, and said yes to."""

from __future__ import annotations

import pytest

from tests.fakes.clock import START_MS, run_virtual, virtual_ms
from tests.fakes.planning import OWNER, PlanPlace, schedule, until_ms
from tests.unit.planner_times import (
    FAILED,
    FIRST_MS,
    HANDED,
    HOUR_MS,
    LAPSED,
    MINUTE_MS,
    PLANNED,
    READY,
    WAITING,
    event,
    in_virtual_time,
)
from vestlus.planning.definitions import AHEAD_MS, row_of
from vestlus.planning.ports import Impossible, NotNow
from vestlus.planning.rules import PlannerRules
from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Decision, Keeper


@in_virtual_time
async def test_a_draft_that_never_ends_is_given_up_and_tried_again(place: PlanPlace) -> None:
    place.drafter.seconds = 1_000.0
    place.store.put(event(), virtual_ms())
    async with place.serving():
        await until_ms(START_MS + 250_000)
        (row,) = place.store.of("reegel")
        assert (row.state, row.failures, row.reason) == (PLANNED, 1, "timeout")
        place.drafter.seconds = 1.0
        await until_ms(START_MS + 300_000)
    assert place.store.states("reegel") == [HANDED]


@in_virtual_time
async def test_what_cannot_be_drafted_now_is_tried_again_with_growing_waits(
    place: PlanPlace,
) -> None:
    place.file = [schedule()]
    place.drafter.results["tund"] = [NotNow("model_away", "Mudel ei vasta.")] * 5
    async with place.serving():
        await until_ms(FIRST_MS - AHEAD_MS + 20_000)
        (row,) = place.store.of("tund")
        assert (row.failures, row.reason, row.problem) == (2, "model_away", "Mudel ei vasta.")
        await until_ms(FIRST_MS + 1000)
    assert place.store.states("tund") == [HANDED]
    assert len(place.drafter.calls) == 6


@in_virtual_time
async def test_what_cannot_be_drafted_until_it_is_too_late_fails_and_says_why(
    place: PlanPlace,
) -> None:
    place.drafter.results["reegel"] = [NotNow("model_away", "Mudel ei vasta.")] * 100
    hour = Recipe(account=OWNER.id, pictures=("saal",), within_hours=1)
    place.store.put(event(recipe=hour), virtual_ms())
    async with place.serving():
        await until_ms(START_MS + HOUR_MS)
    (row,) = place.store.of("reegel")
    assert (row.state, row.reason, row.problem) == (FAILED, "model_away", "Mudel ei vasta.")
    assert row.failures < 20


@in_virtual_time
async def test_what_needs_mending_fails_at_once(place: PlanPlace) -> None:
    place.store.put(event("pilt"), virtual_ms())
    place.store.put(event("enne"), virtual_ms())
    place.drafter.results["pilt"] = [Impossible("no_picture", "Pilti ei ole.")]
    place.drafter.objections["enne"] = Impossible("withdrawn", "Pilt võeti ära.")
    async with place.serving():
        await until_ms(START_MS + 1000)
    found = [(row.state, row.reason) for row in place.store.rows.values()]
    assert found == [(FAILED, "no_picture"), (FAILED, "withdrawn")]
    assert place.store.posts == {}


@in_virtual_time
async def test_a_draft_that_needs_a_yes_waits_for_it_and_lapses_without(place: PlanPlace) -> None:
    place.drafter.needs_yes = True
    place.file = [schedule(approval_hours=2), schedule("jah", approval_hours=2)]
    async with place.serving() as planner:
        await until_ms(FIRST_MS + 10 * MINUTE_MS)
        assert place.store.states("tund") == [WAITING]
        (row,) = place.store.of("jah")
        yes = Decision(after=READY, by="Mari", at_ms=virtual_ms())
        assert await place.store.decide(row.id, yes)
        planner.ring()
        await until_ms(FIRST_MS + 11 * MINUTE_MS)
        assert place.store.states("jah")[0] is HANDED
        await until_ms(FIRST_MS + 2 * HOUR_MS + 1000)
    first = place.store.of("tund")[0]
    assert (first.state, first.reason) == (LAPSED, "no_yes")
    assert len(place.store.posts) == 1


@in_virtual_time
async def test_a_yes_that_is_too_old_when_it_is_due_does_not_count(place: PlanPlace) -> None:
    place.drafter.needs_yes = True
    recipe = Recipe(account=OWNER.id, pictures=("saal",), approval_hours=1)
    place.store.put(event(due_ms=START_MS + 3 * HOUR_MS, recipe=recipe), virtual_ms())
    async with place.serving():
        await until_ms(START_MS + 1000)
        (row,) = place.store.of("reegel")
        await place.store.decide(row.id, Decision(after=READY, by="Mari", at_ms=virtual_ms()))
        await until_ms(START_MS + 3 * HOUR_MS + 1000)
    (row,) = place.store.of("reegel")
    assert (row.state, row.reason) == (LAPSED, "old_yes")


def test_waits_grow_up_to_a_limit() -> None:
    rules = PlannerRules()
    waits = [rules.retry_ms(failures) for failures in range(1, 8)]
    assert waits == [15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000]
    assert rules.retry_ms(10_000) == 300_000


@pytest.mark.parametrize(
    ("approval", "within", "hours"), [(1, 24, 0.5), (24, 2, 2), (24, 24, 23.5)]
)
def test_a_post_is_wanted_no_longer_than_the_yes_to_it_is_good(
    approval: float, within: float, hours: float
) -> None:
    async def main() -> None:
        place = PlanPlace()
        place.drafter.needs_yes = True
        recipe = Recipe(
            account=OWNER.id, pictures=("saal",), approval_hours=approval, within_hours=within
        )
        due_ms = START_MS + HOUR_MS
        place.store.put(event(due_ms=due_ms, recipe=recipe), virtual_ms())
        async with place.serving():
            await until_ms(due_ms - HOUR_MS // 2)
            (row,) = place.store.of("reegel")
            await place.store.decide(row.id, Decision(after=READY, by="Mari", at_ms=virtual_ms()))
            await until_ms(due_ms + 1000)
        (post,) = place.store.posts.values()
        assert (post.planned_ms, post.deadline_ms) == (due_ms, due_ms + hours * HOUR_MS)

    run_virtual(main())


@in_virtual_time
async def test_a_schedule_that_is_added_again_goes_out_though_its_first_draft_had_failed(
    place: PlanPlace,
) -> None:
    place.drafter.results["tund"] = [Impossible("picture_unavailable", "saal: ei ole pangas")]
    await place.store.add_schedule(row_of(schedule(), OWNER, Keeper.HAND, virtual_ms()))
    async with place.serving() as planner:
        await until_ms(FIRST_MS - 20 * MINUTE_MS)
        assert place.store.states("tund") == [FAILED]
        await place.store.remove_schedule("tund", virtual_ms())
        await place.store.add_schedule(row_of(schedule(), OWNER, Keeper.HAND, virtual_ms()))
        planner.ring()
        await until_ms(FIRST_MS + 1000)
    assert place.store.states("tund") == [HANDED]


@in_virtual_time
async def test_a_file_that_is_mended_has_what_failed_drafted_anew_and_what_was_cancelled_not(
    place: PlanPlace,
) -> None:
    place.drafter.results["tund"] = [Impossible("picture_unavailable", "saal: ei ole pangas")]
    place.file = [schedule(), schedule("muu")]
    async with place.serving():
        await until_ms(FIRST_MS - 20 * MINUTE_MS)
        (other,) = place.store.of("muu")
        await place.store.cancel_occurrence(other.id, virtual_ms())
    assert place.store.states("tund") == [FAILED]
    place.file = [schedule(pictures=["aed"]), schedule("muu", pictures=["aed"])]
    async with place.serving():
        await until_ms(FIRST_MS + 1000)
    assert place.store.states("tund") == [HANDED]
    assert place.store.states("muu") == [OccurrenceState.CANCELLED]


@in_virtual_time
async def test_a_draft_that_is_approved_while_its_schedule_is_paused_goes_out(
    place: PlanPlace,
) -> None:
    place.drafter.needs_yes = True
    place.file = [schedule(missed="skip")]
    async with place.serving() as planner:
        await until_ms(FIRST_MS - MINUTE_MS)
        await place.store.pause_schedule("tund", virtual_ms(), paused=True)
        await until_ms(FIRST_MS + HOUR_MS)
        (row,) = place.store.of("tund")
        assert row.state is WAITING
        await place.store.decide(row.id, Decision(after=READY, by="Mari", at_ms=virtual_ms()))
        planner.ring()
        await until_ms(FIRST_MS + HOUR_MS + 1000)
        assert place.store.states("tund") == [HANDED]


@in_virtual_time
async def test_a_yes_of_a_pause_counts_also_where_the_pause_ends_at_once(place: PlanPlace) -> None:
    place.drafter.needs_yes = True
    place.file = [schedule()]
    async with place.serving() as planner:
        await until_ms(FIRST_MS - MINUTE_MS)
        await place.store.pause_schedule("tund", virtual_ms(), paused=True)
        await until_ms(FIRST_MS + HOUR_MS // 2)
        (row,) = place.store.of("tund")
        await place.store.decide(row.id, Decision(after=READY, by="Mari", at_ms=virtual_ms()))
        await place.store.pause_schedule("tund", virtual_ms(), paused=False)
        planner.ring()
        await until_ms(FIRST_MS + HOUR_MS // 2 + 1000)
    assert place.store.states("tund")[0] is HANDED
