"""The weeks by which PostgreSQL keeps histories apart, so that an old one goes in one piece."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

WEEK_MS: Final = 7 * 24 * 60 * 60 * 1000

#: 1970-01-05, 00:00 UTC, was the first Monday.
_FIRST_MONDAY_MS: Final = 4 * 24 * 60 * 60 * 1000

_NAME: Final = re.compile(r"history_w(\d{8})")


@dataclass(frozen=True, slots=True)
class Week:
    """From Monday 00:00 UTC to the next, both in milliseconds since 1970."""

    start_ms: int

    @property
    def end_ms(self) -> int:
        """The next week's start."""
        return self.start_ms + WEEK_MS

    @property
    def name(self) -> str:
        """The partition's name, such as ``history_w20261123``."""
        monday = datetime.fromtimestamp(self.start_ms / 1000, UTC)
        return f"history_w{monday:%Y%m%d}"

    @property
    def next(self) -> Week:
        """The week after it."""
        return Week(self.end_ms)


def week_of(at_ms: int) -> Week:
    """The week that the moment lies in."""
    return Week(at_ms - (at_ms - _FIRST_MONDAY_MS) % WEEK_MS)


def weeks_ahead(now_ms: int, count: int) -> tuple[Week, ...]:
    """This week and so many after it."""
    weeks = [week_of(now_ms)]
    for _ in range(count):
        weeks.append(weeks[-1].next)
    return tuple(weeks)


def week_named(name: str) -> Week | None:
    """The week of a partition's name; None for a table that is no week's."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        monday = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    days: timedelta = monday - date(1970, 1, 1)
    week = week_of(days.days * 24 * 60 * 60 * 1000)
    return week if week.name == name else None


def outdated(names: list[str], before_ms: int) -> tuple[Week, ...]:
    """Those of the named weeks in which everything is older than that, the oldest first."""
    weeks = (week_named(name) for name in names)
    old = (week for week in weeks if week is not None and week.end_ms <= before_ms)
    return tuple(sorted(old, key=lambda week: week.start_ms))
