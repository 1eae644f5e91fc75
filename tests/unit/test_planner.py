"""The scheduler's loop in virtual time: what is due goes out, once, and nothing delays it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.fakes.clock import START_MS, frozen_for, run_virtual, virtual_ms
from tests.fakes.planning import OWNER, PlanPlace, schedule, until_ms
from vestlus.errors import LeaseLost
from vestlus.planning.claiming import Plan, claim_of
from vestlus.planning.definitions import AHEAD_MS
from vestlus.planning.ports import Impossible, NotNow
from vestlus.planning.rules import PlannerRules
from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Claim, Decision, NewOccurrence, ScheduleRow, Trigger
from vestlus.store.post_rows import PostKind

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
#: The first full hour of virtual time.
FIRST_MS = START_MS - START_MS % HOUR_MS + HOUR_MS

PLANNED, READY, HANDED = OccurrenceState.PLANNED, OccurrenceState.READY, OccurrenceState.HANDED
SKIPPED, FAILED = OccurrenceState.SKIPPED, OccurrenceState.FAILED
WAITING, LAPSED = OccurrenceState.WAITING, OccurrenceState.LAPSED


def in_virtual_time(test: Callable[[PlanPlace], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def main() -> None:
            await test(PlanPlace())

        run_virtual(main(), longest=7 * 24 * 3600)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def event(name: str = "reegel", due_ms: int = 0, recipe: Recipe | None = None) -> NewOccurrence:
    return NewOccurrence(
        id=f"event of {name}",
        key=f"event:1:{name}",
        trigger=Trigger.EVENT,
        name=name,
        account=OWNER.id,
        recipe=recipe or Recipe(account=OWNER.id, pictures=("saal",)),
        due_ms=due_ms or virtual_ms(),
        wake_ms=virtual_ms(),
    )


@in_virtual_time
async def test_a_time_is_drafted_half_an_hour_ahead_and_handed_over_when_it_is_due(
    place: PlanPlace,
) -> None:
    place.file = [schedule()]
    async with place.serving():
        await until_ms(FIRST_MS - AHEAD_MS - 1000)
        assert place.store.of("tund") == []
        await until_ms(FIRST_MS - AHEAD_MS + 1000)
        assert place.store.states("tund") == [READY]
        await until_ms(FIRST_MS - 1000)
        assert place.store.posts == {}
        await until_ms(FIRST_MS + 1000)
        (row,) = place.store.of("tund")
        (post,) = place.store.posts.values()
    assert (row.state, row.post, post.key) == (HANDED, post.id, row.key)
    assert (post.planned_ms, post.deadline_ms) == (FIRST_MS, FIRST_MS + 24 * HOUR_MS)
    assert (post.kind, post.caption, post.account) == (PostKind.PICTURE, "Tere!", OWNER.id)
    assert place.steps["ready/handed"] == 1


@in_virtual_time
async def test_a_day_of_an_hourly_schedule_is_a_post_an_hour(place: PlanPlace) -> None:
    place.file = [schedule(), schedule("pool", "30 * * * *")]
    async with place.serving():
        await until_ms(FIRST_MS + 24 * HOUR_MS - MINUTE_MS)
    hourly = [post.planned_ms for post in place.store.posts.values() if ":tund:" in post.key]
    assert hourly == [FIRST_MS + hour * HOUR_MS for hour in range(24)]
    assert len(place.store.posts) == 24 + 25


@in_virtual_time
async def test_it_sleeps_while_nothing_is_due(place: PlanPlace) -> None:
    place.file = [schedule(cron="0 0 1 1 *")]
    async with place.serving():
        await until_ms(START_MS + 1000)
        before = place.store.calls
        await until_ms(START_MS + HOUR_MS)
    # Three questions about occurrences, one about schedules and one about when, every 30 s.
    assert place.store.calls - before <= 5 * 121


@in_virtual_time
async def test_a_bell_has_what_was_added_looked_at_at_once(place: PlanPlace) -> None:
    async with place.serving() as planner:
        await until_ms(START_MS + 45_000)
        place.store.put(event(), virtual_ms())
        planner.ring()
        await until_ms(START_MS + 46_000)
        assert len(place.store.posts) == 1


@in_virtual_time
async def test_without_a_bell_it_is_found_within_half_a_minute(place: PlanPlace) -> None:
    async with place.serving():
        await until_ms(START_MS + 45_000)
        place.store.put(event(), virtual_ms())
        await until_ms(START_MS + 76_000)
        assert len(place.store.posts) == 1


@in_virtual_time
async def test_slow_drafts_delay_neither_the_clock_nor_what_is_ready(place: PlanPlace) -> None:
    place.file = [schedule()]
    place.drafter.seconds = 200.0
    async with place.serving() as planner:
        await until_ms(FIRST_MS - 10_000)
        assert place.store.states("tund") == [READY]
        for number in range(9):
            place.store.put(event(f"aeglane-{number}"), virtual_ms())
        planner.ring()
        await until_ms(FIRST_MS + 1000)
        assert place.store.states("tund") == [HANDED]
        assert planner.in_flight == 4
        await until_ms(FIRST_MS + 601_000)
    assert place.drafter.most_at_once == 4
    assert len(place.store.posts) == 10


@in_virtual_time
async def test_events_without_end_delay_no_schedule(place: PlanPlace) -> None:
    place.file = [schedule()]
    place.drafter.seconds = 200.0
    async with place.serving():
        await until_ms(FIRST_MS - AHEAD_MS - 10_000)
        for number in range(100):
            place.store.put(event(f"sündmus-{number}"), virtual_ms())
        await until_ms(FIRST_MS + 1000)
        assert place.store.states("tund") == [HANDED]
        assert len(place.store.posts) < 50


@in_virtual_time
async def test_very_many_schedules_of_one_time_do_not_hold_up_what_is_due_meanwhile(
    place: PlanPlace,
) -> None:
    place.rules = PlannerRules(page=5)
    many = [schedule(f"hulk-{number}") for number in range(100)]
    place.file = [*many, schedule("pool", "30 * * * *")]
    async with place.serving():
        # All of them are claimed as this one is due.
        await until_ms(FIRST_MS - AHEAD_MS + 150)
        assert 0 < len(place.store.rows) < 1 + len(many)
        assert place.store.states("pool") == [HANDED]
        await until_ms(FIRST_MS + 1000)
    assert all(place.store.states(one.name) == [HANDED] for one in many)


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
async def test_a_defect_of_one_draft_does_not_stop_the_others(place: PlanPlace) -> None:
    place.store.put(event("viga"), virtual_ms())
    place.store.put(event("korras"), virtual_ms())
    place.store.put(event("vaatamisel"), virtual_ms())
    place.drafter.results["viga"] = [KeyError("x")]
    place.drafter.objections["vaatamisel"] = KeyError("x")
    async with place.serving():
        await until_ms(START_MS + 5000)
        assert place.store.states("korras") == [HANDED]
        assert place.store.states("viga") == [PLANNED]
        assert place.store.states("vaatamisel") == [FAILED]
        await until_ms(START_MS + 30_000)
    assert place.store.states("viga") == [HANDED]


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


@in_virtual_time
async def test_who_was_overtaken_stops_and_has_done_nothing(place: PlanPlace) -> None:
    place.file = [schedule()]
    old = place.planner()
    task = asyncio.create_task(old.run())
    await until_ms(FIRST_MS - MINUTE_MS)
    async with place.serving():
        with pytest.raises(LeaseLost):
            await task
        await until_ms(FIRST_MS + 1000)
    assert place.store.states("tund") == [HANDED]
    assert len(place.store.posts) == 1


@in_virtual_time
async def test_a_store_that_is_away_is_waited_for(place: PlanPlace) -> None:
    place.file = [schedule()]
    async with place.serving():
        await until_ms(FIRST_MS - AHEAD_MS - 1000)
        for _ in range(100):
            place.store.unavailable = 3
            await asyncio.sleep(20)
        place.store.unavailable = 0
        await until_ms(FIRST_MS + 10_000)
    assert place.store.states("tund") == [HANDED]
    assert len(place.store.posts) == 1


@in_virtual_time
async def test_one_that_cannot_be_read_does_not_stop_the_others(place: PlanPlace) -> None:
    place.file = [schedule(), schedule("uuem")]
    async with place.serving():
        await until_ms(START_MS + 1000)
        newer = place.store.by_name["uuem"]
        place.store.by_name["uuem"] = replace(newer, definition='{"version": 99}')
        await until_ms(FIRST_MS + 1000)
    assert place.store.states("tund") == [HANDED]
    assert place.store.states("uuem") == []


def test_a_defect_of_one_schedule_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(row: ScheduleRow, plan: Plan, now_ms: int, withdrawn: object = ()) -> Claim:
        if row.name == "viga":
            raise KeyError(row.name)
        del withdrawn
        return claim_of(row, plan, now_ms)

    monkeypatch.setattr("vestlus.planning.planner.claim_of", failing)

    @in_virtual_time
    async def scenario(place: PlanPlace) -> None:
        place.file = [schedule(), schedule("viga")]
        async with place.serving():
            await until_ms(FIRST_MS + 1000)
        assert place.store.states("tund") == [HANDED]
        assert place.store.states("viga") == []
        assert place.store.by_name["viga"].look_ms > FIRST_MS

    scenario()


@in_virtual_time
async def test_draining_ends_what_is_handed_over_and_leaves_drafts(place: PlanPlace) -> None:
    place.drafter.seconds = 100.0
    place.store.put(event(), virtual_ms())
    async with place.serving() as planner:
        await until_ms(START_MS + 5000)
        assert planner.in_flight == 1
        await planner.drain(10.0)
        assert planner.in_flight == 0
        await until_ms(START_MS + HOUR_MS)
        assert place.store.states("reegel") == [PLANNED]


def test_waits_grow_up_to_a_limit() -> None:
    rules = PlannerRules()
    waits = [rules.retry_ms(failures) for failures in range(1, 8)]
    assert waits == [15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000]
    assert rules.retry_ms(10_000) == 300_000
