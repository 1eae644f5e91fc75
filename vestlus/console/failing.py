"""What went wrong, as pages: never an error's own words, which may hold somebody's."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match, Route

from image_bank.errors import StorageUnavailable
from vestlus.console.addresses import HOME, asked_for, is_https
from vestlus.console.forms import FormTooLarge, FormTooLate
from vestlus.console.rendering import PAGE_HEADERS, rendered
from vestlus.console.tools import Tools
from vestlus.console.visits import language_of
from vestlus.console.words import words
from vestlus.errors import BusUnavailable, StoreUnavailable

_log = structlog.get_logger(__name__)

#: Two years, as HSTS's preload list asks; without subdomains, which are not ours to speak for.
_HSTS: Final = "max-age=63072000"

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Handler = Callable[[Request], Awaitable[Response]]


class Failing:
    """Turns what handlers raise into pages, and puts on every answer what all have in common."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def safely(self, handler: Handler) -> Handler:
        """The handler; nothing of ours is raised to the server, and no cache keeps an answer."""

        async def answered(request: Request) -> Response:
            response = await self._tried(handler, request)
            for name, value in PAGE_HEADERS.items():
                response.headers.setdefault(name, value)
            if is_https(request, self._tools.settings):
                response.headers["strict-transport-security"] = _HSTS
            return response

        return answered

    async def _tried(self, handler: Handler, request: Request) -> Response:
        try:
            return await handler(request)
        except (StoreUnavailable, BusUnavailable, StorageUnavailable) as error:
            _log.warning("console_cannot", reason=type(error).__name__)
            told = self.told(
                request, HTTPStatus.SERVICE_UNAVAILABLE, "frame.away", "frame.away_why"
            )
            told.headers["retry-after"] = "5"
            return told
        except FormTooLarge as error:
            limit = f"{error.limit // 1024} KiB"
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return self.told(request, status, "frame.too_large", "frame.too_large_why", limit=limit)
        except FormTooLate:
            status = HTTPStatus.REQUEST_TIMEOUT
            return self.told(request, status, "frame.too_late", "frame.too_late_why")
        except HTTPException as error:
            status = HTTPStatus(error.status_code)
            what = "frame.not_found" if status is HTTPStatus.NOT_FOUND else "frame.bad_request"
            return self.told(request, status, what, f"{what}_why")
        except Exception as error:  # noqa: BLE001 - a bug in a page gives a page, and a line to find it
            id_ = secrets.token_hex(6)
            _log.error("console_failed", id=id_, error=type(error).__name__, at=_place(error))
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return self.told(request, status, "frame.failed", "frame.failed_why", id=id_)

    def told(
        self, request: Request, status: HTTPStatus, title: str, why: str, **values: object
    ) -> HTMLResponse:
        """A page that says something to whoever it is."""
        language = language_of(request)
        return rendered(
            "told.html",
            language,
            now_ms=self._tools.clock(),
            zone=ZoneInfo("UTC"),
            status=status,
            title=words(language, title),
            why=words(language, why, **values),
            path=asked_for(request),
            person=None,
        )


def refusing(failing: Failing, routes: Sequence[BaseRoute]) -> list[Route]:
    """What answers below ``/console`` when none of the routes does: a wrong method is told from a
    wrong address. It comes after all others; the last of these is the page for wrong addresses.
    """
    known = routes[:-1]

    async def answered(request: Request) -> Response:
        matched = [one for one in known if one.matches(request.scope)[0] is not Match.NONE]
        if not matched:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        told = failing.told(
            request, HTTPStatus.METHOD_NOT_ALLOWED, "frame.method", "frame.method_why"
        )
        allowed = {method for one in matched for method in getattr(one, "methods", None) or ()}
        told.headers["allow"] = ", ".join(sorted(allowed))
        return told

    handler = failing.safely(answered)
    paths = (HOME, f"{HOME}/{{rest:path}}")
    return [Route(path, handler, methods=list(_METHODS)) for path in paths]


def _place(error: Exception) -> str:
    """File and line where it was raised, and nothing of what was in hand there."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
