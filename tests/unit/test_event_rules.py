"""What rules make of events, and how often they may."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.scheduling.event_rules import (
    Applies,
    ConditionFailed,
    LastFirings,
    Passed,
    Payload,
    Reason,
    Terms,
    fired,
    held_back,
    judged,
)
from vestlus.scheduling.quiet import QuietHours, parse_quiet_hours

TALLINN = ZoneInfo("Europe/Tallinn")
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
NOON = round(datetime(2026, 3, 1, 12, tzinfo=TALLINN).timestamp() * 1000)


class Says:
    """A schema and a condition that say what they are told to."""

    def __init__(
        self,
        *,
        problems: tuple[str, ...] = (),
        holds: bool = True,
        fails: str = "",
    ) -> None:
        self._problems = problems
        self._holds = holds
        self._fails = fails

    def problems(self, payload: Payload) -> tuple[str, ...]:  # noqa: ARG002 - as it is called
        return self._problems

    def holds(self, payload: Payload) -> bool:  # noqa: ARG002 - as it is called
        if self._fails:
            raise ConditionFailed(self._fails)
        return self._holds


def terms(quiet: str = "", delay_ms: int = 0) -> Terms:
    return Terms(zone=TALLINN, quiet=parse_quiet_hours(quiet), delay_ms=delay_ms)


def test_a_rule_that_applies_is_due_at_once() -> None:
    assert judged(terms(), Says(), {}, NOON) == Applies(NOON, "2026-03-01")


def test_a_delay_is_waited_for_and_then_quiet_hours() -> None:
    late = terms("22:00-07:00", delay_ms=11 * 60 * MINUTE)
    assert judged(late, Says(), {}, NOON) == Applies(NOON + 19 * 60 * MINUTE, "2026-03-02")


def test_the_day_is_that_of_the_accounts_calendar() -> None:
    just_before = round(datetime(2026, 3, 1, 23, 59, tzinfo=TALLINN).timestamp() * 1000)
    assert judged(terms(), Says(), {}, just_before) == Applies(just_before, "2026-03-01")
    after = judged(terms(delay_ms=MINUTE), Says(), {}, just_before)
    assert after == Applies(just_before + MINUTE, "2026-03-02")


def test_data_that_do_not_fit_are_refused_before_the_condition_is_asked() -> None:
    trial = Says(problems=("a: no number", "b: missing"), fails="must not be asked")
    expected = Passed(Reason.PAYLOAD_REFUSED, "a: no number; b: missing")
    assert judged(terms(), trial, {}, NOON) == expected


def test_a_condition_that_does_not_hold_or_fails_passes_the_rule_over() -> None:
    passed = judged(terms(), Says(holds=False), {}, NOON)
    assert isinstance(passed, Passed)
    assert passed.reason is Reason.CONDITION
    failed = judged(terms(), Says(fails="names the field 'a'"), {}, NOON)
    assert failed == Passed(
        Reason.CONDITION_FAILED, "`when` cannot be evaluated: names the field 'a'"
    )


def at(due_ms: int, day: str = "2026-03-01") -> Applies:
    return Applies(due_ms, day)


def held(last: LastFirings, applies: Applies, cool_down: int = 0, most: int = 0) -> str:
    found = held_back(last, applies, cool_down_ms=cool_down, most_per_day=most)
    return found.reason if found else ""


def test_without_limits_and_without_a_first_time_nothing_is_held_back() -> None:
    assert held(LastFirings(), at(5), cool_down=DAY, most=1) == ""
    assert held(LastFirings(NOON, "2026-03-01", 99), at(NOON)) == ""


@pytest.mark.parametrize(
    ("apart", "reason"),
    [
        (0, "cool_down"),
        (10 * MINUTE - 1, "cool_down"),
        (10 * MINUTE, ""),
        # Due before the last: clocks are not quite together.
        (-1, "cool_down"),
        # Far in the future by a clock that was wrong: holds nothing back.
        (-365 * DAY, ""),
    ],
)
def test_a_rule_cools_down(apart: int, reason: str) -> None:
    last = LastFirings(NOON, "2026-03-01", 1)
    assert held(last, at(NOON + apart), cool_down=10 * MINUTE) == reason


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-03-01", "daily_limit"),
        # Just over, by clocks that are not quite together.
        ("2026-02-28", "daily_limit"),
        ("2026-03-02", ""),
        # A clock that was a year ahead holds nothing back.
        ("2025-03-01", ""),
    ],
)
def test_a_rule_has_so_many_posts_on_a_day(day: str, reason: str) -> None:
    last = LastFirings(NOON, "2026-03-01", 2)
    assert held(last, at(NOON, day), most=2) == reason
    assert held(last, at(NOON, day), most=3) == ""


def test_reasons_are_told_in_sentences() -> None:
    last = LastFirings(NOON, "2026-03-01", 1)
    cooling = held_back(last, at(NOON), cool_down_ms=90_000, most_per_day=1)
    assert cooling is not None
    assert cooling.problem == "a post of this rule is or was due within 1.5 minutes of this"
    spent = held_back(last, at(NOON), cool_down_ms=0, most_per_day=1)
    assert spent is not None
    assert spent.problem == "the rule has its 1 post of 2026-03-01"


@given(
    steps=st.lists(st.tuples(st.integers(0, 2), st.integers(0, DAY)), max_size=40),
    most=st.integers(1, 4),
)
def test_no_day_has_more_than_it_may_as_days_go_on(steps: list[tuple[int, int]], most: int) -> None:
    last, day, count = LastFirings(), date(2026, 3, 1), 0
    for ahead, after_ms in steps:
        if ahead:
            day, count = day + timedelta(ahead), 0
        applies = at(last.due_ms + after_ms, day.isoformat())
        if held(last, applies, most=most):
            assert count == most
        else:
            last, count = fired(last, applies), count + 1
        assert count <= most


@given(moves=st.lists(st.booleans(), max_size=30), most=st.integers(1, 3))
def test_two_clocks_at_midnight_do_not_double_the_day(moves: list[bool], most: int) -> None:
    last = LastFirings()
    for is_next in [True, *moves]:
        applies = at(NOON, "2026-03-02" if is_next else "2026-03-01")
        if not held(last, applies, most=most):
            last = fired(last, applies)
    assert last.day == "2026-03-02"
    assert last.count == min(most, len(moves) + 1)


def test_a_firing_is_counted_with_its_day() -> None:
    first = fired(LastFirings(), at(NOON))
    assert first == LastFirings(NOON, "2026-03-01", 1)
    assert fired(first, at(NOON + 1)) == LastFirings(NOON + 1, "2026-03-01", 2)
    assert fired(first, at(NOON + DAY, "2026-03-02")) == LastFirings(NOON + DAY, "2026-03-02", 1)


def test_no_quiet_hours_are_none() -> None:
    assert terms().quiet == QuietHours()
