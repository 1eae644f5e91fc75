"""What the tests of the events' route share: rules, tokens, and a desk to send events to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.fakes.triggers import MemoryTriggers
from tests.unit.webhook_front import Answer
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import EventDesk
from vestlus.planning.http import EventsRoute
from vestlus.settings import Settings
from vestlus.store.plan_port import Triggers

NOW_MS = 1_772_359_200_000  # 2026-03-01T10:00:00Z
TOKENS = ("shop=the-token-of-the-shop", "till=the-token-of-the-till", "shop=an-older-one")
BODY = b'{"title":"T"}'
RULES = [
    {
        "name": "novel",
        "event": "arrival",
        "tags": ["books"],
        "account": "1",
        "payload": {"required": ["title"], "properties": {"title": {"type": "string"}}},
        "delay_minutes": 5,
    },
    {
        "name": "rare",
        "event": "arrival",
        "tags": ["rare"],
        "account": "1",
        "when": "event.title == 'Rare'",
        "payload": {"properties": {"title": {"type": "string"}}},
    },
]
READY = rules_of(Settings.model_validate({"event_rules": RULES}))

Headers = Sequence[tuple[bytes, bytes]]


def bearer(token: str) -> tuple[bytes, bytes]:
    return (b"authorization", b"Bearer " + token.encode())


SHOP = bearer("the-token-of-the-shop")
JSON = (b"content-type", b"application/json")


class Desk:
    """The route over a store in memory, what it counted, and a way to ask it."""

    def __init__(self, *, tokens: Sequence[str] = TOKENS, **changed: Any) -> None:  # noqa: ANN401
        sources = Settings.model_validate({"event_tokens": tuple(tokens)}).event_sources
        self.counts: Counter[str] = Counter()
        self.store = MemoryTriggers()
        self.is_there = True
        arguments: dict[str, Any] = {
            "sources": sources,
            "desk": EventDesk(READY, lambda: NOW_MS),
            "store": self._found,
            "on_counts": self.counts.update,
        }
        self.route = EventsRoute(**{**arguments, **changed})

    def _found(self) -> Triggers | None:
        return self.store if self.is_there else None

    async def ask(
        self,
        *,
        method: str = "POST",
        path: str = "/events/arrival",
        headers: Headers = (SHOP, JSON),
        messages: Iterable[dict[str, object]],
    ) -> Answer:
        answer = Answer()
        incoming = iter(messages)

        async def receive() -> Any:  # noqa: ANN401 - ASGI's message
            try:
                return next(incoming)
            except StopIteration:
                return await asyncio.Event().wait()

        scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
        await self.route(scope, receive, answer.send)
        return answer

    async def post(
        self,
        body: bytes = BODY,
        *more: tuple[bytes, bytes],
        **changed: Any,  # noqa: ANN401
    ) -> Answer:
        """Sends an event of the shop's, with more headers."""
        changed.setdefault("headers", (SHOP, JSON, *more))
        message: dict[str, object] = {"type": "http.request", "body": body, "more_body": False}
        return await self.ask(messages=[message], **changed)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told(answer: Answer) -> Any:  # noqa: ANN401 - any JSON
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.body)
    return json.loads(answer.body)
