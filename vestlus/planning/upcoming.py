"""What will go out, and when: planned posts, occurrences, and times that nobody claimed yet."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from vestlus.planning.definitions import Definition, read_definition
from vestlus.scheduling.missed import due_now
from vestlus.scheduling.recurrence import Occurrence
from vestlus.settings import Settings
from vestlus.store.occurrences import OPEN
from vestlus.store.plan_port import Occurrences, Schedules
from vestlus.store.plan_rows import OccurrenceRow, ScheduleRow, Trigger, is_held
from vestlus.store.port import Posts
from vestlus.store.post_rows import PostKind, PostRow
from vestlus.store.posts import ENDED

#: Rows that are read of each table. Those with the latest times come first, so what is left out
#: if there are more is due soonest: more than anybody reads, and it is published all the same.
_ROWS: Final = 10_000

#: How far can be looked ahead, days.
MOST_DAYS: Final = 366

_UTC: Final = "UTC"
_DAY_MS: Final = 24 * 3_600_000


class Source(StrEnum):
    """Why something goes out."""

    SCHEDULE = "schedule"
    EVENT = "event"
    #: A person's command.
    HAND = "hand"


class UpcomingStore(Schedules, Occurrences, Posts, Protocol):
    """What is read of the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """One post to be."""

    at_ms: int
    #: The account's, IANA.
    timezone: str
    account: str
    source: Source
    #: Of the schedule or the event rule; empty where a person planned it.
    name: str
    #: ``scheduled`` for a time that is not claimed yet; else the occurrence's or the post's.
    state: str
    #: Its schedule is paused: it does not go out unless that goes on.
    paused: bool = False
    #: Of the occurrence or the post; empty for a time that is not claimed yet.
    id: str = ""
    story: bool = False
    pictures: tuple[str, ...] = ()
    caption: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store held at one moment."""

    schedules: tuple[ScheduleRow, ...]
    occurrences: tuple[OccurrenceRow, ...]
    posts: tuple[PostRow, ...]


def until(now_ms: int, days: float) -> int:
    """The moment so many days ahead, :data:`MOST_DAYS` at most."""
    return now_ms + round(min(days, MOST_DAYS) * _DAY_MS)


async def snapshot(store: UpcomingStore, account: str | None) -> Snapshot:
    """Reads what there is. Raises StoreUnavailable."""
    return Snapshot(
        schedules=await store.schedules(account=account),
        occurrences=await store.occurrences(limit=_ROWS, account=account, states=OPEN),
        posts=await store.posts(limit=_ROWS, account=account),
    )


def upcoming(
    found: Snapshot, settings: Settings, *, now_ms: int, until_ms: int, limit: int
) -> list[Upcoming]:
    """What goes out until then, the next first, as things stand.

    Of schedules it reads those that are due before the last of it. Sorting many thousands of them
    takes a while all the same: not for an event loop.
    """
    zones = {one.id: one.timezone for one in settings.accounts}
    paused = {row.name: row for row in found.schedules if row.paused}
    claimed = [of_occurrence(row, zones, paused) for row in found.occurrences]
    posts = [of_post(row, zones) for row in found.posts if row.state not in ENDED]
    rest = (_by_time(one for one in rows if one.at_ms <= until_ms) for rows in (claimed, posts))
    schedules = times_of_schedules(found.schedules, zones, now_ms, until_ms)
    return list(itertools.islice(heapq.merge(*rest, schedules, key=_order), limit))


def times_of_schedules(
    rows: Iterable[ScheduleRow], zones: dict[str, str], now_ms: int, until_ms: int
) -> Iterator[Upcoming]:
    """The times of all schedules, by time. Each is read when its turn may have come: it is looked
    at no later than its next time; a paused one was to be, when it was paused.
    """
    waiting = sorted(
        (row for row in rows if 0 < row.look_ms <= until_ms), key=lambda row: -row.look_ms
    )
    reading: list[tuple[tuple[int, str, str], Upcoming, Iterator[Upcoming]]] = []
    while waiting or reading:
        while waiting and (not reading or waiting[-1].look_ms <= reading[0][1].at_ms):
            _push(reading, _of_schedule(waiting.pop(), zones, now_ms, until_ms))
        if reading:
            _, one, rest = heapq.heappop(reading)
            yield one
            _push(reading, rest)


def _push(
    reading: list[tuple[tuple[int, str, str], Upcoming, Iterator[Upcoming]]],
    times: Iterator[Upcoming],
) -> None:
    one = next(times, None)
    if one is not None:
        # Names are unique among schedules, so that nothing after the order is compared.
        heapq.heappush(reading, (_order(one), one, times))


def _of_schedule(
    row: ScheduleRow, zones: dict[str, str], now_ms: int, until_ms: int
) -> Iterator[Upcoming]:
    read = read_definition(row)
    if not isinstance(read, Definition):
        yield Upcoming(
            at_ms=max(now_ms, row.look_ms),
            timezone=zones.get(row.account, _UTC),
            account=row.account,
            source=Source.SCHEDULE,
            name=row.name,
            state="unreadable",
            problem=read.problem,
        )
        return
    recipe = read.recipe
    for one in _times(row, read, now_ms):
        if one.at_ms > until_ms:
            return
        yield Upcoming(
            at_ms=one.at_ms,
            timezone=zones.get(row.account, read.timezone),
            account=row.account,
            source=Source.SCHEDULE,
            name=row.name,
            state="scheduled",
            paused=row.paused,
            story=recipe.story,
            pictures=recipe.pictures,
        )


def _times(row: ScheduleRow, read: Definition, now_ms: int) -> Iterator[Occurrence]:
    """Times that nobody has claimed, those included that are made up for now."""
    if not row.paused and row.watched_ms < now_ms:
        due = due_now(
            read.recurrence,
            after_ms=row.watched_ms,
            now_ms=now_ms,
            rule=read.missed,
            longest_ms=read.longest_ms,
        )
        yield from due.run
    yield from read.recurrence.after(max(row.watched_ms, now_ms))


def of_occurrence(
    row: OccurrenceRow, zones: dict[str, str], paused: Mapping[str, ScheduleRow]
) -> Upcoming:
    """An occurrence in this form; ``zones`` are the accounts', ``paused`` schedules by name."""
    of_schedule = row.trigger is Trigger.SCHEDULE
    schedule = paused.get(row.name) if of_schedule else None
    return Upcoming(
        at_ms=row.due_ms,
        timezone=zones.get(row.account, _UTC),
        account=row.account,
        source=Source.SCHEDULE if of_schedule else Source.EVENT,
        name=row.name,
        state=str(row.state),
        paused=schedule is not None and is_held(row, schedule),
        id=row.id,
        story=row.recipe.story,
        pictures=tuple(one.id for one in row.pictures) or row.recipe.pictures,
        caption=row.caption,
        problem=row.problem,
    )


def of_post(row: PostRow, zones: dict[str, str]) -> Upcoming:
    """A post in this form."""
    # An occurrence's key is its post's too: schedule:NAME:WALL TIME, event:ID:RULE.
    source, _, rest = row.key.partition(":")
    name = {"schedule": rest.partition(":")[0], "event": rest.partition(":")[2]}.get(source, "")
    return Upcoming(
        at_ms=row.planned_ms,
        timezone=zones.get(row.account, _UTC),
        account=row.account,
        source=Source(source) if name else Source.HAND,
        name=name,
        state=str(row.state),
        id=row.id,
        story=row.kind is PostKind.STORY,
        pictures=tuple(one.id for one in row.pictures),
        caption=row.caption,
        problem=row.problem,
    )


def _by_time(found: Iterable[Upcoming]) -> list[Upcoming]:
    return sorted(found, key=_order)


def _order(one: Upcoming) -> tuple[int, str, str]:
    return one.at_ms, one.name, one.id
