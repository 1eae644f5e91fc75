"""What all of ``/api/v1`` has in common: who may, what a body may be, how refusals look."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_bank.errors import StorageUnavailable
from vestlus.console.people import TOKEN_ROLE, Person
from vestlus.console.refusals import LOCKED, WRONG, Refusals
from vestlus.console.throttle import BearerThrottle
from vestlus.console.tools import Tools
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.instagram.asgi import HttpRefusal, Room, read_body
from vestlus.measuring.catalogue import of
from vestlus.measuring.catalogue_edges import API_REFUSALS

#: Bytes of a body: a caption and a prompt fit in many times.
LARGEST_BODY: Final = 256 * 1024
#: Seconds within which it must have come.
_BODY_SECONDS: Final = 10.0
#: Bytes of all bodies that one process reads at once.
_ROOM: Final = 16 * LARGEST_BODY

_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_RETRY_AFTER: Final = {"retry-after": "5"}

Handler = Callable[[Request], Awaitable[JSONResponse]]
PersonHandler = Callable[[Request, Person], Awaitable[Response]]


class ApiRefusal(Exception):
    """Ends a request: a status, a stable word, and a line for each thing to mend."""

    def __init__(
        self,
        status: HTTPStatus,
        error: str,
        *problems: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, error, *problems)
        self.status = status
        self.error = error
        self.problems = problems
        self.headers = headers or {}


class Gate:
    """Lets operators in: with ``Authorization: Bearer`` and VESTLUS_OPERATOR_TOKEN.

    Where no token is set the API is not there. Wrong tokens are counted, by all replicas together;
    with too many of them nothing more is heard from there for a while, and nothing is compared.
    """

    def __init__(self, tools: Tools) -> None:
        token = tools.settings.operator_token
        self._tools = tools
        self._token = token.get_secret_value().encode() if token else b""
        self._throttle = BearerThrottle(tools.settings, tools.clock)
        self._refusals = Refusals("api", "api.enter", tools.clock)
        self._room = Room(size=_ROOM, free=0)

    def __call__(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler behind the gate. What it raises becomes an answer."""

        async def known(request: Request, _: Person) -> Response:
            return await handler(request)

        return self.person_only(known)

    def person_only(self, handler: PersonHandler) -> Callable[[Request], Awaitable[Response]]:
        """The same, for a handler that asks who it is."""

        async def answered(request: Request) -> Response:
            try:
                return await handler(request, await self._person(request))
            except ApiRefusal as refusal:
                return _refused(refusal)
            except BusUnavailable:
                words = "the bus does not answer: try again"
                away = ApiRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "bus_away", words)
                return _refused(away)
            except StorageUnavailable:
                words = "the storage of pictures does not answer: try again"
                away = ApiRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "storage_away", words)
                return _refused(away)
            except StoreUnavailable:
                words = "the store does not answer: try again"
                away = ApiRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "store_away", words)
                return _refused(away)

        return answered

    async def body(self, request: Request) -> dict[str, Any]:
        """The JSON object of a body. Raises ApiRefusal."""
        share = self._room.share()
        try:
            raw = await read_body(
                request.scope, request.receive, share, limit=LARGEST_BODY, seconds=_BODY_SECONDS
            )
        except HttpRefusal as refusal:
            words = f"the body must have at most {LARGEST_BODY} bytes, and come at once"
            raise ApiRefusal(refusal.status, refusal.outcome, words) from refusal
        finally:
            share.close()
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):  # text that is no JSON, or nested without end
            value = None
        if not isinstance(value, dict):
            raise ApiRefusal(HTTPStatus.BAD_REQUEST, "not_json", "the body must be a JSON object")
        return value

    async def _person(self, request: Request) -> Person:
        if not self._token:
            words = "VESTLUS_OPERATOR_TOKEN is not set"
            raise ApiRefusal(HTTPStatus.NOT_FOUND, "not_here", words)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip()
        if scheme.lower() != "bearer" or not given:
            # Nothing was guessed.
            raise _unauthorized()
        locked_ms = self._throttle.locked_ms(request)
        # Headers are Latin-1; the token may have any letters.
        token = given.encode("latin-1")
        if not locked_ms and hmac.compare_digest(token, self._token):
            return Person("VESTLUS_OPERATOR_TOKEN", TOKEN_ROLE, "api")
        store = self._tools.store
        again_ms = locked_ms or await self._throttle.wrong(store, request, token)
        await self._refusals.note(store, LOCKED if again_ms else WRONG)
        if again_ms:
            raise self._too_many(again_ms)
        raise _unauthorized()

    def _too_many(self, again_ms: int) -> ApiRefusal:
        seconds = math.ceil((again_ms - self._tools.clock()) / 1000)
        return ApiRefusal(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_wrong",
            "too many wrong tokens: try again after Retry-After",
            headers={"retry-after": str(max(seconds, 1))},
        )


def _unauthorized() -> ApiRefusal:
    words = "needs the header Authorization: Bearer, with VESTLUS_OPERATOR_TOKEN"
    return ApiRefusal(HTTPStatus.UNAUTHORIZED, "unauthorized", words)


def answer(value: object, status: HTTPStatus = HTTPStatus.OK) -> JSONResponse:
    """An answer that no cache keeps."""
    return JSONResponse(value, status_code=status, headers=_HEADERS)


def _refused(refusal: ApiRefusal) -> JSONResponse:
    of(API_REFUSALS, refusal.error).inc()
    headers = {**_HEADERS, **refusal.headers}
    if refusal.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers |= _RETRY_AFTER
    elif refusal.status is HTTPStatus.UNAUTHORIZED:
        headers |= {"www-authenticate": "Bearer"}
    body = {"error": refusal.error, "problems": list(refusal.problems)}
    return JSONResponse(body, status_code=refusal.status, headers=headers)
