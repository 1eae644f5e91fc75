"""The HTTP surface: the webhook's hot route before everything else, then pictures, other systems'
events, and probes.

Meta's webhook touches the bus only. Bus and store are opened side by side and for as long as it
takes (:mod:`vestlus.web_adapters`), so a replica that starts while one of them is away starts all
the same: without the bus the webhook says 503, without the store it works. Pictures need neither,
events the store.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from image_bank.links import MEDIA_PATH
from vestlus.clock import system_clock
from vestlus.console.api import Gate
from vestlus.console.api_all import OPERATIONS
from vestlus.console.application import console_routes
from vestlus.console.operations import routes
from vestlus.console.tools import Tools
from vestlus.counting import Counting
from vestlus.errors import SettingsError
from vestlus.hosting.predecessor import host_name
from vestlus.instagram.handler import WEBHOOK_PATH
from vestlus.measuring.catalogue import EVENT_REQUESTS, count
from vestlus.measuring.exposition import CONTENT_TYPE, METRICS_PATH, Exposition
from vestlus.measuring.inbox import InboxCounting
from vestlus.measuring.reporter import new_identity
from vestlus.measuring.requests import measured
from vestlus.planning.bell import ring
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import EventDesk
from vestlus.planning.http import EVENTS_PATH, EventsRoute
from vestlus.privacy.desk import PrivacyDesk
from vestlus.privacy.http import PrivacyRoutes
from vestlus.readiness import Readiness
from vestlus.settings import Settings
from vestlus.web_adapters import Adapters

_log = structlog.get_logger(__name__)

#: How long an event's answer waits for the bell; the scheduler looks by itself besides.
RING_SECONDS = 1.0

_NOT_YET = PlainTextResponse("not now\n", status_code=503, headers={"Retry-After": "5"})


class Front:
    """The ASGI application. The adapters live from the server's start to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        mine = new_identity("webhook", host_name())
        self.adapters = adapters = Adapters(settings, mine)
        self._events = EventsRoute(
            sources=settings.event_sources,
            desk=EventDesk(rules_of(settings), system_clock, self._wake_planner),
            store=lambda: adapters.store,
            on_counts=partial(count, EVENT_REQUESTS),
        )
        self._exposition = Exposition(mine, Counting(time.monotonic), system_clock)
        self._inbox = InboxCounting(time.monotonic)
        self._readiness = Readiness(adapters)
        privacy = PrivacyRoutes(
            secrets=settings.secrets,
            public_url=settings.public_url,
            desk=self._privacy_desk,
            clock=system_clock,
        )
        tools = Tools(
            settings=settings,
            clock=system_clock,
            find_store=lambda: adapters.store,
            find_bus=lambda: adapters.bus,
            ring=self._wake_planner,
            find_storage=lambda: adapters.storage,
        )
        self._rest = Starlette(
            routes=[
                *routes(OPERATIONS, Gate(tools), tools),
                *console_routes(tools),
                *privacy.routes,
                *self._readiness.routes,
                Route(METRICS_PATH, self._metrics),
            ],
            lifespan=self._lifespan,
        )
        # It would lead to whatever the header Host says, and anybody says what they like there.
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs the lifespan."""
        if scope["type"] == "http":
            await measured(self._answer, scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        adapters = self.adapters
        path = scope["path"]
        if path == WEBHOOK_PATH:
            adapters.refused_early |= adapters.webhook is None and scope["method"] == "POST"
            await (adapters.webhook or _NOT_YET)(scope, receive, send)
        elif adapters.media and path.startswith(MEDIA_PATH):
            await adapters.media(scope, receive, send)
        elif path.startswith(EVENTS_PATH):
            await self._events(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self.adapters.opened():
            yield

    def _privacy_desk(self) -> PrivacyDesk | None:
        """What erases, once store and bus are there."""
        store, bus, notifier = self.adapters.store, self.adapters.bus, self.adapters.notifier
        if store is None or bus is None or notifier is None:
            return None
        try:
            return PrivacyDesk.of(self._settings, store, bus, notifier)
        except SettingsError as error:
            # For the operator to mend; Meta is told to come again.
            _log.error("nobody_can_be_erased", problems=error.problems)
            return None

    async def _wake_planner(self) -> None:
        """Rings, unless the bus is away or slow: nobody's request waits for that."""
        if self.adapters.bus is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(RING_SECONDS):
                    await ring(self.adapters.bus)

    async def _metrics(self, _: Request) -> Response:
        """Measures of all processes, in Prometheus' text format."""
        problem = self._readiness.bus_problem()
        inbox = self._inbox.messages(self.adapters.bus)
        body = await self._exposition.body(self.adapters.store, problem, inbox)
        return Response(body, media_type=CONTENT_TYPE)
