"""What an account may spend on models in a day, and how far that is used up. Plain rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

#: Of a unit of money: what a single token costs is a whole number of these, near enough.
NANO = 1_000_000_000

#: People are told when so much of the budget is used up, percent.
NEAR_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent in a day; 0 for no limit. Money is in billionths of a unit."""

    cost_nano: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent. ``unpriced``: calls of models without a price, whose cost is not in it."""

    calls: int = 0
    tokens: int = 0
    cost_nano: int = 0
    unpriced: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.cost_nano + other.cost_nano,
            self.unpriced + other.unpriced,
        )


class Stage(IntEnum):
    """How far a budget is used up, in percent."""

    WITHIN = 0
    #: People are told.
    NEAR = NEAR_PERCENT
    #: People are told, and they answer: models are not asked until the day is over.
    SPENT = 100


def stage_of(budget: Budget, spent: Spent) -> Stage:
    """The stage of whichever limit is used up furthest."""
    stage = Stage.WITHIN
    for limit, used in ((budget.cost_nano, spent.cost_nano), (budget.tokens, spent.tokens)):
        if limit and used >= limit:
            return Stage.SPENT
        if limit and used * 100 >= limit * NEAR_PERCENT:
            stage = Stage.NEAR
    return stage


def used_of(budget: Budget, spent: Spent) -> float | None:
    """How much of it is used up, 1 for all, of whichever limit is used up furthest; None where
    there is no limit.
    """
    limits = ((budget.cost_nano, spent.cost_nano), (budget.tokens, spent.tokens))
    return max((used / limit for limit, used in limits if limit), default=None)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of an account's own zone: ``2026-03-14``, and until when it lasts.

    Times are milliseconds since 1970.
    """

    name: str
    begins_ms: int
    ends_ms: int

    def has(self, now_ms: int) -> bool:
        """Whether a time lies in it."""
        return self.begins_ms <= now_ms < self.ends_ms


def day_at(now_ms: int, timezone: str) -> Day:
    """The day that it is. ``timezone``: IANA. Days of 23 and 25 hours are one day too."""
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    begins, ends = (
        datetime.combine(day, time(), zone).timestamp()
        for day in (today, today + timedelta(days=1))
    )
    return Day(today.isoformat(), round(begins * 1000), round(ends * 1000))
