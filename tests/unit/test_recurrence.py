"""Each occurrence of a schedule is due exactly once, whatever clocks and zones do.

Compared with walks that know nothing of how the code under test finds its way: one that goes from
minute to minute around every change of a zone's clocks, and one from day to day over ten years.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.scheduling.recurrence import Occurrence, Once, Repeated, wall_of

#: Europe; half an hour of daylight saving; a day that never was (2011); 45 minutes off;
#: clocks put back for Ramadan; changes at midnight.
ZONES = [
    "Europe/Tallinn",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "America/Asuncion",
]
FIRST, LAST = datetime(2009, 1, 1), datetime(2019, 1, 1)  # noqa: DTZ001 - wall times
MINUTE = timedelta(minutes=1)


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return ms(datetime(year, month, day, hour, minute, tzinfo=UTC))


def due(rule: Repeated | Once, first_ms: int, last_ms: int) -> list[Occurrence]:
    return list(itertools.takewhile(lambda one: one.at_ms <= last_ms, rule.after(first_ms)))


@dataclass(frozen=True)
class Fields:
    """A cron expression, and what fits it without reading it."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    weekdays: frozenset[int] | None

    @property
    def cron(self) -> str:
        def written(values: frozenset[int] | None) -> str:
            return "*" if values is None else ",".join(map(str, sorted(values)))

        fields = (self.minutes, self.hours, self.days, None, self.weekdays)
        return " ".join(written(values) for values in fields)

    def fits_day(self, day: date) -> bool:
        by_date = self.days is None or day.day in self.days
        by_weekday = self.weekdays is None or day.isoweekday() % 7 in self.weekdays
        if self.days is None or self.weekdays is None:
            return by_date and by_weekday
        return by_date or by_weekday

    def fits(self, wall: datetime) -> bool:
        return (
            wall.minute in self.minutes and wall.hour in self.hours and self.fits_day(wall.date())
        )


def some(most: int, *, least: int = 0, size: int = 4) -> st.SearchStrategy[frozenset[int]]:
    return st.frozensets(st.integers(least, most), min_size=1, max_size=size)


fields = st.builds(
    Fields,
    minutes=some(59),
    hours=some(23) | st.just(frozenset(range(24))),
    days=st.none() | some(28, least=1, size=8),
    weekdays=st.none() | some(6),
)


def offset(at: datetime, zone: ZoneInfo) -> timedelta:
    found = at.astimezone(zone).utcoffset()
    assert found is not None
    return found


def changes(zone: ZoneInfo) -> list[datetime]:
    """The moments in UTC at which the zone's clocks are changed."""
    at, found = FIRST.replace(tzinfo=UTC), []
    while at < LAST.replace(tzinfo=UTC):
        if offset(at, zone) != offset(at + timedelta(hours=6), zone):
            found.append(
                next(
                    minute
                    for step in range(361)
                    if offset(minute := at + step * MINUTE, zone) != offset(at, zone)
                )
            )
        at += timedelta(hours=6)
    return found


CHANGES = [(name, at) for name in ZONES for at in changes(ZoneInfo(name))]


def walk(fits: Fields, zone: ZoneInfo, first: datetime, last: datetime) -> dict[int, datetime]:
    """Goes from minute to minute as somebody would who looks at the clock on the wall."""
    found: dict[int, datetime] = {}
    owed: dict[int, datetime] = {}
    seen: set[datetime] = set()
    before = (first - MINUTE).astimezone(zone).replace(tzinfo=None)
    at = first
    while at <= last:
        wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
        jump = wall - before - MINUTE
        if jump > timedelta(0):
            for step in range(jump // MINUTE):
                passed = before + (step + 1) * MINUTE
                if fits.fits(passed):
                    owed[ms(at + step * MINUTE)] = passed
        if wall not in seen and fits.fits(wall):
            found[ms(at)] = wall
        elif ms(at) in owed:
            found[ms(at)] = owed[ms(at)]
        seen.add(wall)
        before, at = wall, at + MINUTE
    return found


def test_the_zones_change_their_clocks_in_both_directions_and_by_odd_amounts() -> None:
    jumps = {
        offset(at, ZoneInfo(name)) - offset(at - MINUTE, ZoneInfo(name)) for name, at in CHANGES
    }
    assert {timedelta(hours=24), timedelta(minutes=30), timedelta(minutes=-30)} <= jumps
    assert {timedelta(hours=1), timedelta(hours=-1)} <= jumps


@settings(deadline=None, max_examples=60)
@given(fields=fields, change=st.sampled_from(CHANGES))
def test_around_every_change_of_clocks_it_is_due_when_somebody_who_watched_them_says(
    fields: Fields, change: tuple[str, datetime]
) -> None:
    zone, at = ZoneInfo(change[0]), change[1]
    first, last = at - timedelta(hours=26), at + timedelta(hours=26)
    told = due(Repeated(fields.cron, zone), ms(first) - 1, ms(last))
    # What was skipped near the end is owed after it, and what was shown before the beginning is
    # not known there: neither end is near a change.
    assert {one.at_ms: one.wall for one in told} == walk(fields, zone, first, last)


few_times = st.builds(
    Fields,
    minutes=some(59, size=2),
    hours=some(23, size=2),
    days=st.none() | some(28, least=1, size=8),
    weekdays=st.none() | some(6),
)


# Each is ten years of days: few suffice.
@pytest.mark.parametrize("name", ZONES)
@settings(deadline=None, max_examples=2)
@given(fields=few_times)
def test_over_ten_years_every_day_that_fits_is_due_once_at_each_time(
    name: str, fields: Fields
) -> None:
    zone = ZoneInfo(name)
    told = due(
        Repeated(fields.cron, zone), ms(FIRST.replace(tzinfo=UTC)), ms(LAST.replace(tzinfo=UTC))
    )
    moments = [one.at_ms for one in told]
    assert moments == sorted(set(moments))
    walls = [one.wall for one in told]
    assert len(walls) == len(set(walls))
    inner = {wall for wall in walls if FIRST + timedelta(days=2) < wall < LAST - timedelta(days=2)}
    expected = {
        datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - a wall time
        for step in range(2, (LAST - FIRST).days - 2)
        if fields.fits_day(day := (FIRST + timedelta(days=step)).date())
        for hour in fields.hours
        for minute in fields.minutes
    }
    expected = {wall for wall in expected if wall > FIRST + timedelta(days=2)}
    missing = expected - inner
    assert not inner - expected
    # What clocks skipped and another one took the moment of is due once, as that other one.
    for wall in missing:
        shown = {
            (wall.replace(tzinfo=UTC) + timedelta(minutes=15 * quarters))
            .astimezone(zone)
            .replace(tzinfo=None, fold=0)
            for quarters in range(-60, 64)
        }
        assert wall not in shown


@settings(deadline=None, max_examples=50)
@given(fields=fields, name=st.sampled_from(ZONES), data=st.data())
def test_wherever_one_begins_the_rest_is_the_same(
    fields: Fields, name: str, data: st.DataObject
) -> None:
    rule = Repeated(fields.cron, ZoneInfo(name))
    _, change = data.draw(st.sampled_from([one for one in CHANGES if one[0] == name] or CHANGES))
    first, last = ms(change) - 90_000_000, ms(change) + 90_000_000
    whole = due(rule, first, last)
    middle = data.draw(st.integers(first, last))
    assert [one for one in whole if one.at_ms > middle] == due(rule, middle, last)


def test_a_time_that_clocks_skip_is_due_later_by_what_they_were_put_forward() -> None:
    zone = ZoneInfo("America/New_York")
    (told,) = due(Repeated("30 2 * * *", zone), utc(2026, 3, 8), utc(2026, 3, 9))
    assert (told.key, told.at_ms) == ("2026-03-08T02:30", utc(2026, 3, 8, 7, 30))


def test_a_time_that_clocks_show_twice_is_due_the_first_time() -> None:
    zone = ZoneInfo("America/New_York")
    (told,) = due(Repeated("30 1 * * *", zone), utc(2026, 11, 1), utc(2026, 11, 2))
    assert told.at_ms == utc(2026, 11, 1, 5, 30)


def test_every_hour_is_due_once_an_hour_when_clocks_are_put_forward() -> None:
    told = due(
        Repeated("0 * * * *", ZoneInfo("Europe/Tallinn")), utc(2026, 3, 29), utc(2026, 3, 29, 6)
    )
    assert [one.at_ms for one in told] == [utc(2026, 3, 29, hour) for hour in range(1, 7)]


def test_start_end_and_days_without_are_kept() -> None:
    rule = Repeated(
        "0 9 * * *",
        ZoneInfo("Europe/Tallinn"),
        start=datetime(2026, 12, 23, 9),  # noqa: DTZ001 - a wall time
        end=datetime(2026, 12, 27, 9),  # noqa: DTZ001 - a wall time
        without=frozenset({date(2026, 12, 24), date(2026, 12, 25)}),
    )
    assert [one.key for one in rule.after(utc(2026, 1, 1))] == [
        "2026-12-23T09:00",
        "2026-12-26T09:00",
        "2026-12-27T09:00",
    ]


@pytest.mark.parametrize(("zone", "hour"), [("Europe/Tallinn", 7), ("America/New_York", 14)])
def test_once_is_due_at_its_wall_time(zone: str, hour: int) -> None:
    once = Once(datetime(2026, 12, 24, 9), ZoneInfo(zone))  # noqa: DTZ001 - a wall time
    assert [one.at_ms for one in once.after(0)] == [utc(2026, 12, 24, hour)]
    assert list(once.after(utc(2026, 12, 24, hour))) == []


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("* * * *", "five fields"),
        ("0 0 9 * * *", "five fields"),
        ("61 9 * * *", "Bad minute"),
        ("0 9 31 2 *", "day"),
        ("", "five fields"),
    ],
)
def test_a_bad_expression_is_refused_with_what_is_wrong(cron: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Repeated(cron, ZoneInfo("UTC"))


def test_times_with_an_offset_or_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        Once(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
    with pytest.raises(ValueError, match="whole minute"):
        Once(datetime(2026, 1, 1, 9, 0, 30), ZoneInfo("UTC"))  # noqa: DTZ001 - a wall time
    with pytest.raises(ValueError, match="ends before"):
        Repeated(
            "0 9 * * *",
            ZoneInfo("UTC"),
            start=datetime(2026, 2, 1),  # noqa: DTZ001 - a wall time
            end=datetime(2026, 1, 1),  # noqa: DTZ001 - a wall time
        )


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["*/30 * * * *", "15 2,3 * * *", "0 0 * * *"])
def test_each_occurrence_is_found_by_its_key_and_nothing_else_is(zone: str, cron: str) -> None:
    rule = Repeated(cron, ZoneInfo(zone), without=frozenset({date(2011, 12, 28)}))
    first_ms, last_ms = utc(2011, 3, 25), utc(2012, 1, 2)
    found = due(rule, first_ms, last_ms)
    walls = {one.wall for one in found}
    assert [rule.at(wall_of(one.key)) for one in found[::31]] == found[::31]
    others = {wall + 15 * MINUTE for wall in walls} - walls
    assert {rule.at(wall) for wall in sorted(others)[::31]} <= {None}
    assert rule.at(datetime(2011, 12, 28)) is None  # noqa: DTZ001 - a wall time


def test_what_is_due_once_is_found_by_its_key_alone() -> None:
    wall = datetime(2026, 3, 29, 3, 30)  # noqa: DTZ001 - a wall time
    once = Once(wall, ZoneInfo("Europe/Tallinn"))
    (one,) = due(once, utc(2026, 3, 1), utc(2026, 4, 1))
    assert once.at(wall_of(one.key)) == one
    assert once.at(wall + MINUTE) is None
