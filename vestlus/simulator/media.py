"""Pictures and files: fetched as Meta would, kept, and served to the chat page."""

import asyncio
import hashlib

import aiohttp
from aiohttp import web

from vestlus.simulator import graph_errors
from vestlus.simulator.persistence import DataFile
from vestlus.simulator.picture_files import embedded_description
from vestlus.simulator.records import Attachment

FETCH_SECONDS = 10.0
MEGABYTE = 1024 * 1024
# Send Messages (Instagram Login): pictures png or jpeg up to 8 MB, the rest up to 25 MB.
IMAGE_BYTES = 8 * MEGABYTE
OTHER_BYTES = 25 * MEGABYTE
IMAGE_TYPES = ("image/png", "image/jpeg")
TYPES = {
    "image": IMAGE_TYPES,
    "audio": ("audio/",),
    "video": ("video/",),
    "file": ("application/pdf",),
}
SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def is_picture(content_type: str, body: bytes) -> bool:
    """Tell whether these bytes begin like a picture of that type."""
    signature = SIGNATURES.get(content_type)
    return signature is not None and body.startswith(signature)


class UnreachableError(Exception):
    """An address cannot be fetched; `timed_out` if it took too long."""

    def __init__(self, *, timed_out: bool = False) -> None:
        super().__init__(timed_out)
        self.timed_out = timed_out


class TooLargeError(Exception):
    """What lies at an address has more bytes than are taken."""


class MediaStore:
    """Fetches media from the address in a message and keeps a copy under its hash."""

    def __init__(self, data: DataFile, session: aiohttp.ClientSession) -> None:
        self._data = data
        self._session = session

    async def fetch(self, kind: str, url: str) -> Attachment:
        """Fetch and keep what a message points at.

        Raises:
            GraphError: As Meta would refuse it: unreachable, of the wrong type, or too large.

        """
        limit = IMAGE_BYTES if kind == "image" else OTHER_BYTES
        try:
            content_type, body = await self.download(url, limit)
        except UnreachableError as error:
            raise graph_errors.media_unreachable() from error
        except TooLargeError as error:
            raise graph_errors.media_size() from error
        if not content_type.startswith(TYPES[kind]):
            raise graph_errors.media_type()
        if kind == "image" and not is_picture(content_type, body):
            raise graph_errors.media_type()
        media = await self.keep(content_type, body)
        alt = embedded_description(body) if kind == "image" else None
        return Attachment(kind, url, media, alt)

    async def download(self, url: str, limit: int) -> tuple[str, bytes]:
        """Return content type and bytes of what lies at an address.

        Raises:
            UnreachableError: If it cannot be fetched within ten seconds.
            TooLargeError: If it has more than `limit` bytes.

        """
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with self._session.get(url, timeout=timeout) as response:
                if response.status != 200:  # noqa: PLR2004
                    raise UnreachableError
                body = bytearray()
                async for chunk in response.content.iter_chunked(65536):
                    body += chunk
                    if len(body) > limit:
                        raise TooLargeError
                return response.content_type, bytes(body)
        except TimeoutError as error:
            raise UnreachableError(timed_out=True) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UnreachableError from error

    async def keep(self, content_type: str, body: bytes) -> str:
        """Store bytes and return the name they are served under."""
        media_id = hashlib.sha256(body).hexdigest()
        await asyncio.to_thread(self._data.write_media, media_id, content_type, body)
        return media_id

    async def serve(self, request: web.Request) -> web.Response:
        """Answer `GET /media/{id}`."""
        found = await asyncio.to_thread(self._data.read_media, request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        content_type, body = found
        headers = {
            "Content-Type": content_type,
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return web.Response(body=body, headers=headers)
