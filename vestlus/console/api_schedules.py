"""``/api/v1/schedules`` and ``/api/v1/posts/next``. ``docs/api.md`` documents them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vestlus.clock import Clock
from vestlus.console.api import ApiRefusal, Gate, answer
from vestlus.planning.desk import (
    KeptByFile,
    NameTaken,
    NoSuchSchedule,
    PlanRefused,
    Ring,
    ScheduleDesk,
)
from vestlus.planning.desk_open import open_desk
from vestlus.planning.telling import schedule_values, upcoming_values
from vestlus.planning.upcoming import MOST_DAYS, snapshot, until, upcoming
from vestlus.settings import Settings
from vestlus.store.port import Store

#: Posts in one answer.
_MOST: Final = 1_000
_USUAL: Final = 100
_USUAL_DAYS: Final = 7.0


class SchedulesApi:
    """Schedules, as operators' programs see them. ``store`` gives ``None`` until it is open."""

    def __init__(
        self,
        settings: Settings,
        gate: Gate,
        *,
        store: Callable[[], Store | None],
        ring: Ring,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._gate = gate
        self._store = store
        self._ring = ring
        self._clock = clock

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        one = "/api/v1/schedules/{name}"
        served = (
            ("/api/v1/schedules", "GET", self._list),
            ("/api/v1/schedules", "POST", self._add),
            (one, "GET", self._show),
            (one, "DELETE", self._remove),
            (f"{one}/pause", "POST", self._pause),
            (f"{one}/resume", "POST", self._resume),
            ("/api/v1/posts/next", "GET", self._next),
        )
        return [
            Route(path, self._gate(handler), methods=[method]) for path, method, handler in served
        ]

    async def _list(self, request: Request) -> JSONResponse:
        rows = await self._opened().schedules(account=request.query_params.get("account") or None)
        now_ms = self._clock()
        # Many schedules take a while, and webhooks do not wait for them.
        told = await asyncio.to_thread(lambda: [schedule_values(row, now_ms) for row in rows])
        return answer({"schedules": told})

    async def _add(self, request: Request) -> JSONResponse:
        values = await self._gate.body(request)
        with self._desk() as desk:
            row = await desk.add(values)
        return answer(schedule_values(row, self._clock()), HTTPStatus.CREATED)

    async def _show(self, request: Request) -> JSONResponse:
        with self._desk() as desk:
            row = await desk.schedule(request.path_params["name"])
        return answer(schedule_values(row, self._clock()))

    async def _remove(self, request: Request) -> JSONResponse:
        name = request.path_params["name"]
        with self._desk() as desk:
            await desk.remove(name)
        return answer({"name": name, "removed": True})

    async def _pause(self, request: Request) -> JSONResponse:
        return await self._paused(request.path_params["name"], paused=True)

    async def _resume(self, request: Request) -> JSONResponse:
        return await self._paused(request.path_params["name"], paused=False)

    async def _paused(self, name: str, *, paused: bool) -> JSONResponse:
        with self._desk() as desk:
            row = await desk.pause(name, paused=paused)
        return answer(schedule_values(row, self._clock()))

    async def _next(self, request: Request) -> JSONResponse:
        given = request.query_params
        days = _number(given.get("days"), _USUAL_DAYS)
        limit = _number(given.get("limit"), float(_USUAL))
        problems = []
        if not 0 < days <= MOST_DAYS:
            problems.append(f"days: must be a number above 0, and at most {MOST_DAYS}")
        if not 1 <= limit <= _MOST or limit != int(limit):
            problems.append(f"limit: must be a whole number from 1 to {_MOST}")
        if problems:
            raise ApiRefusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", *problems)
        found = await snapshot(self._opened(), given.get("account") or None)
        now_ms = self._clock()
        rows = await asyncio.to_thread(
            upcoming,
            found,
            self._settings,
            now_ms=now_ms,
            until_ms=until(now_ms, days),
            limit=int(limit),
        )
        return answer({"posts": [upcoming_values(one) for one in rows]})

    def _opened(self) -> Store:
        store = self._store()
        if store is None:
            words = "the store is not reached yet: try again"
            raise ApiRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "store_away", words)
        return store

    @contextmanager
    def _desk(self) -> Iterator[ScheduleDesk]:
        """The desk; what it refuses becomes an answer."""
        try:
            yield open_desk(self._opened(), self._settings, self._clock, self._ring)
        except PlanRefused as error:
            raise ApiRefusal(
                HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", *map(str, error.problems)
            ) from error
        except NameTaken as error:
            raise ApiRefusal(HTTPStatus.CONFLICT, "name_taken", str(error)) from error
        except KeptByFile as error:
            raise ApiRefusal(HTTPStatus.CONFLICT, "kept_by_file", str(error)) from error
        except NoSuchSchedule as error:
            raise ApiRefusal(HTTPStatus.NOT_FOUND, "no_such_schedule", str(error)) from error


def _number(text: str | None, usual: float) -> float:
    """A number of the query; not a number where it is none."""
    if text is None:
        return usual
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
