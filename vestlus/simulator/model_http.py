"""What the model's interfaces have in common: keys, errors, and a record of what was asked."""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from vestlus.simulator import model_replies
from vestlus.simulator.faults import Fault
from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject
from vestlus.simulator.model_request import data_url_bytes

KEPT_REQUESTS = 2000


@dataclass(slots=True)
class RecordedRequest:
    """One request as it came; `status` is 0 when the connection was cut, by either side."""

    seq: int
    at: float
    path: str
    body: bytes
    status: int = 0

    def to_json(self) -> JsonObject:
        """Return the form of the control API; a body that is not JSON as a string."""
        try:
            body: Json = json.loads(self.body)
        except ValueError:
            body = self.body.decode("utf-8", "replace")
        return {
            "seq": self.seq,
            "at": self.at,
            "path": self.path,
            "status": self.status,
            "body": body,
        }


class RequestLog:
    """The last 2,000 requests to the model, without the bytes of pictures, and how many came."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=KEPT_REQUESTS)
        self.calls: Counter[str] = Counter()
        self._clock = clock
        self._count = 0

    async def record(self, request: web.Request) -> tuple[RecordedRequest, bytes]:
        """Read a request; return its record and its body as it came."""
        body = await request.read()
        self._count += 1
        path = request.path.removeprefix("/openai/v1")
        self.calls[path] += 1
        recorded = RecordedRequest(self._count, self._clock(), path, without_pictures(body))
        self.requests.append(recorded)
        return recorded, body


def without_pictures(body: bytes) -> bytes:
    """Return a JSON body with size and SHA-256 in place of the bytes of each picture.

    `data:image/png;base64,…` becomes `data:image/png;sha256=…;bytes=…`. Anything else stays.
    """
    if b";base64," not in body:
        return body
    try:
        return json.dumps(_slim(json.loads(body)), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return body


def _slim(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _slim(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_slim(each) for each in value]
    picture = data_url_bytes(value) if isinstance(value, str) else None
    if picture is None or not isinstance(value, str):
        return value
    kind = value.partition(";")[0]
    return f"{kind};sha256={hashlib.sha256(picture).hexdigest()};bytes={len(picture)}"


def has_key(request: web.Request) -> bool:
    """Tell whether a request bears a key; any will do."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Bearer" and bool(key.strip())


def no_key() -> web.Response:
    """Say that the key is missing."""
    body = model_replies.error_body(
        "You didn't provide an API key", "invalid_request_error", "invalid_api_key"
    )
    return web.json_response(body, status=401)


def bad_request(error: BadInputError) -> web.Response:
    """Say what is wrong with a request."""
    body = model_replies.error_body(str(error), "invalid_request_error", None)
    return web.json_response(body, status=400)


def finish(recorded: RecordedRequest, response: web.Response) -> web.Response:
    """Note what was answered."""
    recorded.status = response.status
    return response


# What an error says: status, message, type, code. OpenAI, "Error codes"; for the filter, Azure
# OpenAI, "Content filtering".
ERRORS: dict[str, tuple[int, str, str, str | None]] = {
    "rate_limit": (429, "Rate limit reached", "requests", "rate_limit_exceeded"),
    "quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "content_filter": (
        400,
        "The response was filtered due to the prompt triggering content management",
        "invalid_request_error",
        "content_filter",
    ),
    "server_error": (500, "The server had an error", "server_error", None),
    "unavailable": (503, "The engine is overloaded", "server_error", None),
}


def too_many(in_seconds: float, told: dict[str, str]) -> web.Response:
    """Say that the rate limit is reached, and from when on it is not. OpenAI, "Error codes"."""
    status, message, kind, code = ERRORS["rate_limit"]
    body = model_replies.error_body(message, kind, code)
    headers = {**told, "retry-after-ms": f"{in_seconds * 1000:.0f}"}
    return web.json_response(body, status=status, headers=headers)


def broken(fault: Fault | None) -> web.Response | None:
    """Return the response of a fault that leaves nothing of the API's shape, if it is one."""
    if fault is None:
        return None
    if fault.kind == "garbage":
        return web.Response(text='{"id": "resp_', content_type="application/json")
    if fault.kind not in ERRORS:
        return None
    status, message, kind, code = ERRORS[fault.kind]
    body = model_replies.error_body(message, kind, code)
    headers = {"Retry-After": f"{fault.seconds:g}"} if fault.kind == "rate_limit" else {}
    return web.json_response(body, status=status, headers=headers)
