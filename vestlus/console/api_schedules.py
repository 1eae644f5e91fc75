"""``/api/v1/schedules`` and ``/api/v1/posts/next``. ``docs/api.md`` documents them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from vestlus.console.operations import Call, Fault, Operation, Shape
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
from vestlus.planning.upcoming import MOST_DAYS, Source, snapshot, until, upcoming
from vestlus.store.plan_rows import Keeper

_INVALID: Final = Fault(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "what is wrong, a line each")
_NOT_THERE: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_schedule", "there is none of that name")
_TAKEN: Final = Fault(HTTPStatus.CONFLICT, "name_taken", "there is a schedule of that name")
_BY_FILE: Final = Fault(HTTPStatus.CONFLICT, "kept_by_file", "vestlus.toml keeps it")

_NAME: Final = {"name": "the schedule's"}


class MomentShape(Shape):
    """A moment by the clocks of a zone, with their offset, and UTC."""

    at: str
    utc: str


class ScheduleShape(Shape):
    """A schedule. ``definition`` has the keys of ``[[schedules]]`` and can be added again."""

    name: str
    kept_by: Keeper
    account: str
    paused: bool
    timezone: str
    next: MomentShape | None
    definition: dict[str, Any] | None
    problem: str


class SchedulesShape(Shape):
    """Schedules, by name."""

    schedules: list[ScheduleShape]


class RemovedShape(Shape):
    """A schedule that was taken out."""

    name: str
    removed: Literal[True] = True


class AddSchedule(BaseModel):
    """The keys of ``[[schedules]]``, which ``docs/posts.md`` has; times are text. The desk checks
    them, all at once.
    """

    model_config = ConfigDict(extra="allow")


class ListSchedules(Shape):
    """Whose schedules; empty for all."""

    account: Annotated[str | None, Field(max_length=64)] = None


class NextPosts(Shape):
    """How far to look ahead, and at what."""

    account: Annotated[str | None, Field(max_length=64)] = None
    days: Annotated[float, Field(gt=0, le=MOST_DAYS, allow_inf_nan=False)] = 7.0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class UpcomingShape(MomentShape):
    """One post to be. ``state`` is ``scheduled`` for a time of which there is no draft yet."""

    timezone: str
    account: str
    source: Source
    name: str
    state: str
    paused: bool
    id: str
    story: bool
    pictures: list[str]
    caption: str
    problem: str


class UpcomingPostsShape(Shape):
    """What goes out, the next first."""

    posts: list[UpcomingShape]


@contextmanager
def _at_desk(call: Call) -> Iterator[ScheduleDesk]:
    """The desk; what it refuses becomes an answer."""
    tools = call.tools
    try:
        yield open_desk(tools.store, tools.settings, tools.clock, tools.ring)
    except PlanRefused as error:
        raise _INVALID.refusal(*map(str, error.problems)) from error
    except NameTaken as error:
        raise _TAKEN.refusal(str(error)) from error
    except KeptByFile as error:
        raise _BY_FILE.refusal(str(error)) from error
    except NoSuchSchedule as error:
        raise _NOT_THERE.refusal(str(error)) from error


async def _list(call: Call) -> SchedulesShape:
    rows = await call.tools.store.schedules(account=call.query.account or None)
    now_ms = call.tools.clock()
    # Many schedules take a while, and webhooks do not wait for them.
    told = await asyncio.to_thread(lambda: [schedule_values(row, now_ms) for row in rows])
    return SchedulesShape.model_validate({"schedules": told})


async def _add(call: Call) -> dict[str, Any]:
    with _at_desk(call) as desk:
        row = await desk.add(call.body.model_extra or {})
    call.note(target=row.name)
    return schedule_values(row, call.tools.clock())


async def _show(call: Call) -> dict[str, Any]:
    with _at_desk(call) as desk:
        row = await desk.schedule(call.param("name"))
    return schedule_values(row, call.tools.clock())


async def _remove(call: Call) -> RemovedShape:
    name = call.param("name")
    with _at_desk(call) as desk:
        await desk.remove(name)
    call.note(target=name)
    return RemovedShape(name=name)


async def _pause(call: Call) -> dict[str, Any]:
    return await _paused(call, paused=True)


async def _resume(call: Call) -> dict[str, Any]:
    return await _paused(call, paused=False)


async def _paused(call: Call, *, paused: bool) -> dict[str, Any]:
    with _at_desk(call) as desk:
        row = await desk.pause(call.param("name"), paused=paused)
    call.note(target=row.name)
    return schedule_values(row, call.tools.clock())


async def _next(call: Call) -> UpcomingPostsShape:
    asked: NextPosts = call.query
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
    return UpcomingPostsShape.model_validate({"posts": [upcoming_values(one) for one in rows]})


OPERATIONS: Final = (
    Operation(
        "GET",
        "/schedules",
        "listSchedules",
        "Schedules, by name",
        _list,
        SchedulesShape,
        query=ListSchedules,
        tag="schedules",
    ),
    Operation(
        "POST",
        "/schedules",
        "addSchedule",
        "Adds a schedule",
        _add,
        ScheduleShape,
        role=Role.AGENT,
        body=AddSchedule,
        status=HTTPStatus.CREATED,
        action="schedule.add",
        faults=(_INVALID, _TAKEN),
        tag="schedules",
    ),
    Operation(
        "GET",
        "/schedules/{name}",
        "showSchedule",
        "One schedule",
        _show,
        ScheduleShape,
        params=_NAME,
        faults=(_NOT_THERE,),
        tag="schedules",
    ),
    Operation(
        "DELETE",
        "/schedules/{name}",
        "removeSchedule",
        "Takes a schedule out, and what it had planned",
        _remove,
        RemovedShape,
        role=Role.AGENT,
        params=_NAME,
        action="schedule.remove",
        faults=(_NOT_THERE, _BY_FILE),
        tag="schedules",
    ),
    Operation(
        "POST",
        "/schedules/{name}/pause",
        "pauseSchedule",
        "Pauses a schedule: its times pass meanwhile, and are skipped",
        _pause,
        ScheduleShape,
        role=Role.AGENT,
        params=_NAME,
        action="schedule.pause",
        faults=(_NOT_THERE,),
        tag="schedules",
    ),
    Operation(
        "POST",
        "/schedules/{name}/resume",
        "resumeSchedule",
        "Lets a schedule go on",
        _resume,
        ScheduleShape,
        role=Role.AGENT,
        params=_NAME,
        action="schedule.resume",
        faults=(_NOT_THERE,),
        tag="schedules",
    ),
    Operation(
        "GET",
        "/posts/next",
        "listNextPosts",
        "What goes out next, as things stand",
        _next,
        UpcomingPostsShape,
        query=NextPosts,
        tag="posts",
    ),
)
