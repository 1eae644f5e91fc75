"""The two calls of the Graph API that give tokens; they bear no version."""

import random
from collections import Counter
from collections.abc import Callable

from aiohttp import web

from vestlus.simulator.graph_errors import GraphError
from vestlus.simulator.jsontypes import JsonObject
from vestlus.simulator.tokens import TokenDesk


class GraphTokenApi:
    """`/graph/access_token` and `/graph/refresh_access_token`."""

    def __init__(self, tokens: TokenDesk, calls: Counter[str], *, rng: random.Random) -> None:
        self._tokens = tokens
        self._calls = calls
        self._rng = rng

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/graph/access_token", self.exchange),
            web.get("/graph/refresh_access_token", self.refresh),
        ]

    async def exchange(self, request: web.Request) -> web.Response:
        """Answer `GET /access_token`."""
        given = request.query
        return self._answer(
            "exchange",
            lambda: self._tokens.exchange(
                given.get("grant_type"), given.get("client_secret"), given.get("access_token")
            ),
        )

    async def refresh(self, request: web.Request) -> web.Response:
        """Answer `GET /refresh_access_token`."""
        given = request.query
        return self._answer(
            "refresh",
            lambda: self._tokens.refresh(given.get("grant_type"), given.get("access_token")),
        )

    def _answer(self, name: str, answer: Callable[[], JsonObject]) -> web.Response:
        self._calls[name] += 1
        try:
            return web.json_response(answer())
        except GraphError as error:
            self._calls[f"error {error.code}/{error.subcode or 0}"] += 1
            envelope = error.envelope("A" + self._rng.randbytes(11).hex())
            return web.json_response(envelope, status=error.status)
