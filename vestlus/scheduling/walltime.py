"""Times as people name them, a wall time in a zone, and the moments that they mean.

A wall time is a ``datetime`` without a zone. It is turned into a moment as late as possible,
because the rules of zones change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a wall time means: milliseconds since 1970.

    ``skipped``: clocks never showed that wall time, because they were put forward over it.
    """

    at_ms: int
    skipped: bool


def moment_of(wall: datetime, zone: ZoneInfo) -> Moment:
    """The moment of a wall time.

    A time that clocks show twice is the first of the two. One that they skip is as much later as
    they were put forward (RFC 5545, 3.3.5: the offset before the gap holds): 02:30 becomes 03:30
    where 02:00 became 03:00.
    """
    at_ms = (wall.replace(tzinfo=zone, fold=0) - _EPOCH) // _MS
    return Moment(at_ms, skipped=wall_at(at_ms, zone) != wall)


def wall_at(at_ms: int, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone show at a moment."""
    return (_EPOCH + at_ms * _MS).astimezone(zone).replace(tzinfo=None, fold=0)
