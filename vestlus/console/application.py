"""The console's routes, put together from its parts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vestlus.console.auditing import audit_routes
from vestlus.console.content_routes import content_routes
from vestlus.console.conversations import ConversationPages
from vestlus.console.dead_letters_page import dead_letter_routes
from vestlus.console.failing import Failing, refusing
from vestlus.console.guarding import Guard
from vestlus.console.live import Streams
from vestlus.console.overview import Overview
from vestlus.console.rendering import FILES, STATIC_PATH
from vestlus.console.settings_page import settings_routes
from vestlus.console.signing_in import SigningIn
from vestlus.console.tools import Tools
from vestlus.console.user_data_pages import user_data_routes
from vestlus.console.visits import Visit

_KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def console_routes(tools: Tools) -> list[BaseRoute]:
    """What is served below ``/console``."""
    guard = Guard(tools)
    streams = Streams()
    routes: list[BaseRoute] = [
        Route(f"{STATIC_PATH}/{{digest}}/{{name:path}}", _file, methods=["GET"]),
        *SigningIn(tools, guard).routes,
        *dead_letter_routes(guard),
        *settings_routes(guard),
        *audit_routes(guard),
        *user_data_routes(guard),
        *Overview(tools, guard, streams).routes,
        *ConversationPages(tools, guard, streams).routes,
        *content_routes(tools, guard, streams),
        guard.page("/console/{rest:path}", _not_found),
    ]
    return [*routes, *refusing(Failing(tools), routes)]


async def _not_found(visit: Visit) -> Response:
    return visit.page(
        "told.html",
        status=HTTPStatus.NOT_FOUND,
        title=visit.words("frame.not_found"),
        why=visit.words("frame.not_found_why"),
    )


async def _file(request: Request) -> Response:
    """A file of ours. Its address changes with its contents, so that browsers may keep it."""
    name = request.path_params["name"]
    if name not in FILES:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    digest, content = FILES[name]
    fresh = request.path_params["digest"] == digest
    return Response(
        content,
        headers={
            "content-type": _KINDS[name.rpartition(".")[2]],
            "x-content-type-options": "nosniff",
            "cache-control": "public, max-age=31536000, immutable" if fresh else "no-store",
        },
    )
