"""``GET /media/{signed name}``: hands out the bank's files to whoever has a link."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from image_bank.errors import StorageUnavailable
from image_bank.links import MEDIA_PATH, LinkSigner
from image_bank.storage import MediaStorage, is_intact, media_type_of
from vestlus.clock import Clock
from vestlus.log_errors import error_fields

_log = structlog.get_logger(__name__)

_Headers = Iterable[tuple[bytes, bytes]]

_NOT_KEPT: Final = (b"cache-control", b"no-store")
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
#: A browser takes the file for what it is said to be, and runs nothing that could be in it.
_HARMLESS: Final[_Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)


class MediaHandler:
    """The ASGI application of ``/media/``. Keeps nothing.

    200 with the file; 404 for every other name, without telling a wrong signature from one that
    has ended or from a file that is gone; 405 for other methods than GET and HEAD; 503 when the
    storage does not answer.
    """

    def __init__(self, *, signer: LinkSigner, storage: MediaStorage, clock: Clock) -> None:
        self._signer = signer
        self._storage = storage
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; ``receive`` is not asked, since no body is wanted."""
        del receive
        head = scope["method"] == "HEAD"
        if not head and scope["method"] != "GET":
            refused = ((b"allow", b"GET, HEAD"), _TEXT, _NOT_KEPT)
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED, refused, b"")
            return
        try:
            found = await self._found(scope["path"].removeprefix(MEDIA_PATH))
        except StorageUnavailable as error:
            _log.warning("media_storage_unavailable", **error_fields(error))
            later = ((b"retry-after", b"5"), _TEXT, _NOT_KEPT)
            await _answer(send, HTTPStatus.SERVICE_UNAVAILABLE, later, b"not now\n", head=head)
            return
        if found is None:
            missing = (_TEXT, _NOT_KEPT)
            await _answer(send, HTTPStatus.NOT_FOUND, missing, b"not found\n", head=head)
            return
        file, data, seconds = found
        headers = (
            (b"content-type", media_type_of(file).encode()),
            (b"cache-control", f"public, max-age={seconds}, immutable".encode()),
            *_HARMLESS,
        )
        await _answer(send, HTTPStatus.OK, headers, data, head=head)

    async def _found(self, name: str) -> tuple[str, bytes, int] | None:
        """File, content and seconds for which the name still holds."""
        link = self._signer.read(name, self._clock())
        if link is None:
            return None
        file, left_ms = link
        data = await self._storage.get(file)
        if data is None:
            return None
        # Megabytes, and everybody else waits for the event loop meanwhile.
        if not await asyncio.to_thread(is_intact, file, data):
            _log.error("media_file_damaged", file=file)
            return None
        return file, data, left_ms // 1000


async def _answer(
    send: Send, status: HTTPStatus, headers: _Headers, body: bytes, *, head: bool = False
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {"type": "http.response.start", "status": status.value, "headers": [*headers, length]}
    )
    await send({"type": "http.response.body", "body": b"" if head else body})
