"""The connection to OpenAI, or to a server that speaks its language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

import aiohttp
import httpx2
from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    DefaultAioHttpClient,
    OpenAIError,
)
from pydantic_core import to_json

from vestlus.assistant.failures import AttemptFailed, Meaning, Reason, failure_of
from vestlus.assistant.retrying import ATTEMPT_SECONDS
from vestlus.assistant.statuses import status_error
from vestlus.errors import AssistantUnavailable
from vestlus.settings_account import Account

#: Named rather than left to the SDK, which would read OPENAI_BASE_URL in whatever process this
#: runs in: the settings alone decide where conversations go.
OPENAI_URL: Final = "https://api.openai.com/v1"

#: What OpenAI itself is never asked without, whatever an error of its says: that it stores
#: nothing, and the pseudonym by which it knows users.
_PROMISED: Final = frozenset({"store", "safety_identifier"})
#: OpenAI's own server, in every region.
_OPENAI: Final = re.compile(
    r"https?://(?:[a-z0-9-]+\.)*api\.openai\.com(?::\d+)?(?:/|$)", re.IGNORECASE
)

CONNECT_SECONDS: Final = 5.0

#: Answers in flight in one process. The SDK closes idle connections after 5 s by default, which
#: would cost a TLS handshake with nearly every answer of a quiet account.
_LIMITS: Final = httpx2.Limits(
    max_connections=1000, max_keepalive_connections=1000, keepalive_expiry=60
)

#: The SDK refuses to be made without a key, and compatible servers on one's own network commonly
#: have none; they ignore what is sent.
_NO_KEY: Final = "no-key"


@dataclass(frozen=True, slots=True)
class _Opened:
    """The SDK's client, the HTTP client below it, and what is the same in all requests."""

    client: AsyncOpenAI
    http: httpx2.AsyncClient
    headers: httpx2.Headers
    extensions: dict[str, Any]

    async def post(self, url: httpx2.URL, body: dict[str, object]) -> httpx2.Response:
        """The response to a request, whatever its status. Raises the SDK's errors."""
        request = httpx2.Request(
            "POST", url, headers=self.headers, content=to_json(body), extensions=self.extensions
        )
        try:
            return await self.http.send(request)
        except httpx2.TimeoutException as error:
            raise APITimeoutError(request=request) from error
        except httpx2.RequestError as error:
            raise APIConnectionError(request=request) from error


class Heard(Protocol):
    """Is told of a response that came, whatever its status."""

    def __call__(
        self, headers: Mapping[str, str], /, *, refused: bool, retry_after: float | None
    ) -> None:
        """``refused``: there are too many calls, for ``retry_after`` seconds if that is said."""
        ...


class OpenAIConnection:
    """One AsyncOpenAI per process. Opened by the first request, in the loop that makes it.

    Opening costs about 11 ms, most of it for the TLS context. The SDK neither retries nor reads
    settings of its own. ``clock``: milliseconds since 1970.
    """

    def __init__(
        self, *, api_key: str | None, base_url: str | None, clock: Callable[[], int]
    ) -> None:
        self._api_key = api_key or _NO_KEY
        self._base_url = base_url or OPENAI_URL
        self._clock = clock
        self._promised = _PROMISED if _OPENAI.match(self._base_url) else frozenset[str]()
        self._open: _Opened | None = None
        self._closed = False

    async def post(
        self,
        path: str,
        body: dict[str, object],
        *,
        optional: frozenset[str],
        heard: Heard | None = None,
    ) -> bytes:
        """The body of a successful response. Raises AttemptFailed for everything else.

        ``optional``: the fields that the request can do without; AttemptFailed names those that
        the server rejects, and to OpenAI itself never ``store`` or ``safety_identifier``.
        ``heard`` is told of the response's headers. Cancelling aborts the request.

        The SDK's client is asked once for its address and headers, and its HTTP client sends: the
        layers in between take longer than all else. With a 15-message history its typed calls,
        which check a request's every item against a union of some thirty types and build the
        response as models, take 4.6 to 5.2 ms of CPU (`create`) and 9.4 to 9.6 ms (`parse`), its
        method for calls that it has no types for 0.7 to 0.9 ms, and this one 0.3 to 0.4 ms. The
        connections, the time limits and the errors are the SDK's all the same.
        """
        if self._closed:
            raise Meaning(AssistantUnavailable, Reason.CLOSED).failed()
        try:
            opened = self._opened()
            response = await opened.post(_address(str(opened.client.base_url), path), body)
            if not response.is_success:
                raise status_error(response)
        except (OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError) as error:
            failed = self._failure(error, optional)
            if heard is not None and isinstance(error, APIStatusError):
                refused = failed.error.reason == Reason.RATE_LIMITED
                heard(error.response.headers, refused=refused, retry_after=failed.retry_after)
            raise failed from None  # failures.py says why
        if heard is not None:
            heard(response.headers, refused=False, retry_after=None)
        return response.content

    async def aclose(self) -> None:
        """Closes all connections. Safe to call twice."""
        self._closed = True
        opened, self._open = self._open, None
        if opened is not None:
            await opened.client.close()

    def _opened(self) -> _Opened:
        if self._open is None:
            timeout = httpx2.Timeout(ATTEMPT_SECONDS, connect=CONNECT_SECONDS)
            http = DefaultAioHttpClient(limits=_LIMITS, timeout=timeout)
            client = AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                timeout=timeout,
                max_retries=0,
                http_client=http,
            )
            headers = httpx2.Headers(http.headers)
            headers.update({k: v for k, v in client.default_headers.items() if isinstance(v, str)})
            headers["Authorization"] = f"Bearer {self._api_key}"
            self._open = _Opened(client, http, headers, {"timeout": timeout.as_dict()})
        return self._open

    def _failure(self, error: Exception, optional: frozenset[str]) -> AttemptFailed:
        return failure_of(error, optional - self._promised, self._clock())


@lru_cache(256)  # one for each server and method: to read an address takes longer than to use it
def _address(base_url: str, path: str) -> httpx2.URL:
    return httpx2.URL(f"{base_url.rstrip('/')}{path}")


class Connections:
    """The connections to one server: one for each key that accounts have.

    ``api_key`` is that of accounts without a key of their own.
    """

    def __init__(
        self, *, api_key: str | None, base_url: str | None, clock: Callable[[], int]
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._clock = clock
        self._by_key: dict[str | None, OpenAIConnection] = {}
        self._closed = False

    def of(self, account: Account | None = None) -> OpenAIConnection:
        """The connection with the account's key, or with everybody's; made when first asked for.

        The same key gives the same connection. Raises AssistantUnavailable once closed.
        """
        if self._closed:
            raise AssistantUnavailable(Reason.CLOSED.value)
        own = account.openai_api_key if account is not None else None
        key = own.get_secret_value() if own is not None else self._api_key
        if key not in self._by_key:
            self._by_key[key] = OpenAIConnection(
                api_key=key, base_url=self._base_url, clock=self._clock
            )
        return self._by_key[key]

    async def aclose(self) -> None:
        """Closes all of them. Safe to call twice."""
        self._closed = True
        for connection in self._by_key.values():
            await connection.aclose()
