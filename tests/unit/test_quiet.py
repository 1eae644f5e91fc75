"""Quiet hours: nothing is due in them, and nothing waits longer than they last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.scheduling.quiet import QuietHours, parse_quiet_hours
from vestlus.scheduling.walltime import wall_at

TALLINN = ZoneInfo("Europe/Tallinn")
MINUTE_MS = 60_000

#: Half an hour of daylight saving; 45 minutes off; clocks put back for Ramadan; changes at
#: midnight; a day that never was.
ZONES = [
    "Europe/Tallinn",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "America/Asuncion",
    "Pacific/Apia",
    "UTC",
]

#: Days on which the clocks of one of these zones change, and one on which none do.
DAYS = [
    (2025, 3, 30),
    (2025, 10, 26),
    (2025, 4, 6),
    (2025, 10, 5),
    (2025, 2, 23),
    (2024, 3, 24),
    (2011, 12, 30),
    (2025, 6, 15),
]


def moment(text: str, zone: ZoneInfo = TALLINN, fold: int = 0) -> int:
    wall = datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return round(wall.timestamp() * 1000)


def is_quiet(at_ms: int, zone: ZoneInfo, stretches: list[tuple[int, int]]) -> bool:
    """By the clocks of a moment, without finding where the quiet ends."""
    wall = wall_at(at_ms, zone)
    minute = wall.hour * 60 + wall.minute
    return any(
        since <= minute < until if since < until else minute >= since or minute < until
        for since, until in stretches
    )


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def written(stretches: list[tuple[int, int]]) -> str:
    return ", ".join(f"{clock(since)}-{clock(until)}" for since, until in stretches)


STRETCHES = st.lists(
    st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda one: one[0] != one[1]),
    min_size=1,
    max_size=3,
).filter(
    lambda found: len({(s + m) % 1440 for s, u in found for m in range((u - s) % 1440)}) < 1440
)


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    day=st.sampled_from(DAYS),
    offset=st.integers(-36 * 3_600_000, 36 * 3_600_000),
    stretches=STRETCHES,
)
def test_it_is_the_first_moment_that_the_clocks_show_as_not_quiet(
    zone: str, day: tuple[int, int, int], offset: int, stretches: list[tuple[int, int]]
) -> None:
    where = ZoneInfo(zone)
    at_ms = round(datetime(*day, tzinfo=UTC).timestamp() * 1000) + offset
    found = parse_quiet_hours(written(stretches)).after(at_ms, where)

    expected = at_ms
    while is_quiet(expected, where, stretches):
        # On to the next full minute: zones of our time are whole minutes from UTC.
        expected += MINUTE_MS - expected % MINUTE_MS
    assert found == expected


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2025-06-15T21:59:59", "2025-06-15T21:59:59"),
        ("2025-06-15T22:00", "2025-06-16T07:00"),
        ("2025-06-16T06:59:59.999", "2025-06-16T07:00"),
        ("2025-06-16T07:00", "2025-06-16T07:00"),
        ("2025-06-16T12:15", "2025-06-16T14:00"),
        # Seven hours of sleep, or nine.
        ("2025-03-29T23:00", "2025-03-30T07:00"),
        ("2025-10-25T23:00", "2025-10-26T07:00"),
    ],
)
def test_what_falls_into_quiet_hours_waits_for_their_end(now: str, due: str) -> None:
    quiet = parse_quiet_hours("22:00-07:00, 12:00-13:00,13:00-14:00")
    assert quiet.after(moment(now), TALLINN) == moment(due)


def test_hours_that_the_clocks_skip_end_when_they_go_on() -> None:
    # 03:00 becomes 04:00.
    quiet = parse_quiet_hours("02:00-03:30")
    assert quiet.after(moment("2025-03-30T02:30"), TALLINN) == moment("2025-03-30T04:00")


def test_an_hour_that_the_clocks_show_twice_is_quiet_twice() -> None:
    # 04:00 becomes 03:00.
    quiet = parse_quiet_hours("03:00-03:30")
    first = moment("2025-10-26T03:10")
    assert quiet.after(first, TALLINN) == first + 20 * MINUTE_MS
    again = moment("2025-10-26T03:10", fold=1)
    assert again == first + 60 * MINUTE_MS
    assert quiet.after(again, TALLINN) == again + 20 * MINUTE_MS


@pytest.mark.parametrize("text", ["", "  "])
def test_without_quiet_hours_nothing_waits(text: str) -> None:
    assert parse_quiet_hours(text) == QuietHours()
    assert QuietHours().after(1_234, TALLINN) == 1_234


def test_midnight_is_an_end_too() -> None:
    quiet = parse_quiet_hours("20:00-24:00")
    assert quiet == parse_quiet_hours("20:00-00:00")
    day = timedelta(days=1)
    at = datetime(2025, 6, 15, 21, tzinfo=TALLINN)
    midnight = at.replace(hour=0) + day
    assert quiet.after(round(at.timestamp() * 1000), TALLINN) == midnight.timestamp() * 1000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("22-7", "must read like 22:00-07:00"),
        ("22:00-07:00,", "must read like"),
        ("22:00-07:00;12:00-13:00", "must read like"),
        ("\uff12\uff12:00-07:00", "must read like"),
        ("24:00-07:00", "from 00:00 to 24:00"),
        ("22:60-23:00", "from 00:00 to 24:00"),
        ("22:00-24:30", "from 00:00 to 24:00"),
        ("07:00-07:00", "another time"),
        ("00:00-24:00", "another time"),
        ("00:00-12:00, 12:00-24:00", "all of it"),
    ],
)
def test_what_cannot_be_read_says_how_it_must_be(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_quiet_hours(text)
