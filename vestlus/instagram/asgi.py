"""Reading and answering one HTTP request over bare ASGI (the ASGI specification, "HTTP")."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

_RETRY_AFTER_SECONDS: Final = b"5"
_MAX_LENGTH_DIGITS: Final = 18


class HttpRefusal(Exception):
    """Ends a request with this status; ``outcome`` is for the measures alone."""

    def __init__(self, status: HTTPStatus, outcome: str) -> None:
        super().__init__(status, outcome)
        self.status = status
        self.outcome = outcome


class ClientGone(Exception):
    """There is nobody left to answer."""


class Room:
    """What the large bodies of one process may take together, in bytes.

    The first ``free`` bytes of each request are not counted: whoever fills the room keeps out
    large bodies for a moment, and no ordinary ones.
    """

    def __init__(self, *, size: int, free: int) -> None:
        self._left = size
        self._free = free

    def share(self) -> Share:
        """What one request has of it, nothing yet."""
        return Share(self, self._free)

    def take(self, size: int) -> None:
        """Raises HttpRefusal with 503 where there is not so much."""
        if size > self._left:
            raise HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy")
        self._left -= size

    def give_back(self, size: int) -> None:
        """What was taken is free again."""
        self._left += size


class Share:
    """One request's part of a :class:`Room`; :meth:`close` gives it back."""

    def __init__(self, room: Room, free: int) -> None:
        self._room = room
        self._free = free
        self._taken = 0

    def grow(self, size: int) -> None:
        """Takes so many bytes more. Raises HttpRefusal with 503."""
        free = min(size, self._free)
        self._room.take(size - free)
        self._free -= free
        self._taken += size - free

    def close(self) -> None:
        """Gives everything back. Safe to call twice."""
        taken, self._taken = self._taken, 0
        self._room.give_back(taken)


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """All values of a header; ``name`` is in lowercase, as ASGI gives it."""
    return [value for key, value in scope["headers"] if key == name]


async def read_body(
    scope: Scope, receive: Receive, share: Share, *, limit: int, seconds: float
) -> bytes:
    """The whole body, of at most ``limit`` bytes, arriving within so many seconds.

    The limit holds for what is declared and for what really comes; ``share`` grows with what
    came. Raises ClientGone, and HttpRefusal with 400 for a Content-Length that is none, 413, 408,
    and 503 where the bodies of other requests leave no room.
    """
    declared = header_values(scope, b"content-length")
    if len(declared) > 1 or not all(_is_length(value) for value in declared):
        raise HttpRefusal(HTTPStatus.BAD_REQUEST, "content_length")
    if declared and int(declared[0]) > limit:
        raise HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
    try:
        async with asyncio.timeout(seconds):
            return await _read(receive, share, limit)
    except TimeoutError:
        raise HttpRefusal(HTTPStatus.REQUEST_TIMEOUT, "body_timeout") from None


async def _read(receive: Receive, share: Share, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        share.grow(len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _is_length(value: bytes) -> bool:
    return value.isdigit() and len(value) <= _MAX_LENGTH_DIGITS


async def respond(send: Send, status: HTTPStatus, body: bytes) -> None:
    """Sends a short plain text that no browser takes for anything else and no cache keeps, or
    nothing but a status.
    """
    headers = [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    if body:
        headers.append((b"content-type", b"text/plain; charset=utf-8"))
        headers.append((b"x-content-type-options", b"nosniff"))
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", _RETRY_AFTER_SECONDS))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"GET, POST"))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
