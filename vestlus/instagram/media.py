"""Pictures that users send, fetched from Meta's media hosts and made safe to show.

The addresses come in webhooks, which anybody with an app secret could write, and their content
from users. So an address counts only if it is one of Meta's own: every hop is checked, and so is
what its name resolves to. What comes back counts only if it decodes, and what goes on is drawn
anew from its pixels.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final

import aiohttp
import structlog
from PIL import Image, ImageOps
from yarl import URL

from vestlus.fair_gate import FairGate
from vestlus.instagram.public_addresses import PublicResolver

_log = structlog.get_logger(__name__)

#: Meta, "Send Messages": an image of a message has at most 8 MB.
MAX_BYTES: Final = 8 * 1024 * 1024

#: For fetching one picture, redirects included. Whoever waits for an answer waits for this too.
TIMEOUT_SECONDS: Final = 5.0

#: For its turn to be decoded, and for decoding it, which takes some tenths of a second.
DECODE_SECONDS: Final = 10.0

MAX_REDIRECTS: Final = 3

#: Width times height before decoding. Instagram passes on pictures of at most a few million
#: pixels; 25 million take 100 MB while they are decoded.
MAX_PIXELS: Final = 25_000_000

#: The longer side of what is shown to a model, which sees no more than that.
LONGEST_SIDE: Final = 1536

_JPEG_QUALITY: Final = 85

#: What cameras and phones make and Instagram passes on.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")

#: Where Instagram's webhooks and Graph API point to: the first redirects to the others.
_META_HOST: Final = re.compile(
    r"lookaside\.fbsbx\.com|(?:[a-z0-9-]+\.)+(?:fbcdn\.net|cdninstagram\.com)"
)

#: Everything that an address may be written with: RFC 3986. A backslash, a space or a control
#: character would be read differently by different programs.
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]!$&'()*+,;=%-]{1,4000}")

#: Pictures in hand at a time, from their first byte until they are decoded: 128 MB of the largest.
AT_ONCE: Final = 16

#: Decoding is what costs memory, and Pillow uses one core for each. The threads are the bound: one
#: that is no longer waited for keeps its place until it is done.
_DECODERS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="picture")

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Unusable(StrEnum):
    """Why there is no picture."""

    ADDRESS = "address"
    UNREACHABLE = "unreachable"
    STATUS = "status"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    NOT_A_PICTURE = "not_a_picture"
    CLOSED = "closed"


class MediaFetcher:
    """Fetches and redraws pictures. Opens its session with the first one; cancellable.

    ``hosts`` are fetched from besides Meta's own, each ``host:port``, over HTTP too and wherever
    they are: the simulator's.
    """

    def __init__(
        self, hosts: Collection[str] = (), *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._timeout_seconds = timeout_seconds
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._places = FairGate(AT_ONCE)

    async def picture(self, url: str, account: str = "") -> bytes | Unusable:
        """The picture as a JPEG of at most 1536 pixels a side, without metadata.

        While many are wanted, those of each ``account`` go in turn.
        Raises nothing: whatever goes wrong with the address, the server or the content is a
        reason. It is logged, without the address, which is a key to the picture.
        """
        if self._closed:
            return Unusable.CLOSED
        try:
            # Waiting for a place counts as neither fetching nor decoding.
            async with self._places.place(account):
                found = await self._in_hand(url)
        except TimeoutError:
            found = Unusable.TOO_SLOW
        except (aiohttp.ClientError, OSError):
            found = Unusable.UNREACHABLE
        if isinstance(found, Unusable):
            _log.warning("picture_not_usable", reason=str(found))
        return found

    async def _in_hand(self, url: str) -> bytes | Unusable:
        async with asyncio.timeout(self._timeout_seconds):
            found = await self._fetched(url)
        if isinstance(found, Unusable):
            return found
        async with asyncio.timeout(DECODE_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(_DECODERS, redrawn, found)

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _fetched(self, url: str) -> bytes | Unusable:
        address = allowed(url, self._hosts)
        for _ in range(MAX_REDIRECTS + 1):
            if address is None:
                return Unusable.ADDRESS
            async with self._opened().get(address, allow_redirects=False) as response:
                if response.status not in _REDIRECTS:
                    return await _body(response)
                address = _next(address, response.headers.get("Location", ""), self._hosts)
        return Unusable.TOO_MANY_REDIRECTS

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=PublicResolver(self._hosts), limit=32)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                # What comes is counted as it comes: a few bytes may unpack to gigabytes.
                auto_decompress=False,
                headers={"Accept": "image/*", "Accept-Encoding": "identity"},
            )
        return self._session


def allowed(url: str, hosts: Collection[str] = ()) -> URL | None:
    """The address, if it may be fetched from: Meta's own hosts over HTTPS at its usual port, or
    ``hosts``. ``None`` otherwise.

    What is checked is what the client connects to: the same object.
    """
    if not _ADDRESS.fullmatch(url):
        return None
    try:
        address = URL(url, encoded=True)
        host, port = address.raw_host, address.port
    except ValueError:
        return None
    if host is None or address.raw_user is not None or address.raw_password is not None:
        return None
    if f"{host.lower()}:{port}" in hosts:
        return address
    usual = address.scheme == "https" and address.explicit_port in (None, 443)
    return address if usual and _META_HOST.fullmatch(host.lower()) else None


def _next(address: URL, location: str, hosts: Collection[str]) -> URL | None:
    try:
        return allowed(str(address.join(URL(location, encoded=True))), hosts)
    except ValueError:
        return None


async def _body(response: aiohttp.ClientResponse) -> bytes | Unusable:
    if response.status != 200:  # noqa: PLR2004 - OK
        return Unusable.STATUS
    if (response.content_length or 0) > MAX_BYTES:
        return Unusable.TOO_LARGE
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BYTES:
            response.close()
            return Unusable.TOO_LARGE
        chunks.append(chunk)
    return b"".join(chunks)


def redrawn(content: bytes) -> bytes | Unusable:
    """The picture drawn anew as a JPEG: upright, at most 1536 pixels a side, nothing but pixels.

    Of a moving picture the first frame. What is behind transparency is white. CPU-bound.
    """
    Image.init()  # idempotent; without it Pillow knows some of the formats only by chance
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as checked:
            if checked.width * checked.height > MAX_PIXELS:
                return Unusable.TOO_LARGE
            checked.verify()
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            # A JPEG is decoded at a fraction of its size where that suffices.
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            small = _eight_bits(opened)
            # Before it is turned: of a large picture there is never a second one in memory.
            small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            ImageOps.exif_transpose(small, in_place=True)
            # A new picture, because Pillow carries comments and profiles over to a copy.
            drawn = Image.new("RGB", small.size, "white")
            seen = small.convert("RGBA") if small.has_transparency_data else small.convert("RGB")
            drawn.paste(seen, mask=seen if seen.mode == "RGBA" else None)
            result = io.BytesIO()
            drawn.save(result, "JPEG", quality=_JPEG_QUALITY)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Unusable.TOO_LARGE
    except Exception:  # noqa: BLE001 - Pillow's readers raise almost anything on hostile bytes
        return Unusable.NOT_A_PICTURE
    return result.getvalue()


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Of a picture of 16 bits of grey the upper 8, where convert() would cut off at 255."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda value: value / 257).convert("L")
