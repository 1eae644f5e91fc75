"""The scheduler's loop in virtual time: what is due goes out, once, and nothing delays it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.clock import START_MS, virtual_ms
from tests.fakes.planning import OWNER, PlanPlace, schedule, until_ms
from tests.unit.planner_times import (
    FAILED,
    FIRST_MS,
    HANDED,
    HOUR_MS,
    MINUTE_MS,
    PLANNED,
    READY,
    event,
    in_virtual_time,
)
from vestlus.errors import LeaseLost
from vestlus.planning.claiming import Plan, claim_of
from vestlus.planning.definitions import AHEAD_MS
from vestlus.planning.rules import PlannerRules
from vestlus.store.plan_rows import Claim, ScheduleRow
from vestlus.store.post_rows import PostKind


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
