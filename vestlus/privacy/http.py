"""Meta's callbacks over HTTP, and the public status page.

``POST /data-deletion`` and ``POST /deauthorize`` take a form with ``signed_request``:

========  ==================================================================
200       durable; of a deletion, ``{"url": …, "confirmation_code": …}``
400       not a request of Meta's; one answer for every way of it
405       not POST
408       the body did not arrive in time
413       larger than 16 KiB
415       not a form
503       the store does not answer, or too much is on its way
========  ==================================================================

``GET /data-deletion/{code}`` is a page for whoever asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qs

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vestlus.clock import Clock
from vestlus.errors import StoreUnavailable
from vestlus.instagram.asgi import ClientGone, HttpRefusal, Room, read_body
from vestlus.measuring.catalogue import of
from vestlus.measuring.catalogue_edges import META_CALLBACKS
from vestlus.privacy.callbacks import Callbacks
from vestlus.privacy.operations import DATA_DELETION_PATH, Privacy, is_code
from vestlus.privacy.signed_request import RequestRejected, SignedRequest, parse_signed_request
from vestlus.privacy.status_page import away_page, language_of, status_page, unknown_page

_log = structlog.get_logger(__name__)

DEAUTHORIZE_PATH: Final = "/deauthorize"

#: A signed request has some 200 bytes.
LARGEST_BODY: Final = 16 * 1024
_BODY_SECONDS: Final = 10.0
_MOST_FIELDS: Final = 10
#: Requests that one process works on at a time: there are a few a day.
_MOST_AT_ONCE: Final = 20

_FORM: Final = "application/x-www-form-urlencoded"
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Desk(Protocol):
    """What is there once the store and the bus are open."""

    @property
    def privacy(self) -> Privacy:
        """Looks codes up."""
        ...

    @property
    def callbacks(self) -> Callbacks:
        """Does what Meta asks for."""
        ...


class PrivacyRoutes:
    """The routes, for one process. ``desk`` gives ``None`` while the store was not reached yet."""

    def __init__(
        self,
        *,
        secrets: tuple[str, ...],
        public_url: str | None,
        desk: Callable[[], Desk | None],
        clock: Clock,
        body_seconds: float = _BODY_SECONDS,
    ) -> None:
        self._secrets = secrets
        self._public_url = public_url
        self._desk = desk
        self._clock = clock
        self._body_seconds = body_seconds
        self._room = Room(size=_MOST_AT_ONCE * LARGEST_BODY, free=0)
        self._at_work = 0

    @property
    def routes(self) -> list[Route]:
        """For Starlette."""
        return [
            Route(
                DATA_DELETION_PATH,
                self._answered(self._delete, "data_deletion"),
                methods=["POST"],
            ),
            Route(DATA_DELETION_PATH + "/{code}", self._status, methods=["GET"]),
            Route(
                DEAUTHORIZE_PATH,
                self._answered(self._deauthorise, "deauthorize"),
                methods=["POST"],
            ),
        ]

    def _answered(
        self,
        work: Callable[[Desk, Request, SignedRequest], Awaitable[dict[str, object]]],
        callback: str,
    ) -> Callable[[Request], Awaitable[Response]]:
        def came_to(outcome: str) -> None:
            of(META_CALLBACKS, callback, outcome).inc()

        async def answered(request: Request) -> Response:
            try:
                signed = parse_signed_request(await self._signed_request(request), self._secrets)
                desk = self._desk()
                if desk is None or self._at_work >= _MOST_AT_ONCE:
                    came_to("away" if desk is None else "busy")
                    return _refused(HTTPStatus.SERVICE_UNAVAILABLE)
                self._at_work += 1
                try:
                    body = await work(desk, request, signed)
                finally:
                    self._at_work -= 1
            except ClientGone:
                came_to("client_gone")
                return _refused(HTTPStatus.BAD_REQUEST)
            except HttpRefusal as refusal:
                came_to(refusal.outcome)
                return _refused(refusal.status)
            except RequestRejected as rejected:
                # Whoever forges learns nothing; whoever runs the service does.
                _log.warning("signed_request_rejected", reason=rejected.reason)
                came_to(rejected.reason)
                return _refused(HTTPStatus.BAD_REQUEST)
            except StoreUnavailable:
                came_to("away")
                return _refused(HTTPStatus.SERVICE_UNAVAILABLE)
            came_to("done")
            return JSONResponse(body, headers=_HEADERS)

        return answered

    async def _signed_request(self, request: Request) -> str:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_type")
        share = self._room.share()
        try:
            body = await read_body(
                request.scope,
                request.receive,
                share,
                limit=LARGEST_BODY,
                seconds=self._body_seconds,
            )
        finally:
            share.close()
        try:
            fields = parse_qs(body.decode("ascii"), max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise RequestRejected("form") from None
        values = fields.get("signed_request", [])
        if len(values) != 1:
            raise RequestRejected("form")
        return values[0]

    async def _delete(
        self, desk: Desk, request: Request, signed: SignedRequest
    ) -> dict[str, object]:
        erasure = await desk.callbacks.delete(signed, self._clock)
        base = self._public_url or str(request.base_url).rstrip("/")
        return {
            "url": f"{base}{DATA_DELETION_PATH}/{erasure.code}",
            "confirmation_code": erasure.code,
        }

    async def _deauthorise(
        self, desk: Desk, _: Request, signed: SignedRequest
    ) -> dict[str, object]:
        await desk.callbacks.deauthorise(signed, self._clock)
        return {}

    async def _status(self, request: Request) -> Response:
        language = language_of(request.headers.get("accept-language", ""))
        code = str(request.path_params["code"]).upper()
        if not is_code(code):
            return unknown_page(language)
        desk = self._desk()
        if desk is None:
            return away_page(language)
        try:
            erasure = await desk.privacy.erasure(code)
        except StoreUnavailable:
            return away_page(language)
        return unknown_page(language) if erasure is None else status_page(erasure, language)


def _refused(status: HTTPStatus) -> JSONResponse:
    headers = dict(_HEADERS)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "5"
    return JSONResponse({"error": status.phrase}, status_code=status, headers=headers)
