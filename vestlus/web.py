"""The HTTP surface: the webhook's hot route before everything else, then the probes.

Meta's webhook touches the bus only; the store is opened for the probes and never waited for on
that path.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Topology
from vestlus.clock import system_clock
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.hosting.membership import GONE_AFTER_SECONDS
from vestlus.instagram.handler import WebhookHandler
from vestlus.measures import exposition
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import MemberKind

_log = structlog.get_logger(__name__)

#: A probe answers within this time, whatever hangs behind it.
PROBE_SECONDS = 3.0


class Front:
    """The ASGI application. The adapters live from the server's start to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topology = Topology(inbox=settings.partitions)
        self._webhook: ASGIApp | None = None
        self._bus: Bus | None = None
        self._store: Store | None = None
        self._counts: Counter[str] = Counter()
        self._rest = Starlette(
            routes=[
                Route("/healthz", self._healthy),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
            ],
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs the lifespan."""
        if scope["type"] == "http" and scope["path"] == "/webhook" and self._webhook is not None:
            await self._webhook(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        settings = self._settings
        async with AsyncExitStack() as stack:
            self._store = await stack.enter_async_context(
                open_store(
                    settings.database,
                    partitions=self._topology.inbox,
                    outbox_partitions=self._topology.outbox,
                )
            )
            self._bus = await stack.enter_async_context(open_bus(settings.bus, self._topology))
            token = settings.verify_token
            self._webhook = await stack.enter_async_context(
                WebhookHandler(
                    secrets=settings.secrets,
                    verify_token=token.get_secret_value() if token else "",
                    bus=self._bus,
                    partitions=self._topology.inbox,
                    clock=system_clock,
                    on_counts=self._count,
                )
            )
            yield
            self._webhook = None

    def _count(self, counts: Mapping[str, int]) -> None:
        self._counts.update(counts)

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
        if self._bus is not None:
            await self._bus.check()
        return None

    async def _store_answers(self) -> str | None:
        if self._store is not None:
            await self._store.check()
        return None

    async def _somebody(self, kind: MemberKind) -> str | None:
        if self._store is None:
            return "starting"
        members = {member.id for member in await self._store.live(kind, GONE_AFTER_SECONDS)}
        prefix = "inbox." if kind is MemberKind.CONVERSATION else "outbox."
        assignment = await self._store.assignment(prefix)
        serving = members & set(assignment.values())
        return None if serving else "nobody serves yet"

    async def _metrics(self, _: Request) -> PlainTextResponse:
        """Sums over the store and this process, in Prometheus' text format."""
        try:
            counts = await self._store.counts() if self._store else None
        except StoreUnavailable:
            counts = None
        return PlainTextResponse(
            exposition(counts, self._counts), media_type="text/plain; version=0.0.4"
        )


async def _within_time(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await check()
    except (BusUnavailable, StoreUnavailable, TimeoutError) as error:
        return f"does not answer ({type(error).__name__})"
