"""What went out, goes out and waits, day by day by the clocks of a zone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from vestlus.planning.upcoming import (
    MOST_DAYS,
    Upcoming,
    of_occurrence,
    of_post,
    times_of_schedules,
)
from vestlus.scheduling.walltime import moment_of, wall_at
from vestlus.settings import Settings
from vestlus.store.content_port import Content
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_port import Schedules
from vestlus.store.plan_rows import OccurrenceRow, ScheduleRow
from vestlus.store.post_rows import PostRow

#: Entries of one view: the hundred posts a day that Instagram allows, for a month and a half.
MOST_ENTRIES: Final = 5_000

#: Those of the first kind are posts by now; of the second, nobody waits for.
_ELSEWHERE: Final = frozenset({OccurrenceState.HANDED, OccurrenceState.WITHDRAWN})

_DAY_MS: Final = 24 * 3_600_000


class CalendarStore(Content, Schedules, Protocol):
    """What is read of the store."""


class Form(StrEnum):
    """What an entry is so far."""

    #: A time of a schedule, and no more.
    TIME = "time"
    #: An occurrence, of which there may be a draft.
    DRAFT = "draft"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the calendar."""

    form: Form
    of: Upcoming


@dataclass(frozen=True, slots=True)
class Day:
    """A day by the calendar of the zone, and what is on it, by time."""

    date: date
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Some days in a row, the last one not included."""

    first: date
    end: date

    @property
    def days(self) -> tuple[date, ...]:
        """Each of them."""
        number = (self.end - self.first).days
        return tuple(self.first + timedelta(days=one) for one in range(number))

    def moments(self, zone: ZoneInfo) -> tuple[int, int]:
        """When its first day begins and its last one ends, milliseconds since 1970. Days over
        which clocks are changed are shorter and longer than others.
        """
        return _midnight(self.first, zone), _midnight(self.end, zone)


def month_of(day: date) -> Span:
    """The weeks, from Monday on, in which that day's month lies."""
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    start = first - timedelta(days=first.weekday())
    return Span(start, following + timedelta(days=-following.weekday() % 7))


def week_of(day: date) -> Span:
    """The week of that day, from Monday on."""
    monday = day - timedelta(days=day.weekday())
    return Span(monday, monday + timedelta(days=7))


async def calendar(
    store: CalendarStore,
    settings: Settings,
    span: Span,
    zone: ZoneInfo,
    *,
    now_ms: int,
    account: str | None,
) -> tuple[Day, ...]:
    """The days of a span with posts, drafts, and times of schedules that nobody claimed yet, as
    things stand; what failed or was refused among them.

    At most MOST_ENTRIES of each kind, and MOST_DAYS ahead. Raises StoreUnavailable.
    """
    since_ms, until_ms = span.moments(zone)
    until_ms = min(until_ms, now_ms + MOST_DAYS * _DAY_MS)
    between = (since_ms, until_ms)
    posts = await store.posts_between(*between, limit=MOST_ENTRIES, account=account)
    occurrences = await store.occurrences_between(*between, limit=MOST_ENTRIES, account=account)
    schedules = await store.schedules(account=account)

    def work() -> tuple[Day, ...]:
        found = _entries(posts, occurrences, schedules, settings, now_ms=now_ms, between=between)
        return _days(span, zone, found)

    # Many schedules take a while, and others do not wait for them.
    return await asyncio.to_thread(work)


def _entries(
    posts: Iterable[PostRow],
    occurrences: Iterable[OccurrenceRow],
    schedules: tuple[ScheduleRow, ...],
    settings: Settings,
    *,
    now_ms: int,
    between: tuple[int, int],
) -> Iterator[Entry]:
    since_ms, until_ms = between
    zones = {one.id: one.timezone for one in settings.accounts}
    paused = {row.name: row for row in schedules if row.paused}
    yield from (Entry(Form.POST, of_post(row, zones)) for row in posts)
    yield from (
        Entry(Form.DRAFT, of_occurrence(row, zones, paused))
        for row in occurrences
        if row.state not in _ELSEWHERE
    )
    times = times_of_schedules(schedules, zones, now_ms, until_ms - 1)
    within = (Entry(Form.TIME, one) for one in times if since_ms <= one.at_ms < until_ms)
    yield from itertools.islice(within, MOST_ENTRIES)


def _days(span: Span, zone: ZoneInfo, entries: Iterable[Entry]) -> tuple[Day, ...]:
    of: dict[date, list[Entry]] = {day: [] for day in span.days}
    for one in sorted(entries, key=lambda one: (one.of.at_ms, one.of.name, one.of.id)):
        of[wall_at(one.of.at_ms, zone).date()].append(one)
    return tuple(Day(day, tuple(found)) for day, found in of.items())


def _midnight(day: date, zone: ZoneInfo) -> int:
    return moment_of(datetime(day.year, day.month, day.day), zone).at_ms  # noqa: DTZ001 - wall time
