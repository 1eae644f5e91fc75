"""Pools grow quickly, shrink slowly, stay within their bounds and do not flap."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.pools import pool_load
from vestlus.hosting.assignment import assign_evenly
from vestlus.scaling.deciding import Autoscaler, ScalingRules
from vestlus.scaling.load import ActorLoad, PoolLoad
from vestlus.scaling.size import LARGEST, PoolSize, parse_size

RULES = ScalingRules()
#: Time between two looks, seconds.
STEP = 2.0

LOADS = st.lists(
    st.builds(
        ActorLoad,
        busy=st.floats(0, 1),
        backlog_seconds=st.floats(0, 600),
        full=st.floats(0, 1),
        partitions=st.integers(1, 16),
    ),
    max_size=12,
).map(lambda actors: PoolLoad(tuple(actors)))
BOUNDS = st.tuples(st.integers(1, 5), st.integers(0, 7)).map(lambda b: (b[0], b[0] + b[1]))


def run(
    work: float, size: int, bounds: tuple[int, int], seconds: float, stuck: float = 0.0
) -> list[int]:
    """The sizes that a pool takes under so much work, in busy actors; more of them share it.
    ``stuck``: for how long something has waited that no actor can help.
    """
    scaler, sizes, now = Autoscaler(size, RULES, 0.0), [size], 0.0
    while now < seconds:
        busy = min(1.0, work / scaler.size)
        waits = 60.0 if work > scaler.size else stuck
        sizes.append(scaler.decide(pool_load(scaler.size, busy, waits), bounds, now))
        now += STEP
    return sizes


def changes(sizes: list[int]) -> list[int]:
    """Every change of the size, its sign and its extent."""
    return [after - before for before, after in itertools.pairwise(sizes) if after != before]


@given(st.lists(LOADS, max_size=60), BOUNDS, st.integers(1, 12))
def test_a_size_is_always_within_its_bounds(
    loads: list[PoolLoad], bounds: tuple[int, int], size: int
) -> None:
    scaler = Autoscaler(size, RULES, 0.0)
    for index, load in enumerate(loads):
        assert bounds[0] <= scaler.decide(load, bounds, index * 20.0) <= bounds[1]


@given(st.lists(LOADS, min_size=1, max_size=150), st.integers(1, 8))
def test_whatever_happens_it_shrinks_by_one_and_long_after_any_other_change(
    loads: list[PoolLoad], size: int
) -> None:
    scaler, last = Autoscaler(size, RULES, 0.0), 0.0
    for index, load in enumerate(loads):
        before, now = scaler.size, index * 20.0
        after = scaler.decide(load, (1, 8), now)
        if after < before:
            assert before - after == 1
            assert now - last >= RULES.down_after_seconds
        elif after > before:
            assert after <= 2 * before
            assert load.serving >= before
            assert last == 0.0 or now - last >= RULES.up_pause_seconds
        if after != before:
            last = now


@given(st.floats(0, 8), st.integers(1, 8), st.sampled_from([0.0, 600.0]))
def test_under_a_steady_load_it_settles_and_never_turns_back(
    work: float, size: int, stuck: float
) -> None:
    sizes = run(work, size, (1, 8), 4000, stuck)
    assert len({step > 0 for step in changes(sizes)}) <= 1
    settled = sizes[-1]
    assert run(work, settled, (1, 8), 1500, stuck)[-1] == settled
    assert settled == 8 or work / settled < RULES.busy_above


def run_uneven(work: list[float], size: int, most: int, seconds: float) -> list[int]:
    """The sizes that a pool takes whose partitions have so much work each, in busy actors. They
    are shared out as the registry does it.
    """
    scaler, sizes, now = Autoscaler(size, RULES, 0.0), [size], 0.0
    names = [str(number) for number in range(len(work))]
    served: dict[str, str] = {}
    while now < seconds:
        members = [f"actor-{number}" for number in range(scaler.size)]
        served = assign_evenly(names, members, served)
        shares = [[work[int(name)] for name in names if served[name] == one] for one in members]
        actors = (
            ActorLoad(
                busy=min(1.0, sum(share)),
                backlog_seconds=60.0 if sum(share) > 1 else 0.0,
                partitions=len(share),
            )
            for share in shares
            if share
        )
        sizes.append(scaler.decide(PoolLoad(tuple(actors)), (1, most), now))
        now += STEP
    return sizes


@given(st.lists(st.floats(0, 1.5), min_size=2, max_size=8), st.integers(1, 8))
def test_partitions_that_have_unlike_much_work_make_no_pool_go_to_and_fro(
    work: list[float], size: int
) -> None:
    most = len(work)
    sizes = run_uneven(work, min(size, most), most, 5000)
    assert len({step > 0 for step in changes(sizes)}) <= 1


@given(st.lists(st.floats(0, 0.9), min_size=4, max_size=4))
def test_nobody_is_left_with_too_much_while_another_could_take_something(
    work: list[float],
) -> None:
    size = run_uneven(work, 1, 4, 600)[-1]
    served: dict[str, str] = {}
    # As they came to be shared out while the pool grew.
    for members in range(1, size + 1):
        served = assign_evenly("0123", [f"actor-{one}" for one in range(members)], served)
    for member in set(served.values()):
        its = [work[int(name)] for name, one in served.items() if one == member]
        assert len(its) == 1 or sum(its) <= 1


def test_one_busy_actor_of_idle_ones_is_relieved_if_what_it_has_can_be_divided() -> None:
    idle = ActorLoad(partitions=1)
    for partitions, size in ((2, 4), (1, 3)):
        scaler = Autoscaler(3, RULES, 0.0)
        busy = ActorLoad(busy=1.0, backlog_seconds=60.0, partitions=partitions)
        load = PoolLoad((busy, idle, idle))
        assert max(scaler.decide(load, (1, 4), at * STEP) for at in range(10)) == size


def test_what_waits_for_an_idle_actor_calls_for_nobody_although_another_is_busy() -> None:
    scaler = Autoscaler(2, RULES, 0.0)
    load = PoolLoad(
        (
            ActorLoad(busy=0.1, backlog_seconds=900.0, partitions=2),
            ActorLoad(busy=0.7, partitions=2),
        )
    )
    assert max(scaler.decide(load, (1, 8), at * STEP) for at in range(100)) == 2


def test_a_busy_actor_is_joined_by_others_within_seconds_and_they_leave_one_by_one() -> None:
    up = run(2.0, 1, (1, 4), 120)
    assert up[-1] == 4
    assert up.index(2) * STEP <= RULES.up_after_seconds + 2 * STEP
    down = run(0.1, 4, (1, 4), 1000)
    assert changes(down) == [-1, -1, -1]


def test_a_backlog_of_idle_actors_calls_for_nobody() -> None:
    # They wait for a model or for Meta: so would more of them.
    scaler = Autoscaler(2, RULES, 0.0)
    sizes = {scaler.decide(pool_load(2, 0.1, 900.0), (1, 8), at * STEP) for at in range(900)}
    assert max(sizes) == 2


def test_one_send_that_is_stuck_keeps_no_idle_actors() -> None:
    assert run(0.1, 4, (1, 4), 1000, stuck=600.0)[-1] == 1


def test_places_that_are_taken_call_for_nobody_and_keep_who_holds_them() -> None:
    # A slow or limited model: more actors would only split the same key.
    scaler = Autoscaler(2, RULES, 0.0)
    full = pool_load(2, 0.1, 0.0, full=1.0)
    assert {scaler.decide(full, (1, 8), at * STEP) for at in range(900)} == {2}


def test_fewer_processors_end_actors_one_by_one_and_only_when_they_stay_away() -> None:
    scaler, busy = Autoscaler(4, RULES, 0.0), pool_load(4, 0.7, 0.0)
    away = [scaler.decide(busy, (1, 8), at * STEP, room=1) for at in range(25)]
    assert scaler.decide(busy, (1, 8), 50.0, room=4) == 4
    away += [scaler.decide(busy, (1, 8), 52.0 + at * STEP, room=1) for at in range(30)]
    assert set(away) == {4}
    left = [scaler.decide(busy, (1, 8), 112.0 + at * STEP, room=1) for at in range(100)]
    assert changes([4, *left]) == [-1, -1, -1]
    assert left.index(2) - left.index(3) >= RULES.room_after_seconds / STEP
    assert scaler.reason == "fewer processors"


def test_it_grows_no_further_than_there_are_processors() -> None:
    scaler = Autoscaler(1, RULES, 0.0)
    busy = [pool_load(9, 1.0, 60.0)] * 200
    assert max(scaler.decide(one, (1, 8), at * STEP, room=3) for at, one in enumerate(busy)) == 3


def test_a_backlog_of_half_busy_actors_calls_for_more() -> None:
    scaler = Autoscaler(2, RULES, 0.0)
    for at in range(7):
        scaler.decide(pool_load(2, 0.5, 9.0), (1, 8), at * STEP)
    assert scaler.size == 3
    assert "oldest waiting 9.0 s" in scaler.reason


def test_a_burst_is_over_before_anything_changes() -> None:
    scaler = Autoscaler(1, RULES, 0.0)
    for at in range(600):
        busy = 1.0 if at % 5 == 0 else 0.2
        assert scaler.decide(pool_load(1, busy, 0.0), (1, 8), at * STEP) == 1


def test_while_actors_wait_for_a_node_no_more_are_asked_for_and_idle_ones_ask_for_none() -> None:
    scaler = Autoscaler(4, RULES, 0.0)
    assert {scaler.decide(pool_load(2, 1.0, 60.0), (1, 8), at * STEP) for at in range(500)} == {4}
    for at in range(500, 1000):
        scaler.decide(pool_load(2, 0.1, 0.0), (1, 8), at * STEP)
    assert scaler.size < 4


def test_new_bounds_hold_at_once() -> None:
    scaler = Autoscaler(1, RULES, 0.0)
    assert scaler.decide(pool_load(1, 0.0, 0.0), (3, 6), 1.0) == 3
    assert scaler.decide(pool_load(3, 0.0, 0.0), (1, 2), 2.0) == 2


@given(st.integers(1, LARGEST), st.integers(1, LARGEST))
def test_a_size_is_written_as_it_is_read(one: int, other: int) -> None:
    least, most = sorted((one, other))
    for size in (PoolSize(least, most), PoolSize(1, None)):
        assert parse_size(str(size)) == size
    assert parse_size(least) == PoolSize(least, least)


@pytest.mark.parametrize(
    "value",
    ["", "0", "1001", "-1", "2.5", "many", "auto:", "auto:0-4", "auto:4-2", 0, True, 2.0, None],
)
def test_anything_else_is_refused_and_what_may_be_written_is_said(value: object) -> None:
    with pytest.raises(ValueError, match="auto:1-8"):
        parse_size(value)


@pytest.mark.parametrize(
    ("text", "useful", "processors", "bounds"),
    [
        ("3", 16, 2, (3, 3)),
        ("30", 16, 2, (16, 16)),
        ("auto", 16, 2, (1, 2)),
        ("auto", 16, 0.5, (1, 1)),
        ("auto", 4, 64, (1, 4)),
        ("auto:2-8", 16, 2, (2, 8)),
        ("auto:2-8", 4, 2, (2, 4)),
        ("auto:6-8", 4, 2, (4, 4)),
    ],
)
def test_bounds_end_where_more_have_nothing_to_do(
    text: str, useful: int, processors: float, bounds: tuple[int, int]
) -> None:
    assert parse_size(text).bounds(useful, processors) == bounds
