"""A plan is drawn from its seed alone, and holds what it must."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.kinds import ACTOR_KINDS, NETWORK_KINDS, PROCESS_KINDS, SCHEDULER, Act, Place
from tests.chaos.plan import SECOND_TRY_SECONDS, SETTLING_SECONDS, drawn
from tests.chaos.proxy import Trouble
from vestlus.store.rows import MemberKind

seeds = st.integers(0, 10_000)
unhurried = settings(deadline=None, max_examples=30)


@unhurried
@given(seeds, st.sampled_from([60.0, 600.0]))
def test_the_same_seed_makes_the_same_plan(seed: int, seconds: float) -> None:
    assert drawn(seed, seconds) == drawn(seed, seconds)


@unhurried
@given(seeds)
def test_ten_minutes_hold_every_kind_as_often_as_the_table_says(seed: int) -> None:
    plan = drawn(seed, 600)
    counted = Counter([one.kind.name for one in plan.processes])
    counted.update(one.kind.name for one in plan.network)
    times = {kind.name: kind.times for kind in PROCESS_KINDS}
    times |= {kind.name: kind.times for kind in NETWORK_KINDS}
    assert dict(counted) == times
    assert times.items() <= plan.least().items()
    assert plan.late > 0


def test_every_kind_of_member_that_the_registry_starts_is_killed_and_frozen() -> None:
    assert {actor.kind for actor in ACTOR_KINDS} == set(MemberKind) - {MemberKind.REGISTRY}
    for actor in ACTOR_KINDS:
        done = {kind.act for kind in PROCESS_KINDS if actor.mark in kind.marks}
        assert done == {Act.KILL, Act.FREEZE}


@unhurried
@given(seeds)
def test_a_short_run_holds_each_kind_that_costs_little_once(seed: int) -> None:
    plan = drawn(seed, 60)
    assert Counter(fault.kind for fault in plan.processes) == Counter(
        kind for kind in PROCESS_KINDS if kind.in_short_runs
    )
    assert plan.network
    assert plan.late == 0


@unhurried
@given(seeds, st.sampled_from([60.0, 600.0]))
def test_only_faults_of_the_scheduler_alone_are_made_beside_others(
    seed: int, seconds: float
) -> None:
    plan = drawn(seed, seconds)
    beside, others = plan.lanes
    assert {mark for fault in beside for mark in fault.kind.marks} == {SCHEDULER}
    assert sorted((*beside, *others), key=lambda one: one.at) == list(plan.processes)
    assert SCHEDULER not in {fault.kind.marks[0] for fault in others}


@unhurried
@given(seeds, st.floats(60, 1200))
def test_faults_come_in_their_time_and_in_order(seed: int, seconds: float) -> None:
    plan = drawn(seed, seconds)
    for faults in (plan.processes, plan.network):
        moments = [fault.at for fault in faults]
        assert moments == sorted(moments)
        assert all(0 <= at <= seconds for at in moments)


@unhurried
@given(seeds)
def test_a_run_may_be_about_some_kinds_of_process_only(seed: int) -> None:
    plan = drawn(seed, 60, only="raylet")
    assert [fault.kind.name for fault in plan.processes] == ["kill raylet"]


@unhurried
@given(seeds)
def test_the_embedded_pair_has_no_servers_to_lose(seed: int) -> None:
    plan = drawn(seed, 600, servers=False)
    assert all(fault.kind.act is not Act.RESTART for fault in plan.processes)
    assert all(fault.kind.place not in (Place.BUS, Place.STORE) for fault in plan.network)


@unhurried
@given(seeds)
def test_nothing_is_held_back_for_as_long_as_a_send_takes_to_settle(seed: int) -> None:
    assert all(fault.by < SETTLING_SECONDS / 2 for fault in drawn(seed, 600).network)


@unhurried
@given(seeds)
def test_no_send_is_hit_twice_by_faults_after_which_nobody_knows_whether_it_was_done(
    seed: int,
) -> None:
    plan = drawn(seed, 600)
    graph = [fault for fault in plan.network if fault.kind.place is Place.GRAPH]
    swallowed = [fault for fault in graph if fault.kind.trouble is Trouble.BLACKHOLE]
    for hole in swallowed:
        assert not any(
            hole.at < other.at < hole.at + SECOND_TRY_SECONDS
            for other in graph
            if other.kind.trouble is not Trouble.DELAY
        )


@pytest.mark.parametrize("seconds", [60, 600])
def test_requests_must_go_wrong_fifty_times_in_ten_minutes(seconds: float) -> None:
    least = drawn(1, seconds).least()
    assert least["graph apply"] == least["webhook reordered"] == 50 * seconds // 600
    for kind in ("server_error", "throttle", "hang", "garbage"):
        assert least[f"graph conversations {kind}"] == 50 * seconds // 600


@pytest.mark.parametrize("seconds", [60, 600])
def test_every_run_has_conversations_taken_over_and_posts_of_both_faults(seconds: float) -> None:
    plan = drawn(1, seconds)
    least = plan.least()
    assert 1 <= least["conversation taken over"] <= plan.take_overs
    assert plan.posts >= 2
    assert least["graph publish apply"] + least["graph publish drop"] <= plan.posts
    assert seconds < 600 or least["graph publish drop"] >= 5
