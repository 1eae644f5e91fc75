"""``/api/v1/schedules`` and ``/api/v1/posts/next``. ``docs/api.md`` documents them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import Field

from vestlus.console.operations import INVALID, Call, Fault, Operation, Shape
from vestlus.console.people import Role
from vestlus.planning.desk import (
    KeptByFile,
    NameTaken,
    NoSuchSchedule,
    PlanRefused,
    ScheduleDesk,
)
from vestlus.planning.desk_open import open_desk
from vestlus.planning.telling import schedule_values, upcoming_values
from vestlus.planning.upcoming import MOST_DAYS, snapshot, until, upcoming
from vestlus.settings_schedules import Schedule

#: Posts in one answer.
_MOST: Final = 1_000
_USUAL: Final = 100
_USUAL_DAYS: Final = 7.0

_NONE: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_schedule", "there is none of that name")
_TAKEN: Final = Fault(HTTPStatus.CONFLICT, "name_taken", "there is a schedule of that name")
_FILED: Final = Fault(
    HTTPStatus.CONFLICT, "kept_by_file", "vestlus.toml keeps it: it is taken out there"
)


class OfAccount(Shape):
    """Whose."""

    account: Annotated[str, Field(description="Only those of this account.")] = ""


class NextAsked(OfAccount):
    """How far ahead."""

    days: Annotated[
        float, Field(gt=0, le=MOST_DAYS, allow_inf_nan=False, description="Days ahead.")
    ] = _USUAL_DAYS
    limit: Annotated[int, Field(ge=1, le=_MOST, description="Posts at most.")] = _USUAL


class MomentTold(Shape):
    """A moment by the clocks of a zone, with their offset, and in UTC."""

    at: str
    utc: str


class ScheduleTold(Shape):
    """A schedule. ``definition`` can be posted again."""

    name: str
    kept_by: Annotated[str, Field(description="`file` for those of vestlus.toml, else `hand`.")]
    account: str
    paused: bool
    timezone: str
    next: MomentTold | None
    definition: dict[str, Any] | None
    problem: str


class SchedulesTold(Shape):
    """Schedules by name."""

    schedules: list[ScheduleTold]


class ScheduleRemoved(Shape):
    """It is gone, and what it had planned."""

    name: str
    removed: bool


class NextTold(MomentTold):
    """Something that goes out."""

    timezone: str
    account: str
    source: Annotated[str, Field(description="`schedule`, `event` or `hand`.")]
    name: str
    state: str
    paused: bool
    id: str
    story: bool
    pictures: list[str]
    caption: str
    problem: str


class AllNextTold(Shape):
    """What goes out, the next first."""

    posts: list[NextTold]


async def _list(call: Call) -> dict[str, Any]:
    rows = await call.tools.store.schedules(account=call.query.account or None)
    now_ms = call.tools.clock()
    # Many schedules take a while, and webhooks do not wait for them.
    told = await asyncio.to_thread(lambda: [schedule_values(row, now_ms) for row in rows])
    return {"schedules": told}


async def _add(call: Call) -> dict[str, Any]:
    with _desk(call) as desk:
        row = await desk.add(call.body)
    call.noted.note(target=row.name)
    return schedule_values(row, call.tools.clock())


async def _show(call: Call) -> dict[str, Any]:
    with _desk(call) as desk:
        row = await desk.schedule(call.param("name"))
    return schedule_values(row, call.tools.clock())


async def _remove(call: Call) -> dict[str, Any]:
    with _desk(call) as desk:
        name = await _known(call, desk)
        await desk.remove(name)
    return {"name": name, "removed": True}


async def _pause(call: Call) -> dict[str, Any]:
    return await _paused(call, paused=True)


async def _resume(call: Call) -> dict[str, Any]:
    return await _paused(call, paused=False)


async def _paused(call: Call, *, paused: bool) -> dict[str, Any]:
    with _desk(call) as desk:
        row = await desk.pause(await _known(call, desk), paused=paused)
    return schedule_values(row, call.tools.clock())


async def _known(call: Call, desk: ScheduleDesk) -> str:
    """The schedule's name, noted. What is none, perhaps a user's id, is in no audit."""
    row = await desk.schedule(call.param("name"))
    call.noted.note(target=row.name, account=row.account)
    return row.name


async def _next(call: Call) -> dict[str, Any]:
    asked: NextAsked = call.query
    found = await snapshot(call.tools.store, asked.account or None)
    now_ms = call.tools.clock()
    rows = await asyncio.to_thread(
        upcoming,
        found,
        call.tools.settings,
        now_ms=now_ms,
        until_ms=until(now_ms, asked.days),
        limit=asked.limit,
    )
    return {"posts": [upcoming_values(one) for one in rows]}


@contextmanager
def _desk(call: Call) -> Iterator[ScheduleDesk]:
    """The desk; what it refuses becomes an answer."""
    tools = call.tools
    try:
        yield open_desk(tools.store, tools.settings, tools.clock, tools.ring)
    except PlanRefused as error:
        raise INVALID.refusal(*map(str, error.problems)) from error
    except NameTaken as error:
        raise _TAKEN.refusal(str(error)) from error
    except KeptByFile as error:
        raise _FILED.refusal(str(error)) from error
    except NoSuchSchedule as error:
        raise _NONE.refusal(str(error)) from error


_NAME: Final = {"name": "The schedule's name."}
_ONE: Final = "/schedules/{name}"

OPERATIONS: Final = (
    Operation(
        "GET", "/schedules", "listSchedules", "Schedules by name", _list, SchedulesTold,
        query=OfAccount,
    ),
    Operation(
        "POST", "/schedules", "addSchedule", "Adds a schedule", _add, ScheduleTold,
        role=Role.AGENT, body=Schedule, raw_body=True, status=HTTPStatus.CREATED,
        action="schedule.add", faults=(_TAKEN,),
    ),
    Operation(
        "GET", _ONE, "showSchedule", "One schedule", _show, ScheduleTold,
        params=_NAME, faults=(_NONE,),
    ),
    Operation(
        "DELETE", _ONE, "removeSchedule", "Takes it out, and what it had planned", _remove,
        ScheduleRemoved, role=Role.AGENT, params=_NAME, action="schedule.remove",
        faults=(_NONE, _FILED),
    ),
    Operation(
        "POST", f"{_ONE}/pause", "pauseSchedule", "Pauses it", _pause, ScheduleTold,
        role=Role.AGENT, params=_NAME, action="schedule.pause", faults=(_NONE,),
    ),
    Operation(
        "POST", f"{_ONE}/resume", "resumeSchedule", "Lets it go on", _resume, ScheduleTold,
        role=Role.AGENT, params=_NAME, action="schedule.resume", faults=(_NONE,),
    ),
    Operation(
        "GET", "/posts/next", "listNextPosts", "What goes out, the next first", _next,
        AllNextTold, query=NextAsked,
    ),
)  # fmt: skip
