"""``/console/posts/schedules``: what goes out by the clock."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from vestlus.console.guarding import Guard
from vestlus.console.post_views import tone_of
from vestlus.console.rendering import moment
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Refusal, Visit
from vestlus.console.words import Language
from vestlus.planning.definitions import Definition, read_definition
from vestlus.planning.desk import NoSuchSchedule, ScheduleDesk
from vestlus.planning.desk_open import open_desk
from vestlus.planning.telling import schedule_values
from vestlus.store.occurrences import OPEN
from vestlus.store.plan_rows import ScheduleRow, Trigger

_LIST: Final = "/console/posts/schedules"
#: Times that the page of a schedule shows.
_TIMES: Final = 10
_LATEST: Final = 10
#: Open occurrences of one name that are looked at.
_OPEN: Final = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule stands: the key of the words for it, the tone of its badge."""

    key: str
    tone: str
    #: Its times are past, and nothing of it is to go out yet: there is nothing to pause.
    is_over: bool = False


_UNREADABLE: Final = Standing("posts.state.time.unreadable", "bad")
_PAUSED: Final = Standing("posts.schedule.paused", "warn")
_ON: Final = Standing("posts.schedule.on", "good")
_OVER: Final = Standing("posts.schedule.over", "", is_over=True)


class SchedulesPages:
    """Lists, shows, pauses, resumes."""

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        one, guard = f"{_LIST}/{{name}}", self._guard
        return [
            guard.page(_LIST, self._list),
            guard.page(one, self._show),
            guard.action(f"{one}/pause", "schedule.pause", self._pause),
            guard.action(f"{one}/resume", "schedule.resume", self._resume),
        ]

    async def _list(self, visit: Visit) -> Response:
        rows = await self._tools.store.schedules()
        now_ms = visit.now_ms
        told = await asyncio.to_thread(lambda: [_line(row, now_ms, visit.language) for row in rows])
        lines = [one | {"standing": await self._standing(one)} for one in told]
        return visit.page("schedules.html", schedules=lines)

    async def _show(self, visit: Visit) -> Response:
        try:
            row = await self._desk().schedule(visit.param("name"))
        except NoSuchSchedule as error:
            raise HTTPException(HTTPStatus.NOT_FOUND) from error
        read = read_definition(row)
        known = read if isinstance(read, Definition) else None
        times = itertools.islice(known.recurrence.after(visit.now_ms), _TIMES) if known else ()
        latest = await self._tools.store.occurrences(limit=_LATEST, name=row.name)
        told = schedule_values(row, visit.now_ms)
        return visit.page(
            "schedule.html",
            zone=ZoneInfo(known.timezone) if known else None,
            schedule=told,
            standing=await self._standing(told),
            keys=told["definition"] or {},
            times=[one.at_ms for one in times],
            latest=latest,
            tone_of=tone_of,
        )

    async def _pause(self, visit: Visit, _: FormData) -> Done:
        return await self._paused(visit, paused=True)

    async def _resume(self, visit: Visit, _: FormData) -> Done:
        return await self._paused(visit, paused=False)

    async def _paused(self, visit: Visit, *, paused: bool) -> Done:
        desk = self._desk()
        try:
            # First of all: what is no schedule's name, perhaps a user's id, is in no audit.
            row = await desk.schedule(visit.param("name"))
            visit.noted.note(target=row.name, account=row.account)
            await desk.pause(row.name, paused=paused)
        except NoSuchSchedule as error:
            raise Refusal("posts.schedule.gone", _LIST) from error
        notice = "posts.schedule.done.paused" if paused else "posts.schedule.done.resumed"
        return Done(f"{_LIST}/{quote(row.name)}", row.name, notice)

    async def _standing(self, told: Mapping[str, Any]) -> Standing:
        if told["problem"]:
            return _UNREADABLE
        if told["paused"]:
            return _PAUSED
        if told["next"] or await self._is_to_go_out(told["name"]):
            return _ON
        return _OVER

    async def _is_to_go_out(self, name: str) -> bool:
        """Whether one of the schedule's times that are past is open. Event rules have names too."""
        found = await self._tools.store.occurrences(limit=_OPEN, name=name, states=OPEN)
        return any(one.trigger is Trigger.SCHEDULE for one in found)

    def _desk(self) -> ScheduleDesk:
        tools = self._tools
        return open_desk(tools.store, tools.settings, tools.clock, tools.ring)


def _line(row: ScheduleRow, now_ms: int, language: Language) -> dict[str, object]:
    """A schedule of the list, with its next time as its own clock shows it."""
    told = schedule_values(row, now_ms)
    read = read_definition(row)
    known = read if isinstance(read, Definition) else None
    following = next(iter(known.recurrence.after(now_ms)), None) if known else None
    zone = ZoneInfo(told["timezone"] or "UTC")
    return told | {"next_said": moment(following.at_ms, language, zone) if following else ""}
