"""When people are there: working hours and holidays, over weekends, nights and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vestlus.conversation.hours import (
    Holiday,
    Opening,
    parse_holiday,
    parse_opening,
    people_back,
)

TALLINN = ZoneInfo("Europe/Tallinn")
OFFICE = (parse_opening("Mon-Fri 09:00-17:00"),)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TALLINN)


@pytest.mark.parametrize(
    ("text", "days", "since", "until"),
    [
        ("Mon-Fri 09:00-17:00", {0, 1, 2, 3, 4}, time(9), time(17)),
        ("sat 10:00-24:00", {5}, time(10), None),
        ("  SUN   0:00 - 23:59 ", {6}, time(0), time(23, 59)),
        ("Sat - Mon 8:30-9:00", {5, 6, 0}, time(8, 30), time(9)),
        ("Mon-Sun 00:00-24:00", set(range(7)), time(0), None),
    ],
)
def test_an_opening_reads_as_it_is_written(
    text: str, days: set[int], since: time, until: time | None
) -> None:
    assert parse_opening(text) == Opening(frozenset(days), since, until)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon",
        "09:00-17:00",
        "Mon-Fri 9-17",
        "Mon-Fre 09:00-17:00",
        "Mon-Fri 17:00-09:00",
        "Mon 09:00-09:00",
        "Mon 09:60-17:00",
        "Mon 24:00-24:00",
        "Mon 09:00-24:01",
        "Mon 09:00-17:00 x",
        "Mon,Tue 09:00-17:00",
    ],
)
def test_what_is_no_opening_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_opening(text)


def test_a_holiday_is_of_one_year_or_of_every_year() -> None:
    assert parse_holiday(" 2026-12-24 ") == Holiday(12, 24, 2026)
    assert parse_holiday("12-24") == Holiday(12, 24)
    assert Holiday(12, 24).is_on(date(2030, 12, 24))
    assert not Holiday(12, 24, 2026).is_on(date(2027, 12, 24))
    assert not Holiday(2, 29).is_on(date(2027, 2, 28))


@pytest.mark.parametrize("text", ["", "12-32", "13-01", "2026-2-3", "2026-02-30", "24.12", "x"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_holiday(text)


@given(st.text(max_size=30))
def test_any_text_is_an_opening_or_refused(text: str) -> None:
    for parse in (parse_opening, parse_holiday):
        try:
            parse(text)
        except ValueError as error:
            assert "must" in str(error)  # noqa: PT017 - both outcomes are right


@pytest.mark.parametrize(
    ("now", "back"),
    [
        ("2026-09-16 12:00", "2026-09-16 12:00"),  # a Wednesday
        ("2026-09-16 09:00", "2026-09-16 09:00"),
        ("2026-09-16 08:59", "2026-09-16 09:00"),
        ("2026-09-16 16:59", "2026-09-16 16:59"),
        ("2026-09-16 17:00", "2026-09-17 09:00"),
        ("2026-09-18 17:00", "2026-09-21 09:00"),  # Friday evening
        ("2026-09-20 23:00", "2026-09-21 09:00"),
        ("2026-12-31 20:00", "2027-01-01 09:00"),
    ],
)
def test_people_are_there_in_working_hours_and_back_when_the_next_begin(
    now: str, back: str
) -> None:
    assert people_back(at(now), OFFICE, ()) == at(back)


def test_holidays_are_passed_over() -> None:
    holidays = [parse_holiday("2026-09-17"), parse_holiday("09-18")]
    assert people_back(at("2026-09-16 18:00"), OFFICE, holidays) == at("2026-09-21 09:00")
    assert people_back(at("2026-09-17 12:00"), OFFICE, holidays) == at("2026-09-21 09:00")


def test_a_day_can_have_several_openings_in_any_order() -> None:
    openings = [parse_opening("Mon-Fri 13:00-17:00"), parse_opening("Mon-Wed 09:00-12:00")]
    assert people_back(at("2026-09-16 12:30"), openings, ()) == at("2026-09-16 13:00")
    assert people_back(at("2026-09-16 08:00"), openings, ()) == at("2026-09-16 09:00")
    assert people_back(at("2026-09-17 08:00"), openings, ()) == at("2026-09-17 13:00")


def test_an_opening_to_midnight_ends_with_its_day() -> None:
    openings = [parse_opening("Wed 20:00-24:00")]
    assert people_back(at("2026-09-16 23:59:59"), openings, ()) == at("2026-09-16 23:59:59")
    assert people_back(at("2026-09-17 00:00"), openings, ()) == at("2026-09-23 20:00")


def test_nothing_is_promised_without_hours_or_beyond_a_month() -> None:
    assert people_back(at("2026-09-16 12:00"), (), ()) is None
    closed = [Holiday(month, day) for month in range(1, 13) for day in range(1, 32)]
    assert people_back(at("2026-09-16 12:00"), OFFICE, closed) is None


def test_hours_are_local_time_on_both_sides_of_a_clock_change() -> None:
    # Clocks go forward on Sunday, 29 March 2026, and back on Sunday, 25 October 2026.
    for day, after in (("2026-03-27", "2026-03-30"), ("2026-10-23", "2026-10-26")):
        back = people_back(at(f"{day} 18:00"), OFFICE, ())
        assert back == at(f"{after} 09:00")
        assert back is not None
        assert back.astimezone(UTC).hour in (6, 7)


def test_an_opening_in_the_hour_that_is_skipped_begins_at_a_time_that_exists() -> None:
    back = people_back(at("2026-03-29 01:00"), [parse_opening("Sun 03:30-12:00")], ())
    assert back is not None
    assert (back.hour, back.minute) == (4, 30)
    assert back.astimezone(UTC).astimezone(TALLINN) == back


def test_an_opening_in_the_hour_that_comes_twice_is_not_in_the_past() -> None:
    now = datetime(2026, 10, 25, 3, 15, tzinfo=TALLINN, fold=1)
    back = people_back(now, [parse_opening("Sun 03:30-12:00")], ())
    assert back is not None
    assert back.astimezone(UTC) - now.astimezone(UTC) == timedelta(minutes=15)


DAYS = st.sampled_from(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
CLOCKS = st.lists(st.integers(0, 24 * 4 - 1), min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    first, last, (since, until) = draw(DAYS), draw(DAYS), draw(CLOCKS)
    clock = [f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in (since, until)]
    return parse_opening(f"{first}-{last} {clock[0]}-{clock[1]}")


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 - zone next
    lambda moment: moment.replace(tzinfo=UTC).astimezone(TALLINN)
)
HOLIDAYS = st.lists(st.dates(date(2026, 1, 1), date(2028, 2, 1)), max_size=5).map(
    lambda days: [Holiday(day.month, day.day, day.year) for day in days]
)


def is_open(moment: datetime, hours: list[Opening], holidays: list[Holiday]) -> bool:
    return not any(holiday.is_on(moment.date()) for holiday in holidays) and any(
        moment.weekday() in one.weekdays
        and one.since <= moment.time()
        and (one.until is None or moment.time() < one.until)
        for one in hours
    )


@given(MOMENTS, st.lists(openings(), min_size=1, max_size=4), HOLIDAYS)
def test_people_are_back_at_the_first_moment_of_working_hours(
    now: datetime, hours: list[Opening], holidays: list[Holiday]
) -> None:
    back = people_back(now, hours, holidays)
    if back is None:
        return
    assert back >= now
    assert (back == now) == is_open(now, hours, holidays)
    assert back.astimezone(UTC).astimezone(TALLINN) == back
    # What is an hour apart on the clock is not on a day when the clocks change.
    midnight = datetime.combine(back.date(), time(), TALLINN)
    assume(midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset())
    assert is_open(back, hours, holidays)
    since, until = now.astimezone(UTC), back.astimezone(UTC)
    steps = range(0, int((until - since).total_seconds()), 15 * 60)
    moments = ((since + timedelta(seconds=step)).astimezone(TALLINN) for step in steps)
    assert not any(is_open(moment, hours, holidays) for moment in moments)
