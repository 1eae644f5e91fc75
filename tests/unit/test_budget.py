"""When a daily budget is nearly used up, and when it is, by days of the account's own zone."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.budget import Budget, Day, Spent, Stage, day_at, stage_of

amounts = st.integers(min_value=0, max_value=10**15)
limits = st.integers(min_value=1, max_value=10**15)
zones = st.sampled_from(
    [
        *("Europe/Tallinn", "UTC", "America/New_York", "Pacific/Apia", "Pacific/Kiritimati"),
        # Clocks are changed at midnight there.
        *("Africa/Cairo", "Asia/Beirut", "America/Havana", "America/Sao_Paulo", "Asia/Gaza"),
    ]
)
times = st.integers(min_value=0, max_value=4_000_000_000_000)


@given(amounts, amounts)
def test_without_limits_nothing_is_ever_used_up(cost: int, tokens: int) -> None:
    assert stage_of(Budget(), Spent(1, tokens, cost)) is Stage.WITHIN


@given(limits, amounts)
def test_a_limit_is_used_up_from_its_last_unit_on_and_near_from_four_fifths(
    limit: int, used: int
) -> None:
    wanted = Stage.WITHIN
    if 5 * used >= 4 * limit:
        wanted = Stage.NEAR
    if used >= limit:
        wanted = Stage.SPENT
    assert stage_of(Budget(cost_nano=limit), Spent(cost_nano=used)) is wanted
    assert stage_of(Budget(tokens=limit), Spent(tokens=used)) is wanted


spending = st.builds(Spent, calls=st.just(1), tokens=amounts, cost_nano=amounts)


@given(limits, limits, spending, spending)
def test_spending_more_never_goes_back_a_stage(
    money: int, tokens: int, before: Spent, more: Spent
) -> None:
    budget = Budget(money, tokens)
    assert stage_of(budget, before + more) >= stage_of(budget, before)


@given(limits, limits, amounts, amounts)
def test_of_two_limits_the_one_that_is_used_up_further_counts(
    money: int, tokens: int, cost: int, taken: int
) -> None:
    spent = Spent(1, taken, cost)
    alone = stage_of(Budget(money), spent), stage_of(Budget(tokens=tokens), spent)
    assert stage_of(Budget(money, tokens), spent) is max(alone)


@given(times, zones)
def test_it_is_always_one_day_and_the_next_one_begins_where_it_ends(
    now_ms: int, timezone: str
) -> None:
    day = day_at(now_ms, timezone)
    assert day.has(now_ms)
    following = day_at(day.ends_ms, timezone)
    assert following.name > day.name
    assert following.has(day.ends_ms)
    assert day_at(day.ends_ms - 1, timezone) == day


def test_the_day_is_the_account_s_own() -> None:
    late = round(datetime(2026, 3, 14, 22, 30, tzinfo=UTC).timestamp() * 1000)
    assert day_at(late, "Europe/Tallinn").name == "2026-03-15"
    assert day_at(late, "America/New_York").name == "2026-03-14"


def test_a_day_on_which_the_clocks_change_has_an_hour_less_or_more() -> None:
    def hours(day: Day) -> float:
        return (day.ends_ms - day.begins_ms) / 3_600_000

    spring = round(datetime(2026, 3, 29, 9, tzinfo=UTC).timestamp() * 1000)
    autumn = round(datetime(2026, 10, 25, 9, tzinfo=UTC).timestamp() * 1000)
    assert hours(day_at(spring, "Europe/Tallinn")) == 23
    assert hours(day_at(autumn, "Europe/Tallinn")) == 25
