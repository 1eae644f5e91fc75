"""How often one user may have the model asked, and how often that was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

HOUR_MS: Final = 60 * 60 * 1000
DAY_MS: Final = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls of the model for one user of one account; 0 for no limit."""

    per_hour: int = 0
    per_day: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """The calls of the model for one user, in the hour and in the day that began with the first.

    An hour or day begins with the first call after the one before it has ended, so that a limit
    ends at a time that can be said. Times are milliseconds since 1970, 0 for never.
    """

    hour_ms: int = 0
    in_hour: int = 0
    day_ms: int = 0
    in_day: int = 0
    #: Until when the user was told that there are no more answers.
    told_until_ms: int = 0

    def counted(self, now_ms: int, calls: int = 1) -> Usage:
        """With so many calls more."""
        hour_ms, in_hour = _current(self.hour_ms, self.in_hour, now_ms, HOUR_MS)
        day_ms, in_day = _current(self.day_ms, self.in_day, now_ms, DAY_MS)
        return replace(
            self, hour_ms=hour_ms, in_hour=in_hour + calls, day_ms=day_ms, in_day=in_day + calls
        )

    def spent_until(self, allowance: Allowance, now_ms: int) -> int:
        """Until when the allowance is used up; 0 when it is not."""
        until = 0
        hour_ms, in_hour = _current(self.hour_ms, self.in_hour, now_ms, HOUR_MS)
        day_ms, in_day = _current(self.day_ms, self.in_day, now_ms, DAY_MS)
        if allowance.per_hour and in_hour >= allowance.per_hour:
            until = hour_ms + HOUR_MS
        if allowance.per_day and in_day >= allowance.per_day:
            until = max(until, day_ms + DAY_MS)
        return until

    def was_told(self, now_ms: int) -> bool:
        """Whether the user knows, of the limit that there is now, that there are no answers.

        A time that is farther away than any limit lasts is from before the clock was put back.
        """
        return now_ms < self.told_until_ms <= now_ms + DAY_MS


#: Of who never had the model asked.
NO_USAGE: Final = Usage()


def _current(began_ms: int, calls: int, now_ms: int, lasts_ms: int) -> tuple[int, int]:
    """The window that a call now belongs to, and the calls in it so far.

    One that began in the future is from before the clock was put back.
    """
    return (began_ms, calls) if began_ms <= now_ms < began_ms + lasts_ms else (now_ms, 0)


def written(usage: Usage) -> str:
    """As one text for the store; empty for no call ever."""
    if usage == NO_USAGE:
        return ""
    numbers = (usage.hour_ms, usage.in_hour, usage.day_ms, usage.in_day, usage.told_until_ms)
    return " ".join(str(number) for number in numbers)


def read(text: str) -> Usage:
    """What :func:`written` wrote. Raises ValueError, TypeError for anything else."""
    return Usage(*(int(number) for number in text.split())) if text else NO_USAGE
