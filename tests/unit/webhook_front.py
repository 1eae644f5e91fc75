"""What tests of webhooks share: a handler over a bus in memory, and signed requests to it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.fakes.bus import MemoryBus
from vestlus.bus.port import Bus, Queue
from vestlus.conversation.events import Event
from vestlus.instagram.handler import MAX_BODY_BYTES, WebhookHandler
from vestlus.instagram.signature import sign
from vestlus.messages import decode_inbox

SECRET = "the app secret"
TOKEN = "the verify token"
NOW_MS = 1_740_157_201_000
PARTITIONS = 16
PAYLOADS = Path(__file__).parent.parent / "payloads"
TEXT = (PAYLOADS / "text.json").read_bytes()

Headers = Sequence[tuple[bytes, bytes]]


class Answer:
    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def send(self, message: Any) -> None:  # noqa: ANN401 - ASGI's message
        if message["type"] == "http.response.start":
            assert self.status == 0
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.body += message["body"]


class Front:
    """A handler, what it counted, and a way to ask it."""

    def __init__(self, bus: Bus, **changed: Any) -> None:  # noqa: ANN401 - any of its settings
        self.counts: Counter[str] = Counter()
        arguments: dict[str, Any] = {
            "secrets": ("another secret", SECRET),
            "verify_token": TOKEN,
            "bus": bus,
            "partitions": PARTITIONS,
            "clock": lambda: NOW_MS,
            "on_counts": self.counts.update,
        }
        self.handler = WebhookHandler(**{**arguments, **changed})

    async def ask(
        self,
        method: str,
        *,
        query: bytes = b"",
        headers: Headers = (),
        messages: Iterable[dict[str, object]] = (),
    ) -> Answer:
        answer = Answer()
        incoming = iter(messages)

        async def receive() -> Any:  # noqa: ANN401 - ASGI's message
            try:
                return next(incoming)
            except StopIteration:
                return await asyncio.Event().wait()

        scope = {
            "type": "http",
            "method": method,
            "path": "/webhook",
            "query_string": query,
            "headers": list(headers),
        }
        await self.handler(scope, receive, answer.send)
        return answer

    async def post(
        self, body: bytes, headers: Headers | None = None, *, chunk: int = MAX_BODY_BYTES * 2
    ) -> Answer:
        """Sends a signed body, in pieces of so many bytes."""
        if headers is None:
            headers = signed(body)
        pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
        messages: list[dict[str, object]] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
        ]
        messages[-1]["more_body"] = False
        return await self.ask("POST", headers=headers, messages=messages)

    async def shake(self, **query: str) -> Answer:
        names = {f"hub.{name}": value for name, value in query.items()}
        return await self.ask("GET", query=urlencode(names).encode())


def signed(body: bytes, secret: str = SECRET) -> Headers:
    return [(b"content-type", b"application/json"), signature(body, secret)]


def signature(body: bytes, secret: str = SECRET) -> tuple[bytes, bytes]:
    return (b"x-hub-signature-256", sign(body, secret).encode())


def durable(bus: MemoryBus) -> dict[int, list[Event]]:
    """The events in the inbox, by partition."""
    return {
        partition: [event for body in bodies for event in decode_inbox(body).events]
        for (queue, partition), bodies in bus.messages.items()
        if queue is Queue.INBOX and bodies
    }


def batch(events: int) -> bytes:
    items = [
        {
            "sender": {"id": str(900_000 + n)},
            "recipient": {"id": "17841400000000001"},
            "timestamp": NOW_MS,
            "message": {"mid": f"m-{n}", "text": "Tere!"},
        }
        for n in range(events)
    ]
    entry = {"id": "17841400000000001", "time": NOW_MS, "messaging": items}
    return json.dumps({"object": "instagram", "entry": [entry]}).encode()


@pytest.fixture
async def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def front(bus: MemoryBus) -> Front:
    return Front(bus)
