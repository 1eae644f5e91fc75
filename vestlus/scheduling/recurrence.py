"""When a schedule is due: once, or by a cron expression, by the clocks of a zone.

Each wall time of a schedule is one occurrence, whatever the clocks do: a time that they show twice
is due the first time, one that they skip is due later by what they were put forward. A skipped
time that so meets another one of the same schedule is not due beside it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from vestlus.scheduling.walltime import moment_of, wall_at

_FIELDS = 5
_MINUTE = timedelta(minutes=1)

#: How far back a skipped wall time may be whose moment is still to come. The longest gap on record
#: is a day: Samoa had no 30 December 2011.
_LONGEST_GAP = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a schedule is due. Its wall time tells it apart from the schedule's others."""

    wall: datetime
    at_ms: int

    @property
    def key(self) -> str:
        """Its name among the occurrences of its schedule; the same forever."""
        return self.wall.isoformat(timespec="minutes")


def wall_of(key: str) -> datetime:
    """The wall time of the occurrence that has this key. Raises ValueError for what is none."""
    return datetime.fromisoformat(key)


@dataclass(frozen=True, slots=True)
class Once:
    """Due at one wall time. Raises ValueError where that has a zone or seconds of its own."""

    wall: datetime
    zone: ZoneInfo

    def __post_init__(self) -> None:
        _whole_minute(self.wall)

    def after(self, after_ms: int) -> Iterator[Occurrence]:
        """The occurrence, if it is after that moment."""
        moment = moment_of(self.wall, self.zone)
        if moment.at_ms > after_ms:
            yield Occurrence(self.wall, moment.at_ms)

    def at(self, wall: datetime) -> Occurrence | None:
        """The occurrence of that wall time, if it is this one."""
        if wall != self.wall:
            return None
        return Occurrence(wall, moment_of(wall, self.zone).at_ms)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Due by a cron expression of five fields: minute, hour, day of month, month, day of week.

    As in Debian's cron, a day must fit both of its fields where one of them begins with a star,
    else one of the two. ``L`` is a month's last day, ``5L`` its last Friday, ``1#2`` its second
    Monday. Wall times before ``start`` and after ``end`` are left out, and so are days among
    ``without``. Raises ValueError, with a message for whoever wrote it.
    """

    cron: str
    zone: ZoneInfo
    start: datetime | None = None
    end: datetime | None = None
    without: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if len(self.cron.split()) != _FIELDS:
            raise ValueError(
                f"{self.cron!r} must have five fields: minute, hour, day of month, month, "
                "day of week"
            )
        try:
            next(CronSim(self.cron, datetime(2000, 1, 1)))  # noqa: DTZ001 - a wall time
        except CronSimError as error:
            raise ValueError(f"{self.cron!r} is not a cron expression: {error}") from None
        except StopIteration:
            raise ValueError(f"{self.cron!r} names a day that never comes") from None
        for bound in (self.start, self.end):
            if bound is not None:
                _whole_minute(bound)
        if self.start and self.end and self.start > self.end:
            raise ValueError("it ends before it starts")

    def after(self, after_ms: int) -> Iterator[Occurrence]:
        """The occurrences after that moment, by their moments."""
        #: Skipped ones whose moment has not been reached yet, by their moments.
        skipped: list[tuple[int, datetime]] = []
        for wall in self._walls(after_ms):
            moment = moment_of(wall, self.zone)
            if moment.skipped:
                if not self._is_due_at(wall_at(moment.at_ms, self.zone)):
                    heapq.heappush(skipped, (moment.at_ms, wall))
                continue
            while skipped and skipped[0][0] < moment.at_ms:
                yield from _those_after(after_ms, *heapq.heappop(skipped))
            yield from _those_after(after_ms, moment.at_ms, wall)
        while skipped:
            yield from _those_after(after_ms, *heapq.heappop(skipped))

    def at(self, wall: datetime) -> Occurrence | None:
        """The occurrence of that wall time, if it is one of these."""
        found = next(self.after(moment_of(wall, self.zone).at_ms - 1), None)
        return found if found is not None and found.wall == wall else None

    def _walls(self, after_ms: int) -> Iterator[datetime]:
        """Wall times in order, from one early enough on."""
        now = wall_at(after_ms, self.zone)
        first = now - _LONGEST_GAP if self._was_put_forward(now) else now
        if self.start is not None and self.start > first:
            first = self.start
        # The iterator begins after the time that it is given, and looks at whole minutes.
        for wall in CronSim(self.cron, first.replace(second=0, microsecond=0) - _MINUTE):
            if self.end is not None and wall > self.end:
                return
            if wall.date() not in self.without and (self.start is None or wall >= self.start):
                yield wall

    def _was_put_forward(self, now: datetime) -> bool:
        """Whether a wall time within reach may have been skipped."""
        steps = int(_LONGEST_GAP / timedelta(hours=1))
        offsets = [
            (now - timedelta(hours=step)).replace(tzinfo=self.zone).utcoffset()
            for step in range(steps + 1)
        ]
        return len(set(offsets)) > 1

    def _is_due_at(self, wall: datetime) -> bool:
        if wall.date() in self.without or (self.end is not None and wall > self.end):
            return False
        return next(CronSim(self.cron, wall - _MINUTE)) == wall


def _those_after(after_ms: int, at_ms: int, wall: datetime) -> Iterator[Occurrence]:
    if at_ms > after_ms:
        yield Occurrence(wall, at_ms)


def _whole_minute(wall: datetime) -> None:
    if wall.tzinfo is not None:
        raise ValueError("a time must have no offset of its own: the zone is named beside it")
    if wall.second or wall.microsecond:
        raise ValueError("a time must be a whole minute")
