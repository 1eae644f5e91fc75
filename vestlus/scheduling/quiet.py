"""Hours in which nothing is to be posted, by the clocks of a zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from vestlus.scheduling.walltime import wall_at

_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.ASCII)
_HOUR = 60
_DAY = 24 * _HOUR
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Stretches of the day, in minutes since midnight; one that ends before it begins goes past
    midnight. What the clocks show counts: an hour that they show twice is quiet twice.
    """

    stretches: tuple[tuple[int, int], ...] = ()

    def after(self, at_ms: int, zone: ZoneInfo) -> int:
        """The first moment from ``at_ms`` on that is not quiet: itself, or a full minute."""
        while (left := self._left(at_ms, zone)) > 0:
            end_ms = at_ms + left
            if _offset_ms(at_ms, zone) == _offset_ms(end_ms, zone):
                at_ms = end_ms
            else:
                # The clocks are put forward or back before the stretch ends: minute by minute,
                # on two days of a year.
                at_ms += _MINUTE_MS - _since_midnight_ms(at_ms, zone) % _MINUTE_MS
        return at_ms

    def _left(self, at_ms: int, zone: ZoneInfo) -> int:
        """How long the clocks still have to go to a time that is not quiet, milliseconds."""
        start = now = _since_midnight_ms(at_ms, zone)
        # As many rounds as there are stretches: one may begin where another ends.
        for _ in self.stretches:
            for since, until in self.stretches:
                inside = (now - since * _MINUTE_MS) % (_DAY * _MINUTE_MS)
                long = (until - since) % _DAY * _MINUTE_MS
                if inside < long:
                    now += long - inside
        return now - start


def parse_quiet_hours(text: str) -> QuietHours:
    """Reads ``22:00-07:00``, or several with commas; empty for none.

    Raises ValueError, with a message for whoever wrote it.
    """
    if not text.strip():
        return QuietHours()
    stretches = tuple(_stretch(part.strip()) for part in text.split(","))
    covered = {
        (since + minute) % _DAY
        for since, until in stretches
        for minute in range((until - since) % _DAY)
    }
    if len(covered) == _DAY:
        raise ValueError("must leave some of the day: together they are all of it")
    return QuietHours(stretches)


def _stretch(text: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError("must read like 22:00-07:00, several with commas between them")
    hour, minute, end_hour, end_minute = map(int, match.groups())
    since, until = hour * _HOUR + minute, end_hour * _HOUR + end_minute
    if max(minute, end_minute) >= _HOUR or since >= _DAY or until > _DAY:
        raise ValueError("must have times from 00:00 to 24:00")
    if since == until % _DAY:
        raise ValueError("must end at another time than it begins")
    return since, until % _DAY


def _since_midnight_ms(at_ms: int, zone: ZoneInfo) -> int:
    wall = wall_at(at_ms, zone)
    seconds = wall.hour * 3600 + wall.minute * 60 + wall.second
    return seconds * 1000 + wall.microsecond // 1000


def _offset_ms(at_ms: int, zone: ZoneInfo) -> int:
    """How far the zone's clocks are from UTC then, but for whole days."""
    return (_since_midnight_ms(at_ms, zone) - at_ms) % (_DAY * _MINUTE_MS)
