"""Exchanging and refreshing access tokens, and asking whose they are.

Meta, "Instagram API with Instagram Login: business login" and its references "Access token" and
"Refresh access token": both are GET requests without a version, with the token in the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from vestlus.errors import NotSent, OutcomeUnknown
from vestlus.instagram.graph_answers import Me, read_me
from vestlus.instagram.graph_errors import classify
from vestlus.instagram.graph_http import TIMEOUT_SECONDS, GraphHttp
from vestlus.instagram.json_values import Json, Malformed, record, text

#: The version at the end of the address of the Graph API.
_VERSION: Final = re.compile(r"/v[0-9]+\.[0-9]+$")

#: No token lives longer than Meta's 60 days; an answer that says so must not put off the next
#: refresh for ever.
_LONGEST_LIFE_SECONDS: Final = 400 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class LongLivedToken:
    """A token and how long it lives from now, seconds. Its ``repr`` does not show the token."""

    token: str = field(repr=False)
    seconds: int


class TokenApi:
    """Meta's calls that are about a token. ``async with`` opens and closes it.

    ``base_url`` is that of the Graph API, with its version. All raise the GraphError family:
    ``NotSent`` where the same may be asked again, since none changes what a token that is in use
    can do; ``TokenRejected`` and ``Refused`` where Meta said no.
    """

    def __init__(self, base_url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        base_url = base_url.rstrip("/")
        versioned = _VERSION.search(base_url)
        self._me = f"{versioned.group().lstrip('/')}/me" if versioned else "me"
        self._http = GraphHttp(_VERSION.sub("", base_url), timeout=timeout)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def exchange(self, token: str, app_secret: str) -> LongLivedToken:
        """A long-lived token for a short-lived one, which lives for an hour."""
        query = {
            "grant_type": "ig_exchange_token",
            "client_secret": app_secret,
            "access_token": token,
        }
        return _long_lived(await self._ask("access_token", query))

    async def refresh(self, token: str) -> LongLivedToken:
        """A long-lived token for one that is at least 24 hours old and has not ended."""
        query = {"grant_type": "ig_refresh_token", "access_token": token}
        return _long_lived(await self._ask("refresh_access_token", query))

    async def me(self, token: str) -> Me:
        """Whose token it is: proof that Graph accepts it."""
        content = await self._ask(self._me, {"fields": "id,user_id,username"}, token)
        try:
            return read_me(content)
        except Malformed:
            raise NotSent("answer_malformed") from None

    async def _ask(self, path: str, query: Mapping[str, str], token: str = "") -> object:
        try:
            answer = await self._http.request("GET", path, token, query=query)
        except OutcomeUnknown as error:
            raise NotSent(error.reason) from None
        failed = isinstance(answer.content, dict) and "error" in answer.content
        if failed or answer.status != HTTPStatus.OK:
            said = classify(answer.status, answer.content, answer.headers)
            if isinstance(said, OutcomeUnknown):
                raise NotSent(said.reason, said.code, said.subcode)
            raise said
        return answer.content


def _long_lived(content: object) -> LongLivedToken:
    try:
        return _read(content)
    except Malformed:
        raise NotSent("answer_malformed") from None


def _read(content: object) -> LongLivedToken:
    if not isinstance(content, dict):
        raise Malformed
    body: dict[str, Json] = record(content)
    token, seconds = text(body.get("access_token")), body.get("expires_in")
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
        seconds = int(seconds)
    if not token or not re.fullmatch(r"[!-~]+", token):
        raise Malformed
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        raise Malformed
    return LongLivedToken(token, min(seconds, _LONGEST_LIFE_SECONDS))
