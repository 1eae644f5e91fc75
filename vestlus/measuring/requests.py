"""How long requests take, by route and status."""

from __future__ import annotations

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_bank.links import MEDIA_PATH
from vestlus.console.addresses import HOME
from vestlus.console.guarding import SIGN_IN
from vestlus.console.operations import API
from vestlus.console.rendering import STATIC_PATH
from vestlus.instagram.handler import WEBHOOK_PATH
from vestlus.measuring.catalogue import of
from vestlus.measuring.catalogue_edges import REQUEST_SECONDS
from vestlus.measuring.exposition import METRICS_PATH
from vestlus.planning.http import EVENTS_PATH
from vestlus.privacy.http import DEAUTHORIZE_PATH
from vestlus.privacy.operations import DATA_DELETION_PATH
from vestlus.readiness import HEALTHY_PATH, READY_PATH

#: Routes that are told apart, by how their paths begin; the first that fits.
_ROUTES: Final = (
    (WEBHOOK_PATH, "webhook"),
    (MEDIA_PATH, "media"),
    (EVENTS_PATH, "events"),
    (API, "api"),
    (SIGN_IN, "sign_in"),
    (STATIC_PATH, "console_files"),
    (HOME, "console"),
    (DATA_DELETION_PATH, "data_deletion"),
    (DEAUTHORIZE_PATH, "deauthorize"),
    (METRICS_PATH, "metrics"),
    (HEALTHY_PATH, "probes"),
    (READY_PATH, "probes"),
)

_ELSEWHERE: Final = "other"

#: Instead of a status, where no answer was begun.
_NONE: Final = "none"


def route_of(path: str) -> str:
    """The route of a path, one of few words whatever the path is."""
    return next((route for start, route in _ROUTES if path.startswith(start)), _ELSEWHERE)


async def measured(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers one HTTP request, and tells how long its answer took to begin.

    Streams and files may go on for long after that. One that had no answer, because its client had
    gone or the application broke, has the status ``none``.
    """
    began = time.perf_counter()
    status = ""

    async def told(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start" and not status:
            status = str(message["status"])
            _observe(scope, status, began)
        await send(message)

    try:
        await app(scope, receive, told)
    finally:
        if not status:
            _observe(scope, _NONE, began)


def _observe(scope: Scope, status: str, began: float) -> None:
    seconds = time.perf_counter() - began
    of(REQUEST_SECONDS, route_of(scope["path"]), status).observe(seconds)
