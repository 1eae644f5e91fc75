"""A schedule, as a table ``[[schedules]]`` of ``vestlus.toml`` or as a person adds it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vestlus.scheduling.missed import MissedRule
from vestlus.scheduling.recurrence import Once, Repeated
from vestlus.settings_posts import PostPlan
from vestlus.settings_values import OptionalText, day, timezone_name, wall_time

_ZONE = AfterValidator(lambda value: value if value is None else timezone_name(value))
_WALL = BeforeValidator(wall_time)


def _times(value: str | None) -> str | None:
    if value is not None:
        Repeated(value, ZoneInfo("UTC"))
    return value


class Schedule(PostPlan):
    """When to post what. ``docs/posts.md`` has the table."""

    #: Once: a wall time without an offset, a whole minute.
    at: Annotated[datetime | None, _WALL] = None
    #: Again and again: five fields.
    cron: Annotated[OptionalText, AfterValidator(_times)] = None
    #: IANA; the account's where it is left out.
    timezone: Annotated[OptionalText, _ZONE] = None
    #: Wall times between which ``cron`` holds, and days that are left out.
    start: Annotated[datetime | None, _WALL] = None
    end: Annotated[datetime | None, _WALL] = None
    without: tuple[Annotated[date, BeforeValidator(day)], ...] = ()
    #: What becomes of times at which nobody was there to post.
    missed: MissedRule = MissedRule.LATEST
    #: Missed times older than this are never made up for, hours.
    missed_hours: Annotated[float, Field(ge=0, le=24 * 30)] = 6.0

    @model_validator(mode="after")
    def _has_times(self) -> Self:
        if (self.at is None) == (self.cron is None):
            raise ValueError("must have either at or cron")
        if self.at is not None and (self.start or self.end or self.without):
            raise ValueError("has start, end or without, which belong to cron")
        self.recurrence("UTC")
        return self

    def recurrence(self, timezone: str) -> Once | Repeated:
        """Its times; ``timezone`` where it names none."""
        zone = ZoneInfo(self.timezone or timezone)
        if self.at is not None:
            return Once(self.at, zone)
        return Repeated(self.cron or "", zone, self.start, self.end, frozenset(self.without))
