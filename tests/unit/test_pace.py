"""The pace of calls, against providers that keep their limits, in virtual time."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pace_world import Bucket, Window, World
from vestlus.assistant.pace import FIRST_CALLS, Pace
from vestlus.assistant.pace_meter import TRUSTED_SECONDS
from vestlus.assistant.ratelimits import Budget, RateLimits

#: A call's wait is looked at again after it: rounding may ask for a moment more.
MOMENT = 1e-6


def new_pace() -> Pace:
    return Pace(Random(1))  # noqa: S311 - reproducible


def told(
    pace: Pace, now: float, remaining: float, *, limit: float = 60, reset: float = 60.0
) -> None:
    """One call is made and answered at once, with these headers."""
    call = pace.sent(now, 1)
    pace.heard(call, now, RateLimits(requests=Budget(remaining, limit, reset)))
    pace.done()


@pytest.mark.parametrize("kind", [Bucket, Window])
@pytest.mark.parametrize("processes", [1, 2, 5])
def test_with_twice_as_many_calls_as_the_limit_none_is_refused_and_the_limit_is_used(
    kind: type[Bucket | Window], processes: int
) -> None:
    limit, minutes = 120, 5
    world = World(kind(limit), processes, seed=processes)
    for _ in range(2 * limit * minutes):
        world.asks(world.random.uniform(0, 60 * minutes), world.random.randrange(processes))
    world.run(60 * minutes)
    assert world.refused == []
    assert len(world.answered) >= 0.9 * limit * minutes


@given(
    limit=st.integers(20, 2000),
    processes=st.integers(1, 6),
    slow=st.floats(0.1, 8),
    load=st.floats(0.2, 3),
    in_windows=st.booleans(),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=25, deadline=None)
def test_whatever_the_load_next_to_nothing_is_refused_and_everything_is_answered(
    *, limit: int, processes: int, slow: float, load: float, in_windows: bool, seed: int
) -> None:
    provider = Window(limit) if in_windows else Bucket(limit)
    world = World(provider, processes, latency=(0.05, slow), seed=seed)
    calls = min(1500, round(limit * load * 3))
    for _ in range(calls):
        world.asks(world.random.uniform(0, 180 * calls / (limit * load * 3)), seed % processes)
        seed += 1
    world.run()
    assert len(world.answered) == calls
    # Before anything is known, one burst may be too much; windows are recognised by and by.
    assert len(world.refused) <= max(2, limit // 10, calls // 100)


@given(
    sends=st.lists(st.tuples(st.floats(0, 3), st.integers(0, 60)), min_size=1, max_size=60),
    share=st.sampled_from([1.0, 0.5, 0.25, 0.1]),
    remaining=st.integers(0, 60),
)
@settings(max_examples=60, deadline=None)
def test_between_two_answers_no_more_than_the_share_goes_out(
    *, sends: list[tuple[float, int]], share: float, remaining: int
) -> None:
    pace = new_pace()
    now = 0.0
    told(pace, now, remaining)
    sent = 0
    for pause, wanted in sends:
        now += pause
        if now >= 60:
            break
        for _ in range(wanted):
            if pace.wait(now, 1, share) > 0:
                break
            pace.sent(now, 1)
            sent += 1
        refilled = (60 - remaining) * now / 60
        assert sent <= max((remaining + refilled) * share, 1) + MOMENT


def test_a_burst_on_two_processes_before_anything_is_known_is_held_to_a_few_calls() -> None:
    world = World(Bucket(60), 2, latency=(0.6, 0.6))
    for each in range(100):
        world.asks(0.0, each % 2)
    world.run(0.0)
    assert len(world.sent) == FIRST_CALLS
    world.run()
    assert (len(world.answered), world.refused) == (100, [])


def test_without_headers_nothing_waits_once_the_first_call_was_answered() -> None:
    world = World(Bucket(1e9), 1, latency=(0.1, 0.1), silent=True)
    world.asks(0.0, 0)
    for _ in range(500):
        world.asks(1.0, 0)
    world.run()
    assert world.waits == [0.0] * 501


def test_a_provider_that_never_answers_is_soon_called_without_limit() -> None:
    pace = new_pace()
    for _ in range(1000):
        now = 4.0 if pace.under_way else 0.0
        assert pace.wait(now, 1, 1.0) == 0
        pace.sent(now, 1)


def test_rubbish_changes_nothing() -> None:
    pace = new_pace()
    told(pace, 0.0, 3)
    before = pace.wait(1.0, 1, 1.0)
    assert before > 0
    call = pace.sent(1.0, 1)
    pace.heard(call, 1.0, RateLimits())
    assert pace.wait(1.0, 1, 1.0) >= before


def test_headers_that_always_say_nothing_is_left_are_not_believed_for_long() -> None:
    pace, now, waited = new_pace(), 0.0, []
    for _ in range(6):
        wait = pace.wait(now, 1, 1.0)
        waited.append(wait)
        now += wait
        assert pace.wait(now, 1, 1.0) <= MOMENT
        told(pace, now, 0, reset=24 * 3600)
    assert waited == [0.0, TRUSTED_SECONDS, TRUSTED_SECONDS, 0.0, 0.0, 0.0]


def test_after_a_refusal_even_such_headers_are_believed_again() -> None:
    pace, now = new_pace(), 0.0
    for _ in range(4):
        now += pace.wait(now, 1, 1.0)
        told(pace, now, 0)
    call = pace.sent(now, 1)
    pace.heard(call, now, RateLimits(requests=Budget(0, 60, 30)), refused=True, retry_after=1.0)
    assert pace.wait(now + 2, 1, 1.0) > 0


def test_when_the_limit_drops_so_does_the_pace() -> None:
    world = World(Bucket(600), 2, latency=(0.1, 0.5))
    for each in range(3000):
        world.asks(each * 0.1, each % 2)
    world.run(60)
    before = len(world.sent)
    world.provider = Bucket(60)
    world.run(120)
    dropped = len(world.sent) - before
    world.run(180)
    assert before >= 550
    assert dropped <= 60 + 60 + 10
    assert len(world.sent) - before - dropped <= 60 + 1
    # Those under way when it dropped may have been too many.
    assert len(world.refused) <= 2


def test_after_a_pause_the_calls_go_out_spread_and_the_processes_not_in_one_moment() -> None:
    bucket = Bucket(60)
    bucket.level = 0  # somebody else has used it up
    world = World(bucket, 4, latency=(0.1, 0.1))
    for each in range(80):
        world.asks(0.0, each % 4)
    world.run(200)
    first = [min(at for at, who in world.sent if who == each and at > 0.5) for each in range(4)]
    assert len({round(at, 3) for at in first}) == 4
    later = sorted(at for at, _ in world.sent if at > 0.5)
    for at in later:
        together = sum(at <= other < at + 1 for other in later)
        assert together <= 4  # one of each process at most; the mean is one


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.one_of(st.none(), st.tuples(st.integers(0, 50), st.floats(0, 90000))),
            st.booleans(),
            st.one_of(st.none(), st.floats(0, 1e9)),
        ),
        max_size=30,
    ),
    st.sampled_from([1.0, 0.5, 0.01]),
)
@settings(deadline=None)
def test_nobody_waits_for_more_than_a_minute_for_whatever_is_said(
    steps: list[tuple[float, tuple[int, float] | None, bool, float | None]], share: float
) -> None:
    pace, now = new_pace(), 0.0
    for pause, said, refused, retry_after in steps:
        now += pause
        call = pace.sent(now, 4000)
        budget = Budget(said[0], 50, said[1]) if said else None
        limits = RateLimits(requests=budget, tokens=budget)
        pace.heard(call, now, limits, refused=refused, retry_after=retry_after)
        pace.done()
    for later in (False, True):
        at = now
        for _ in range(4):
            wait = pace.wait(at, 4000, share, waited=True, later=later)
            assert 0 <= wait <= TRUSTED_SECONDS
            at += wait
        # A pause may have to be followed by a reset, and that by a gap.
        assert pace.wait(at, 4000, share, waited=True, later=later) <= MOMENT


def test_what_may_come_later_stops_while_users_answers_still_go_at_will() -> None:
    pace = new_pace()
    told(pace, 0.0, 40)
    assert pace.wait(0.0, 1, 1.0) == 0
    assert pace.wait(0.0, 1, 1.0, later=True) > 0


def test_tokens_are_paced_as_requests_are() -> None:
    world = World(Bucket(200_000), 2, weight=4_000.0, tokens=True)
    for _ in range(400):
        world.asks(world.random.uniform(0, 240), world.random.randrange(2))
    world.run()
    assert (len(world.answered), world.refused) == (400, [])
