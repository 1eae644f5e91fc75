"""``POST /events/{name}``: another system tells that something happened.

Everything is answered in JSON. Who sends it is told by the token alone.

========  ==================================================================
202       recorded: what each rule made of it
400       not one JSON object within bounds, or a key that is none
401       the token is missing or wrong; one answer for every way of it
404       no rule has this event, or no system may send any
405       not POST
408       the body did not arrive in time
413       larger than 64 KiB
415       not JSON by its Content-Type, or packed
422       the data fit no rule of the event, or the key was another event's
503       the store does not answer, or too much is on its way
========  ==================================================================

There is no 409: an event is recorded and judged in one transaction, and a second one with its key
waits for the first.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.types import Receive, Scope, Send

from vestlus.errors import StoreUnavailable
from vestlus.instagram.asgi import ClientGone, HttpRefusal, Room, header_values, read_body
from vestlus.log_errors import error_fields
from vestlus.planning.events import Answer, EventDesk, Verdict, is_key
from vestlus.planning.payloads import LARGEST, parse_payload
from vestlus.store.plan_port import Triggers
from vestlus.store.plan_rows import RuleOutcome

_log = structlog.get_logger(__name__)

EVENTS_PATH: Final = "/events/"

#: Events that are worked on at a time in one process: more would only wait for the store.
MAX_IN_FLIGHT: Final = 200

#: A body of 64 KiB takes no time; who takes longer than this only holds a place.
READ_TIMEOUT_SECONDS: Final = 10.0

_RETRY_AFTER_SECONDS: Final = "5"

_BEARER: Final = re.compile(rb"bearer +([!-~]+)", re.IGNORECASE)
_JSON: Final = re.compile(
    r'application/(?:[\w.+-]+\+)?json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE | re.ASCII
)

_STATUS: Final = {
    Verdict.TAKEN: HTTPStatus.ACCEPTED,
    Verdict.UNKNOWN: HTTPStatus.NOT_FOUND,
    Verdict.REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Verdict.KEY_REUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
}

_PROBLEMS: Final = {
    Verdict.UNKNOWN: "no event rule has this event: see [[event_rules]] in vestlus.toml",
    Verdict.REFUSED: "the data fit no rule of this event: the outcomes say why",
    Verdict.KEY_REUSED: "the Idempotency-Key was another event's: send a new key with new data",
}


class _Refusal(HttpRefusal):
    """The same, with a sentence for whoever sent it."""

    def __init__(self, status: HTTPStatus, outcome: str, problem: str) -> None:
        super().__init__(status, outcome)
        self.problem = problem


class EventsRoute:
    """The ASGI application behind ``/events/``, for one process.

    ``sources`` are pairs of a source and its token; a source may have several. ``store`` gives the
    store, ``None`` while it was not reached yet. ``on_counts`` gets what each request came to:
    ``taken``, ``unknown_event``, ``token``, ``too_large`` and so on.
    """

    def __init__(
        self,
        *,
        sources: Sequence[tuple[str, str]],
        desk: EventDesk,
        store: Callable[[], Triggers | None],
        on_counts: Callable[[Mapping[str, int]], None],
        read_timeout: float = READ_TIMEOUT_SECONDS,
        max_in_flight: int = MAX_IN_FLIGHT,
    ) -> None:
        self._sources = tuple((source, token.encode()) for source, token in sources)
        self._desk = desk
        self._store = store
        self._on_counts = on_counts
        self._read_timeout = read_timeout
        self._max_in_flight = max_in_flight
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        try:
            answer = await self._handle(scope, receive)
        except ClientGone:
            self._on_counts({"client_gone": 1})
        except HttpRefusal as refused:
            self._on_counts({refused.outcome: 1})
            problem = refused.problem if isinstance(refused, _Refusal) else refused.status.phrase
            await _respond(send, refused.status, {"error": refused.outcome, "problem": problem})
        else:
            self._on_counts({str(answer.verdict): 1})
            await _respond(send, _STATUS[answer.verdict], told(answer))

    async def _handle(self, scope: Scope, receive: Receive) -> Answer:
        if not self._sources:
            raise _Refusal(HTTPStatus.NOT_FOUND, "off", "VESTLUS_EVENT_TOKENS names no source")
        if scope["method"] != "POST":
            raise _Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method", "events are sent by POST")
        source = self._source(scope)
        if self._in_flight >= self._max_in_flight:
            raise _Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "too much at once: send again")
        self._in_flight += 1
        try:
            return await self._take(source, scope, receive)
        finally:
            self._in_flight -= 1

    async def _take(self, source: str, scope: Scope, receive: Receive) -> Answer:
        key = _key(scope)
        _check_kind(scope)
        # Room for all that may be in flight: it is small, and its number bounded.
        share = Room(size=LARGEST, free=0).share()
        body = await read_body(scope, receive, share, limit=LARGEST, seconds=self._read_timeout)
        try:
            data = parse_payload(body)
        except ValueError as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "body", str(error)) from None
        store = self._store()
        if store is None:
            _log.warning("event_not_recorded", reason="not reached yet")
            raise _store_away()
        name = scope["path"].removeprefix(EVENTS_PATH)
        try:
            return await self._desk.take(store, source, name, data, key)
        except StoreUnavailable as error:
            _log.warning("event_not_recorded", **error_fields(error))
            raise _store_away() from error

    def _source(self, scope: Scope) -> str:
        """Whose token it is. All are compared, in a time that tells nothing of them."""
        values = header_values(scope, b"authorization")
        match = _BEARER.fullmatch(values[0]) if len(values) == 1 else None
        given = match[1] if match else b""
        found = [source for source, token in self._sources if hmac.compare_digest(token, given)]
        if not found:
            problem = "send Authorization: Bearer TOKEN, with a token of VESTLUS_EVENT_TOKENS"
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "token", problem)
        return found[0]


def told(answer: Answer) -> dict[str, Any]:
    """An answer as it is sent and printed. Of a recorded event it tells what is recorded only, so
    that it is the same each time.
    """
    body: dict[str, Any] = {"id": answer.row.id} if answer.row else {}
    if answer.verdict is not Verdict.TAKEN:
        body |= {"error": str(answer.verdict), "problem": _PROBLEMS[answer.verdict]}
    if answer.verdict in (Verdict.TAKEN, Verdict.REFUSED):
        body["outcomes"] = [told_outcome(one) for one in answer.outcomes]
    return body


def told_outcome(outcome: RuleOutcome) -> dict[str, str]:
    """What one rule made of an event, as it is sent and printed."""
    if not outcome.occurrence:
        refused = {"reason": outcome.reason, "problem": outcome.problem}
        return {"rule": outcome.rule, "result": "not_applied", **refused}
    due = datetime.fromtimestamp(outcome.due_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "rule": outcome.rule,
        "result": "planned",
        "due_at": due,
        "occurrence": outcome.occurrence,
    }


def _key(scope: Scope) -> str | None:
    values = header_values(scope, b"idempotency-key")
    if not values:
        return None
    if len(values) > 1 or not is_key(values[0]):
        problem = "Idempotency-Key must stand once, with 1 to 255 visible ASCII characters"
        raise _Refusal(HTTPStatus.BAD_REQUEST, "key", problem)
    return values[0].decode("ascii")


def _check_kind(scope: Scope) -> None:
    """No Content-Type counts as JSON; one that says something else is a mistake worth telling."""
    kinds = header_values(scope, b"content-type")
    if len(kinds) > 1 or not all(_JSON.fullmatch(kind.decode("latin-1")) for kind in kinds):
        problem = "Content-Type must be application/json, in UTF-8"
        raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_type", problem)
    if any(value != b"identity" for value in header_values(scope, b"content-encoding")):
        problem = "the body must not be packed: Content-Encoding is not understood"
        raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_encoding", problem)


def _store_away() -> _Refusal:
    return _Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "store_unavailable",
        "the store does not answer and nothing is promised: send it again, with the same "
        "Idempotency-Key, so that it counts once",
    )


async def _respond(send: Send, status: HTTPStatus, body: Mapping[str, Any]) -> None:
    data = json.dumps(body, ensure_ascii=False).encode() + b"\n"
    headers = {
        "content-type": "application/json",
        "content-length": str(len(data)),
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    match status:
        case HTTPStatus.SERVICE_UNAVAILABLE:
            headers["retry-after"] = _RETRY_AFTER_SECONDS
        case HTTPStatus.METHOD_NOT_ALLOWED:
            headers["allow"] = "POST"
        case HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = "Bearer"
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status.value, "headers": pairs})
    await send({"type": "http.response.body", "body": data})
