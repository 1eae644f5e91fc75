"""Minutes as a series: without gaps, and times read off a histogram."""

from __future__ import annotations

import bisect
import math

from hypothesis import given
from hypothesis import strategies as st

from vestlus.measuring.series import Point, place_of, quantile, series
from vestlus.store.measure_rows import ANSWER_BOUNDS, MINUTE_MS, NO_TIMES, MinuteRow

seconds = st.floats(0.001, ANSWER_BOUNDS[-1])


def histogram(*took: float) -> tuple[int, ...]:
    times = list(NO_TIMES)
    for one in took:
        times[place_of(one)] += 1
    return tuple(times)


def test_minutes_without_a_row_are_points_at_which_nothing_happened() -> None:
    row = MinuteRow(minute_ms=2 * MINUTE_MS, account="a", received=3)
    assert series([row], MINUTE_MS, 4 * MINUTE_MS) == (
        Point(at_ms=MINUTE_MS),
        Point(at_ms=2 * MINUTE_MS, received=3),
        Point(at_ms=3 * MINUTE_MS),
    )


def test_accounts_are_added_up_and_backlogs_are_those_of_one_moment() -> None:
    rows = [
        MinuteRow(minute_ms=0, account="a", received=1, answered=2, failed=1, backlog=5),
        MinuteRow(minute_ms=0, account="b", received=1, backlog=2),
        MinuteRow(minute_ms=MINUTE_MS, account="a", received=1, backlog=6),
    ]
    (point,) = series(rows, 0, 2 * MINUTE_MS, step_minutes=2)
    assert point == Point(at_ms=0, received=3, answered=2, failed=1, backlog=7)


def test_a_span_that_begins_within_a_minute_begins_with_that_minute() -> None:
    assert [point.at_ms for point in series([], 90_000, 180_001)] == [60_000, 120_000, 180_000]
    assert series([], 5 * MINUTE_MS, MINUTE_MS) == ()


def test_rows_outside_the_span_do_not_count() -> None:
    rows = [MinuteRow(minute_ms=n * MINUTE_MS, account="a", received=1) for n in range(5)]
    assert sum(point.received for point in series(rows, MINUTE_MS, 3 * MINUTE_MS)) == 2


def test_where_nothing_was_answered_no_time_is_told() -> None:
    assert quantile(NO_TIMES, 0.5) is None
    row = MinuteRow(minute_ms=0, account="a", received=1)
    (point,) = series([row], 0, 1)
    assert (point.median_seconds, point.p95_seconds) == (None, None)


def test_the_median_of_many_answers_lies_between_them() -> None:
    row = MinuteRow(minute_ms=0, account="a", times=histogram(*([1.2] * 90), *([25.0] * 10)))
    (point,) = series([row], 0, 1)
    assert point.median_seconds is not None
    assert point.p95_seconds is not None
    assert 1 < point.median_seconds <= 1.5
    assert 20 < point.p95_seconds <= 30


def test_what_took_longer_than_any_bound_is_told_as_the_last_bound() -> None:
    assert quantile(histogram(10_000), 0.5) == ANSWER_BOUNDS[-1]


@given(st.lists(seconds, min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_a_quantile_is_in_the_same_step_as_the_answer_it_stands_for(
    took: list[float], share: float
) -> None:
    found = quantile(histogram(*took), share)
    assert found is not None
    true = sorted(took)[math.ceil(share * len(took)) - 1]
    place = bisect.bisect_left(ANSWER_BOUNDS, true)
    lower = ANSWER_BOUNDS[place - 1] if place else 0
    assert lower - 1e-9 <= found <= ANSWER_BOUNDS[place] + 1e-9


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=30),
    st.integers(1, 60),
)
def test_whatever_the_step_every_message_is_in_one_point(
    given_rows: list[tuple[int, int]], step: int
) -> None:
    rows = [
        MinuteRow(minute_ms=minute * MINUTE_MS, account="a", received=received)
        for minute, received in given_rows
    ]
    points = series(rows, 0, 301 * MINUTE_MS, step_minutes=step)
    assert sum(point.received for point in points) == sum(row.received for row in rows)
