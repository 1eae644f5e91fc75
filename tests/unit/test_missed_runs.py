"""Missed occurrences are run, or told to be passed over: each is one of the two, exactly once."""

from __future__ import annotations

import itertools
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.scheduling.missed import ON_TIME_MS, Due, MissedRule, due_now
from vestlus.scheduling.recurrence import Occurrence, Once, Repeated

HOUR_MS = 3_600_000
ZONE = ZoneInfo("Europe/Tallinn")
START_MS = 1_790_000_000_000
HOURLY = Repeated("0 * * * *", ZONE)


def asked(rule: MissedRule, hours: float, *, late_ms: int = 0, longest_hours: float = 24) -> Due:
    """Asks when the newest of ``hours`` hourly occurrences is late by that much."""
    newest = next(HOURLY.after(START_MS)).at_ms + round(hours) * HOUR_MS - HOUR_MS
    return due_now(
        HOURLY,
        after_ms=START_MS,
        now_ms=newest + late_ms,
        rule=rule,
        longest_ms=round(longest_hours * HOUR_MS),
    )


def test_what_is_seen_in_time_is_run_whatever_the_rule() -> None:
    for rule in MissedRule:
        assert len(asked(rule, 1, late_ms=ON_TIME_MS).run) == 1


def test_skip_runs_nothing_that_was_missed_and_says_so() -> None:
    due = asked(MissedRule.SKIP, 3, late_ms=ON_TIME_MS + 1)
    assert (len(due.run), len(due.passed_over)) == (0, 3)


def test_latest_runs_the_newest_and_passes_over_the_others() -> None:
    due = asked(MissedRule.LATEST, 3, late_ms=ON_TIME_MS + 1)
    assert (len(due.run), len(due.passed_over)) == (1, 2)
    assert due.run[0].at_ms > due.passed_over[-1].at_ms


def test_latest_runs_nothing_missed_beside_what_is_on_time() -> None:
    due = asked(MissedRule.LATEST, 3)
    assert (len(due.run), len(due.passed_over)) == (1, 2)


def test_all_runs_each_oldest_first() -> None:
    due = asked(MissedRule.ALL, 5, late_ms=HOUR_MS // 2)
    moments = [one.at_ms for one in due.run]
    assert (len(moments), moments, due.passed_over) == (5, sorted(moments), ())


def test_what_is_older_than_the_longest_age_is_passed_over_whatever_the_rule() -> None:
    for rule in (MissedRule.LATEST, MissedRule.ALL):
        due = asked(rule, 10, late_ms=ON_TIME_MS * 2, longest_hours=0.01)
        assert (len(due.run), len(due.passed_over)) == (0, 10)


def test_a_schedule_that_nobody_ran_for_years_is_passed_over_at_once() -> None:
    every_minute = Repeated("* * * * *", ZONE)
    now_ms = START_MS + 3 * 365 * 24 * HOUR_MS
    due = due_now(
        every_minute, after_ms=START_MS, now_ms=now_ms, rule=MissedRule.SKIP, longest_ms=0
    )
    assert len(due.run) in (1, 2)
    assert 0 < len(due.passed_over) < 1_100


def test_a_clock_that_goes_back_tells_nothing_again() -> None:
    due = due_now(
        HOURLY,
        after_ms=START_MS,
        now_ms=START_MS - 5 * HOUR_MS,
        rule=MissedRule.ALL,
        longest_ms=24 * HOUR_MS,
    )
    assert due == Due((), ())


def test_something_due_once_is_run_late_within_its_age() -> None:
    once = Once(datetime(2026, 12, 24, 9), ZONE)  # noqa: DTZ001 - a wall time
    (told,) = once.after(0)
    for late_ms, runs in ((2 * HOUR_MS, 1), (25 * HOUR_MS, 0)):
        due = due_now(
            once,
            after_ms=0,
            now_ms=told.at_ms + late_ms,
            rule=MissedRule.LATEST,
            longest_ms=24 * HOUR_MS,
        )
        assert (len(due.run), len(due.passed_over)) == (runs, 1 - runs)


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(-3 * HOUR_MS, 40 * HOUR_MS), min_size=1, max_size=12),
    rule=st.sampled_from(MissedRule),
    longest_ms=st.integers(0, 30 * HOUR_MS),
)
def test_however_often_and_late_one_asks_each_is_told_exactly_once(
    steps: list[int], rule: MissedRule, longest_ms: int
) -> None:
    """Clocks that jump in both directions among it: who asks remembers the latest they saw."""
    told: list[Occurrence] = []
    now_ms = after_ms = START_MS
    for step in steps:
        now_ms += step
        due = due_now(HOURLY, after_ms=after_ms, now_ms=now_ms, rule=rule, longest_ms=longest_ms)
        told += due.run + due.passed_over
        after_ms = max(after_ms, now_ms)
        if rule is MissedRule.ALL and longest_ms > max(steps):
            assert due.passed_over == ()
    expected = list(itertools.takewhile(lambda one: one.at_ms <= after_ms, HOURLY.after(START_MS)))
    assert sorted(told, key=lambda one: one.at_ms) == expected
