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
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with self._session.get(url, timeout=timeout) as response:
                if response.status != 200:  # noqa: PLR2004
                    raise graph_errors.media_unreachable()
                content_type = response.content_type
                body = bytearray()
                async for chunk in response.content.iter_chunked(65536):
                    body += chunk
                    if len(body) > limit:
                        raise graph_errors.media_size()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise graph_errors.media_unreachable() from error
        if not content_type.startswith(TYPES[kind]):
            raise graph_errors.media_type()
        if kind == "image" and not is_picture(content_type, bytes(body)):
            raise graph_errors.media_type()
        media = await self.keep(content_type, bytes(body))
        alt = embedded_description(bytes(body)) if kind == "image" else None
        return Attachment(kind, url, media, alt)

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
