"""Schedules and what goes out as JSON tells them, by the command line and through the API alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from vestlus.planning.definitions import Unreadable, read_definition
from vestlus.planning.upcoming import Upcoming
from vestlus.scheduling.walltime import wall_at
from vestlus.store.plan_rows import ScheduleRow


def schedule_values(row: ScheduleRow, now_ms: int) -> dict[str, Any]:
    """A schedule; ``definition`` has its keys as ``[[schedules]]`` has them, and can be added
    again.
    """
    read = read_definition(row)
    told: dict[str, Any] = {
        "name": row.name,
        "kept_by": str(row.keeper),
        "account": row.account,
        "paused": row.paused,
    }
    if isinstance(read, Unreadable):
        return told | {"timezone": "", "next": None, "definition": None, "problem": read.problem}
    upcoming = next(iter(read.recurrence.after(now_ms)), None)
    return told | {
        "timezone": read.timezone,
        "next": None if upcoming is None else moment_values(upcoming.at_ms, read.timezone),
        "definition": read.schedule.model_dump(mode="json", exclude_defaults=True),
        "problem": "",
    }


def upcoming_values(one: Upcoming) -> dict[str, Any]:
    """Something that will go out."""
    return {
        **moment_values(one.at_ms, one.timezone),
        "timezone": one.timezone,
        "account": one.account,
        "source": str(one.source),
        "name": one.name,
        "state": one.state,
        "paused": one.paused,
        "id": one.id,
        "story": one.story,
        "pictures": list(one.pictures),
        "caption": one.caption,
        "problem": one.problem,
    }


def moment_values(at_ms: int, timezone: str) -> dict[str, str]:
    """A moment twice: by the clocks of a zone, with their offset, and UTC."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return {
        "at": at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds"),
        "utc": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def wall(at_ms: int, timezone: str) -> str:
    """A moment for people: weekday, date, time and offset by the clocks of a zone."""
    zone = ZoneInfo(timezone)
    offset = datetime.fromtimestamp(at_ms / 1000, zone).strftime("%z")
    return f"{wall_at(at_ms, zone):%a %Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"
