"""How often one user may have the model asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.allowance import (
    DAY_MS,
    HOUR_MS,
    NO_USAGE,
    Allowance,
    Usage,
    read,
    written,
)

NOW = 1_900_000_000_000


def after(calls: int, at_ms: int = NOW) -> Usage:
    return NO_USAGE.counted(at_ms, calls)


def test_an_allowance_is_used_up_by_its_last_call_and_whole_again_an_hour_after_its_first() -> None:
    three = Allowance(per_hour=3)
    assert after(2).spent_until(three, NOW) == 0
    spent = after(2).counted(NOW + 1000)
    assert spent.spent_until(three, NOW + 1000) == NOW + HOUR_MS
    assert spent.spent_until(three, NOW + HOUR_MS - 1) == NOW + HOUR_MS
    assert spent.spent_until(three, NOW + HOUR_MS) == 0


def test_of_both_limits_the_one_that_lasts_longer_counts() -> None:
    assert after(5).spent_until(Allowance(3, 5), NOW) == NOW + DAY_MS
    assert after(5).spent_until(Allowance(3, 6), NOW) == NOW + HOUR_MS


def test_without_a_limit_nothing_is_used_up() -> None:
    assert after(10**6).spent_until(Allowance(), NOW) == 0


def test_a_clock_that_was_put_back_neither_silences_nor_says_that_the_user_was_told() -> None:
    later = NOW + 10 * DAY_MS
    assert after(100, later).spent_until(Allowance(3, 3), NOW) == 0
    told = Usage(told_until_ms=later)
    assert not told.was_told(NOW)
    assert told.was_told(later - 1)
    assert not told.was_told(later)


@given(
    pauses=st.lists(st.integers(0, 2 * HOUR_MS), max_size=60),
    allowance=st.builds(Allowance, st.integers(1, 5), st.integers(1, 12)),
)
def test_whatever_the_pace_no_hour_and_no_day_that_began_has_more_than_its_calls(
    pauses: list[int], allowance: Allowance
) -> None:
    usage, now, made = NO_USAGE, NOW, []
    for pause in pauses:
        now += pause
        until = usage.spent_until(allowance, now)
        if until:
            assert until > now
            assert usage.spent_until(allowance, until - 1)
            continue
        usage = usage.counted(now)
        made.append(now)
        assert usage.in_hour <= allowance.per_hour
        assert usage.in_day <= allowance.per_day
    # Two windows that meet lie within any stretch as long as one.
    for first in made:
        assert sum(first <= at < first + HOUR_MS for at in made) <= 2 * allowance.per_hour
        assert sum(first <= at < first + DAY_MS for at in made) <= 2 * allowance.per_day


@given(st.builds(Usage, *[st.integers(0, 2**53)] * 5))
def test_what_is_written_is_read_again(usage: Usage) -> None:
    assert read(written(usage)) == usage


def test_who_never_asked_takes_no_room() -> None:
    assert (written(NO_USAGE), read("")) == ("", NO_USAGE)


def test_rubbish_is_not_read_as_something() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        read("many")
