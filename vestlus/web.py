"""The HTTP surface: the webhook's hot route before everything else, then pictures, other systems'
events, and probes.

Meta's webhook touches the bus only. Bus and store are opened side by side and for as long as it
takes, so a replica that starts while one of them is away starts all the same: without the bus the
webhook says 503, without the store it works. Pictures need neither, events the store.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import structlog
from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from image_bank.links import MEDIA_PATH
from image_bank.open import open_media, open_storage
from image_bank.storage import MediaStorage
from vestlus.backoff import Backoff
from vestlus.bus.measured import MeasuredBus
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Topology
from vestlus.clock import system_clock
from vestlus.console.api import Gate
from vestlus.console.api_all import OPERATIONS
from vestlus.console.application import console_routes
from vestlus.console.operations import routes
from vestlus.console.tools import Tools
from vestlus.counting import Counting
from vestlus.delivery_gaps import GapTeller
from vestlus.errors import BusUnavailable, SettingsError, StoreError, StoreUnavailable
from vestlus.hosting.membership import GONE_AFTER_SECONDS
from vestlus.hosting.predecessor import host_name
from vestlus.instagram.handler import WebhookHandler
from vestlus.measuring.catalogue import EVENT_REQUESTS, WEBHOOK, of
from vestlus.measuring.exposition import CONTENT_TYPE, Exposition
from vestlus.measuring.reporter import Reporter, new_identity, reporting
from vestlus.notify import Notifier
from vestlus.planning.bell import ring
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import EventDesk
from vestlus.planning.http import EVENTS_PATH, EventsRoute
from vestlus.privacy.desk import PrivacyDesk
from vestlus.privacy.http import PrivacyRoutes
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import MemberKind
from vestlus.tracing_setup import traced

_log = structlog.get_logger(__name__)

#: A probe answers within this time, whatever hangs behind it.
PROBE_SECONDS = 3.0

#: How long an event's answer waits for the bell; the scheduler looks by itself besides.
RING_SECONDS = 1.0

_NOT_YET = PlainTextResponse("not now\n", status_code=503, headers={"Retry-After": "5"})


class Front:
    """The ASGI application. The adapters live from the server's start to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topology = Topology(inbox=settings.partitions)
        self._webhook: ASGIApp | None = None
        #: A webhook came before it could be taken in.
        self._refused_early = False
        self._media: ASGIApp | None = None
        self._storage: MediaStorage | None = None
        self._bus: Bus | None = None
        self._store: Store | None = None
        self._events = EventsRoute(
            sources=settings.event_sources,
            desk=EventDesk(rules_of(settings), system_clock, self._wake_planner),
            store=lambda: self._store,
            on_counts=partial(_count, EVENT_REQUESTS),
        )
        self._mine = new_identity("webhook", host_name())
        self._exposition = Exposition(self._mine, Counting(time.monotonic), system_clock)
        gate = Gate(settings.operator_token)
        self._notifier: Notifier | None = None
        privacy = PrivacyRoutes(
            secrets=settings.secrets,
            public_url=settings.public_url,
            desk=self._privacy_desk,
            clock=system_clock,
        )
        tools = Tools(
            settings=settings,
            clock=system_clock,
            find_store=lambda: self._store,
            find_bus=lambda: self._bus,
            ring=self._wake_planner,
            find_storage=lambda: self._storage,
        )
        self._rest = Starlette(
            routes=[
                *routes(OPERATIONS, gate, tools),
                *console_routes(tools),
                *privacy.routes,
                Route("/healthz", self._healthy),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
            ],
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs the lifespan."""
        if scope["type"] == "http" and scope["path"] == "/webhook":
            self._refused_early |= self._webhook is None and scope["method"] == "POST"
            await (self._webhook or _NOT_YET)(scope, receive, send)
        elif scope["type"] == "http" and self._media and scope["path"].startswith(MEDIA_PATH):
            await self._media(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(EVENTS_PATH):
            await self._events(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(traced(self._settings.otel, "webhook"))
            await self._open_media(stack)
            self._notifier = await stack.enter_async_context(Notifier(self._settings))
            opening = [
                asyncio.create_task(self._open_bus(stack), name="opening the bus"),
                asyncio.create_task(self._open_store(stack), name="opening the store"),
            ]
            try:
                yield
            finally:
                self._webhook = self._media = None
                for task in opening:
                    task.cancel()
                await asyncio.wait(opening)

    async def _open_media(self, stack: AsyncExitStack) -> None:
        """Reaches nothing yet, so it need not be waited for like bus and store."""
        try:
            self._storage = await stack.enter_async_context(open_storage(self._settings))
            self._media = await stack.enter_async_context(open_media(self._settings, system_clock))
        except SettingsError as error:
            # For the operator to mend; the webhook takes messages in all the same.
            _log.error("media_not_served", problems=error.problems)

    async def _open_bus(self, stack: AsyncExitStack) -> None:
        settings, backoff = self._settings, Backoff()
        token = settings.verify_token
        while True:
            opened = MeasuredBus(open_bus(settings.bus, self._topology))
            try:
                bus = await stack.enter_async_context(opened)
            except BusUnavailable:
                _log.warning("bus_not_reachable")
                await backoff.wait()
                continue
            gaps = await stack.enter_async_context(
                GapTeller(bus, outbox_partitions=self._topology.outbox, clock=system_clock)
            )
            if self._refused_early:
                # Whose it was is not known: nobody has read it.
                gaps.suspect({account.id for account in settings.accounts}, "webhook_refused")

            def refused(accounts: Collection[str], gaps: GapTeller = gaps) -> None:
                gaps.suspect(accounts, "webhook_refused")

            self._webhook = await stack.enter_async_context(
                WebhookHandler(
                    secrets=settings.secrets,
                    verify_token=token.get_secret_value() if token else "",
                    bus=bus,
                    partitions=self._topology.inbox,
                    clock=system_clock,
                    on_counts=partial(_count, WEBHOOK),
                    on_refused=refused,
                )
            )
            self._bus = bus
            return

    async def _open_store(self, stack: AsyncExitStack) -> None:
        settings, topology, backoff = self._settings, self._topology, Backoff()
        while True:
            store = open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            )
            try:
                opened = await stack.enter_async_context(store)
            except StoreUnavailable:
                _log.warning("store_not_reachable")
            except StoreError as error:
                # For the operator to mend; the webhook goes on taking messages in.
                _log.error("store_not_usable", reason=str(error))
            else:
                self._store = opened
                reporter = Reporter(opened, self._mine, clock=system_clock)
                await stack.enter_async_context(reporting(reporter))
                return
            await backoff.wait()

    def _privacy_desk(self) -> PrivacyDesk | None:
        """What erases, once store and bus are there."""
        if self._store is None or self._bus is None or self._notifier is None:
            return None
        try:
            return PrivacyDesk.of(self._settings, self._store, self._bus, self._notifier)
        except SettingsError as error:
            # For the operator to mend; Meta is told to come again.
            _log.error("nobody_can_be_erased", problems=error.problems)
            return None

    async def _wake_planner(self) -> None:
        """Rings, unless the bus is away or slow: nobody's request waits for that."""
        if self._bus is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(RING_SECONDS):
                    await ring(self._bus)

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
        if self._bus is None:
            return "not reached yet"
        await self._bus.check()
        return None

    async def _store_answers(self) -> str | None:
        if self._store is None:
            return "not reached yet"
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

    async def _metrics(self, _: Request) -> Response:
        """Measures of all processes, in Prometheus' text format."""
        bus_problem = _within_time(self._bus_answers)
        body = await self._exposition.body(self._store, bus_problem)
        return Response(body, media_type=CONTENT_TYPE)


def _count(family: Counter, counts: Mapping[str, int]) -> None:
    for what, number in counts.items():
        of(family, what).inc(number)


async def _within_time(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await check()
    except (BusUnavailable, StoreUnavailable, TimeoutError) as error:
        return f"does not answer ({type(error).__name__})"
