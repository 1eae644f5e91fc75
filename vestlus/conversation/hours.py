"""When people are there to answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OPENING = re.compile(
    r"\s*([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*",
    re.IGNORECASE | re.ASCII,
)
_HOLIDAY = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2})", re.ASCII)
_MIDNIGHT = 24

#: How far ahead people are looked for: further away is no help to anybody.
_DAYS_AHEAD = 31


@dataclass(frozen=True, slots=True)
class Opening:
    """People are there on these weekdays (0 is Monday) in this stretch of local time.

    ``until`` is midnight at the day's end where it is ``None``.
    """

    weekdays: frozenset[int]
    since: time
    until: time | None


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day without people; of every year where ``year`` is ``None``."""

    month: int
    day: int
    year: int | None = None

    def is_on(self, day: date) -> bool:
        """Whether it falls on this day."""
        return (day.month, day.day) == (self.month, self.day) and self.year in (None, day.year)


def parse_opening(text: str) -> Opening:
    """Reads ``Mon-Fri 09:00-17:00`` or ``Sat 10:00-24:00``; raises ValueError."""
    match = _OPENING.fullmatch(text)
    if match is None:
        raise ValueError("must read like Mon-Fri 09:00-17:00")
    first, last, *clock = match.groups()
    try:
        start = _DAYS.index(first.lower())
        end = _DAYS.index((last or first).lower())
    except ValueError:
        raise ValueError("must name days as Mon Tue Wed Thu Fri Sat Sun") from None
    hour, minute, end_hour, end_minute = (int(number) for number in clock)
    try:
        since = time(hour, minute)
        to_midnight = (end_hour, end_minute) == (_MIDNIGHT, 0)
        until = None if to_midnight else time(end_hour, end_minute)
    except ValueError:
        raise ValueError("must have times from 00:00 to 24:00") from None
    if until is not None and until <= since:
        raise ValueError("must end later than it begins; past midnight, write two")
    days = frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))
    return Opening(days, since, until)


def parse_holiday(text: str) -> Holiday:
    """Reads ``2026-12-24`` or ``12-24``; raises ValueError."""
    match = _HOLIDAY.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a date, 2026-12-24, or 12-24 for every year")
    year, month, day = match.groups()
    try:
        # 2000 was a leap year: every day of a year is one of its days.
        date(int(year or 2000), int(month), int(day))
    except ValueError:
        raise ValueError("must be a day that exists") from None
    return Holiday(int(month), int(day), int(year) if year else None)


def people_back(
    now: datetime, openings: Sequence[Opening], holidays: Sequence[Holiday]
) -> datetime | None:
    """When people are next there: ``now`` itself where they are there now.

    ``now`` is local time with its zone. ``None`` when no working hours are known, or none come
    within a month.
    """
    if not openings:
        return None
    for ahead in range(_DAYS_AHEAD):
        day = now.date() + timedelta(days=ahead)
        if any(holiday.is_on(day) for holiday in holidays):
            continue
        todays = [opening for opening in openings if day.weekday() in opening.weekdays]
        for opening in sorted(todays, key=lambda opening: opening.since):
            start = datetime.combine(day, opening.since, now.tzinfo)
            if now < start:
                return _existing(start, now)
            if ahead == 0 and (opening.until is None or now.time() < opening.until):
                return now
    return None


def _existing(start: datetime, now: datetime) -> datetime:
    """The beginning of an opening as a moment after now, also where clocks are put on or back.

    Clocks that are put on skip times: 03:30 is 04:30 then. Clocks that are put back show times
    twice: the second one is meant when the first is over.
    """
    if now.tzinfo is None:
        return start
    moment = start.astimezone(UTC)
    if moment < now.astimezone(UTC):
        moment = start.replace(fold=1).astimezone(UTC)
    return moment.astimezone(now.tzinfo)
