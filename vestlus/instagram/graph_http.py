"""One HTTP request to the Graph API, and whether its bytes were written.

Two things are told apart for whatever goes wrong: *certainly not written* (no address, no
connection, no TLS, time over before there was a connection), and *written, and no usable answer*.
The second is what must be looked into before anything is sent again. The evidence is aiohttp's
trace signal that comes right before it hands a request to the socket, and never the kind of
exception alone: a timeout may come before and after. That signal is the last before the body,
which aiohttp writes together with the headers; without its body a POST does nothing, so that
whatever fails before has certainly not been done. A kept-alive connection that the server closed
in the meantime counts as written, because nothing proves otherwise; aiohttp repeats no POST by
itself.

At the same place the caller's gate is awaited: aiohttp calls its signals and then writes without
giving way to anything else, so that what the gate says is as true as it can be when the request
leaves. A request that was given up while it waited there is not written any more.
"""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import SimpleNamespace, TracebackType
from typing import Final, Self

import aiohttp
from opentelemetry.trace import SpanKind
from yarl import URL

from vestlus import tracing
from vestlus.errors import GraphError, HeldBack, NotSent, OutcomeUnknown
from vestlus.instagram.port import Gate

#: From the first byte asked for to the last one received. Meta answers sends in well under 2 s.
TIMEOUT_SECONDS: Final = 10.0

#: Twenty messages of 1000 characters in Meta's escaped form take 120 kB, and ten attachments of
#: each, with an address of 1 kB, another 200 kB.
MAX_ANSWER_BYTES: Final = 1024 * 1024

#: Closes a socket at once: what the kernel has not sent yet is thrown away. So a request that was
#: given up cannot reach Meta later than the moment at which we gave up, when it was still here.
_ABORT_ON_CLOSE: Final = struct.pack("ii", 1, 0)

#: What an aiohttp exception is called in measures; the first that fits counts.
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "no_address"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ServerFingerprintMismatch, "tls"),
    (aiohttp.ClientConnectorError, "no_connection"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientPayloadError, "answer_cut"),
    (aiohttp.ClientResponseError, "answer_malformed"),
    (aiohttp.ClientConnectionError, "disconnected"),
    (aiohttp.ClientError, "transport"),
    (OSError, "disconnected"),
)


_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``content`` is its JSON, None where it was none."""

    status: int
    headers: Mapping[str, str]
    content: object

    @property
    def told_ms(self) -> int | None:
        """When it was made, by the server's clock: RFC 9110, 6.6.1, whole seconds.

        Milliseconds since 1970; ``None`` where the answer does not say.
        """
        try:
            told = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        # Without a zone ("-0000") it is in UTC all the same.
        return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)


@dataclass(slots=True)
class _Attempt:
    """Whether bytes of a request may have left, and what decides that they may."""

    has_body: bool
    gate: Gate | None
    written: bool = False
    held_back: bool = False
    #: Nobody waits for it any more.
    over: bool = False


class GraphHttp:
    """Requests to one base address over one session. ``async with`` opens and closes it.

    Connections are kept alive and not limited in number: whoever calls limits what is in flight,
    and no request waits here for another. Redirects are not followed, cookies not kept. Errors
    carry neither addresses nor contents. A request ends ``timeout`` seconds after it was begun.
    """

    def __init__(self, base_url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._base = base_url.rstrip("/")
        # aiohttp's rounding of a time-out of 5 s and more up to a whole second of the loop's clock
        # (``ceil_threshold``) would let those who wait for this one's word give up before it.
        self._timeout = aiohttp.ClientTimeout(total=timeout, ceil_threshold=math.inf)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_headers_are_made)
        trace.on_request_chunk_sent.append(_body_is_next)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=60,
                ttl_dns_cache=60,
                socket_factory=_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            trace_configs=[trace],
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def request(
        self,
        method: str,
        path: str,
        token: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        gate: Gate | None = None,
    ) -> Answer:
        """Makes one request and returns its whole answer, whatever its status.

        ``path`` is already quoted; an empty ``token`` is for calls that carry theirs in the
        query; ``gate`` is for requests with a body. Raises NotSent when nothing was written,
        HeldBack where the gate said so, and OutcomeUnknown when something was written and no
        whole answer came. Cancelling aborts the connection and leaves open what was done.
        """
        if self._session is None:
            message = "the client is not open: use it with 'async with'"
            raise RuntimeError(message)
        attempt = _Attempt(has_body=body is not None, gate=gate)
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        raw_body = None if body is None else _encode(body).encode()
        if raw_body is not None:
            headers["Content-Type"] = "application/json"
        url = _address(f"{self._base}/{path}")
        try:
            with tracing.here("graph", SpanKind.CLIENT) as span:
                async with self._session.request(
                    method,
                    url.with_query(query) if query else url,
                    data=raw_body,
                    headers=headers,
                    allow_redirects=False,
                    trace_request_ctx=attempt,
                ) as response:
                    raw = await _read(response)
                    span.answered(method, response.status, str(url.host))
                    return Answer(response.status, response.headers, _parse(raw))
        except (aiohttp.ClientError, OSError) as error:
            # The cause is left out: it names the address, and with it who is written to.
            raise _failure(error, attempt) from None
        finally:
            attempt.over = True


def reason_of(kind: type[BaseException]) -> str:
    """The word for a class of aiohttp's exceptions or an OSError."""
    return next(word for known, word in _REASONS if issubclass(kind, known))


@lru_cache(maxsize=4096)
def _address(url: str) -> URL:
    """The same few of an account are asked for again and again; to read one takes a while."""
    return URL(url, encoded=True)


def _failure(error: BaseException, attempt: _Attempt) -> GraphError:
    if attempt.held_back:
        return HeldBack("held_back")
    reason = reason_of(type(error))
    return OutcomeUnknown(reason) if attempt.written else NotSent(reason)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            response.close()
            raise OutcomeUnknown("answer_too_large")
        chunks.append(chunk)
    return b"".join(chunks)


def _parse(raw: bytes) -> object:
    try:
        content: object = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return content


async def _headers_are_made(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestHeadersSentParams
) -> None:
    attempt: _Attempt = context.trace_request_ctx
    if not attempt.has_body:
        attempt.written = True


async def _body_is_next(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestChunkSentParams
) -> None:
    attempt: _Attempt = context.trace_request_ctx
    if attempt.written:
        return
    if attempt.gate is not None and not await attempt.gate():
        attempt.held_back = True
    if attempt.held_back or attempt.over:
        # aiohttp closes the connection, on which nothing was written.
        raise ConnectionAbortedError
    attempt.written = True


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol = address[:3]
    created = socket.socket(family, kind, protocol)
    created.setblocking(False)
    created.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_ON_CLOSE)
    return created
