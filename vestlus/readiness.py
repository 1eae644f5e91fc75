"""Whether an answer can be given: ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from vestlus.bus.port import Bus
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.hosting.membership import GONE_AFTER_SECONDS
from vestlus.store.names import INBOX_PREFIX, OUTBOX_PREFIX
from vestlus.store.port import Store
from vestlus.store.rows import MemberKind

#: A probe answers within this time, whatever hangs behind it.
PROBE_SECONDS: Final = 3.0

HEALTHY_PATH: Final = "/healthz"
READY_PATH: Final = "/readyz"


class Reached(Protocol):
    """What there is by now."""

    @property
    def bus(self) -> Bus | None:
        """None until it is reached."""
        ...

    @property
    def store(self) -> Store | None:
        """The same."""
        ...


class Readiness:
    """The probes of one replica."""

    def __init__(self, reached: Reached) -> None:
        self._reached = reached

    @property
    def routes(self) -> list[Route]:
        """For Starlette."""
        return [Route(HEALTHY_PATH, self._healthy), Route(READY_PATH, self._ready)]

    async def bus_problem(self) -> str | None:
        """What is wrong with the bus just now, if anything is."""
        return await _within_time(self._bus_answers)

    async def _healthy(self, _: Request) -> PlainTextResponse:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def _ready(self, _: Request) -> JSONResponse:
        """An answer can be given: bus, store, and somebody to converse and to send."""
        checks = {
            "bus": self._bus_answers,
            "store": self._store_answers,
            "conversations": lambda: self._somebody(MemberKind.CONVERSATION),
            "publishers": lambda: self._somebody(MemberKind.PUBLISHER),
        }
        results = await asyncio.gather(*(_within_time(check) for check in checks.values()))
        problems = {name: problem for name, problem in zip(checks, results, strict=True) if problem}
        body = {"ready": not problems, "problems": problems}
        return JSONResponse(body, status_code=503 if problems else 200)

    async def _bus_answers(self) -> str | None:
        if self._reached.bus is None:
            return "not reached yet"
        await self._reached.bus.check()
        return None

    async def _store_answers(self) -> str | None:
        if self._reached.store is None:
            return "not reached yet"
        await self._reached.store.check()
        return None

    async def _somebody(self, kind: MemberKind) -> str | None:
        store = self._reached.store
        if store is None:
            return "starting"
        members = {member.id for member in await store.live(kind, GONE_AFTER_SECONDS)}
        prefix = INBOX_PREFIX if kind is MemberKind.CONVERSATION else OUTBOX_PREFIX
        assignment = await store.assignment(prefix)
        serving = members & set(assignment.values())
        return None if serving else "nobody serves yet"


async def _within_time(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await check()
    except (BusUnavailable, StoreUnavailable, TimeoutError) as error:
        return f"does not answer ({type(error).__name__})"
