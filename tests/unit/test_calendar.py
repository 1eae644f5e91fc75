"""The calendar: each thing on the day that clocks show, also when they are changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_upcoming import SETTINGS, occurrence, schedule
from vestlus.console.post_views import clock_time, day_cell
from vestlus.console.words import Language
from vestlus.desk.calendar import Form, Span, calendar, month_of, week_of
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow, ScheduleRow
from vestlus.store.post_rows import PostKind, PostPicture, PostRow
from vestlus.store.posts import PostState

TALLINN = ZoneInfo("Europe/Tallinn")
ZONES = ("Europe/Tallinn", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia")


def at(text: str, zone: ZoneInfo = TALLINN) -> int:
    """A moment, by a zone's clocks."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def post(at_ms: int, **fields: object) -> PostRow:
    row = PostRow(
        id=f"p-{at_ms}",
        key=f"hand:{at_ms}",
        account="1",
        kind=PostKind.PICTURE,
        pictures=(PostPicture("saal"),),
        caption="Tere",
        ai_generated=False,
        state=PostState.PUBLISHED,
        planned_ms=at_ms,
        due_ms=at_ms,
        deadline_ms=at_ms,
    )
    return replace(row, **fields)  # type: ignore[arg-type]  # fields of several types


class Rows:
    """What the calendar reads, without a database."""

    def __init__(
        self,
        posts: tuple[PostRow, ...] = (),
        occurrences: tuple[OccurrenceRow, ...] = (),
        schedules: tuple[ScheduleRow, ...] = (),
    ) -> None:
        self._posts, self._occurrences, self._schedules = posts, occurrences, schedules

    async def posts_between(
        self, since_ms: int, until_ms: int, *, limit: int, account: str | None = None
    ) -> tuple[PostRow, ...]:
        del limit, account
        return tuple(one for one in self._posts if since_ms <= one.planned_ms < until_ms)

    async def occurrences_between(
        self, since_ms: int, until_ms: int, *, limit: int, account: str | None = None
    ) -> tuple[OccurrenceRow, ...]:
        del limit, account
        return tuple(one for one in self._occurrences if since_ms <= one.due_ms < until_ms)

    async def schedules(self, *, account: str | None = None) -> tuple[ScheduleRow, ...]:
        del account
        return self._schedules


async def shown(
    rows: Rows, span: Span, *, now: str, zone: ZoneInfo = TALLINN
) -> dict[str, list[str]]:
    """Day → times and states, of the days that have any."""
    days = await calendar(
        rows,  # type: ignore[arg-type]  # what is read of the store, and no more
        SETTINGS,
        span,
        TALLINN,
        now_ms=at(now),
        account="1",
    )
    cells = [
        day_cell(one, Language.ENGLISH, TALLINN, today=date(2027, 3, 1), month=None) for one in days
    ]
    return {
        cell.date.isoformat(): [f"{one.time} {one.state}" for one in cell.cells]
        for cell in cells
        if cell.cells
    }


def test_a_month_is_shown_in_whole_weeks() -> None:
    span = month_of(date(2026, 11, 28))
    assert (span.first, span.end) == (date(2026, 10, 26), date(2026, 12, 7))
    assert week_of(date(2026, 11, 28)).days[0] == date(2026, 11, 23)


@given(st.dates(date(2000, 1, 1), date(2200, 1, 1)))
def test_every_month_begins_on_a_monday_and_holds_its_days(day: date) -> None:
    span = month_of(day)
    assert span.first.weekday() == span.end.weekday() == 0
    assert day in span.days
    assert day.replace(day=1) in span.days
    assert {one.month for one in span.days} >= {day.month}
    assert len(span.days) in {28, 35, 42}


async def test_what_is_near_midnight_is_on_the_day_of_the_account_s_clock() -> None:
    rows = Rows(posts=(post(at("2027-03-10T23:59")), post(at("2027-03-11T00:00"))))
    found = await shown(rows, week_of(date(2027, 3, 10)), now="2027-03-12T12:00")
    assert found == {"2027-03-10": ["23:59 published"], "2027-03-11": ["00:00 published"]}


async def test_a_day_over_which_clocks_go_back_has_its_hour_twice() -> None:
    # 31 October 2027: 04:00 became 03:00.
    first = at("2027-10-31T03:30")
    rows = Rows(posts=(post(first), post(first + 3_600_000)))
    found = await shown(rows, week_of(date(2027, 10, 31)), now="2027-11-05T12:00")
    assert found == {"2027-10-31": ["03:30 (UTC+0300) published", "03:30 (UTC+0200) published"]}


async def test_times_of_schedules_stay_by_the_clock_when_clocks_go_forward() -> None:
    # 28 March 2027: 03:00 became 04:00.
    rows = Rows(schedules=(schedule(cron="30 9 * * *"),))
    span = Span(date(2027, 3, 27), date(2027, 3, 30))
    found = await shown(rows, span, now="2027-03-26T14:00")
    assert found == {
        day: ["09:30 by schedule"] for day in ("2027-03-27", "2027-03-28", "2027-03-29")
    }


async def test_the_past_has_no_times_of_schedules_and_each_post_once() -> None:
    due_ms = at("2027-03-10T09:00")
    handed = replace(occurrence("news", due_ms), state=OccurrenceState.HANDED, post="p-1")
    failed = replace(occurrence("other", due_ms), state=OccurrenceState.FAILED)
    rows = Rows(
        posts=(post(due_ms, id="p-1"),), occurrences=(handed, failed), schedules=(schedule(),)
    )
    found = await shown(rows, week_of(date(2027, 3, 10)), now="2027-04-10T12:00")
    assert found == {"2027-03-10": ["09:00 published", "09:00 no draft"]}


@pytest.mark.parametrize("name", ZONES)
@given(day=st.dates(date(2020, 1, 1), date(2030, 1, 1)), minutes=st.integers(0, 8 * 24 * 60))
async def test_each_moment_lies_on_one_day_of_its_span(name: str, day: date, minutes: int) -> None:
    zone, span = ZoneInfo(name), week_of(day)
    since_ms, until_ms = span.moments(zone)
    at_ms = since_ms + minutes * 60_000
    days = await calendar(
        Rows(posts=(post(at_ms),)),  # type: ignore[arg-type]  # as above
        SETTINGS,
        span,
        zone,
        now_ms=until_ms,
        account="1",
    )
    there = [one for one in days if one.entries]
    assert len(there) == (1 if at_ms < until_ms else 0)
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()
    assert all(one.date == local and one.entries[0].form is Form.POST for one in there)


def test_a_time_that_clocks_show_once_has_no_offset() -> None:
    assert clock_time(at("2027-03-28T04:30"), Language.ESTONIAN, TALLINN) == "04:30"
