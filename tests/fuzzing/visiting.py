"""Requests of somebody who is signed in to the console: what only they reach is broken too."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote_from_bytes

import httpx

_CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')

PAGES: Final = (
    "/console",
    "/console/overview/now",
    "/console/overview/live",
    "/console/conversations",
    "/console/conversations/{id}",
    "/console/conversations/{id}/received/0/0",
    "/console/conversations/bank/{id}",
    "/console/dead-letters",
    "/console/dead-letters/{id}",
    "/console/posts",
    "/console/posts/new",
    "/console/posts/{id}",
    "/console/posts/schedules",
    "/console/events",
    "/console/images",
    "/console/images/add",
    "/console/images/{id}",
    "/console/settings",
    "/console/audit",
    "/console/erasures",
)

#: Not signing out, which would end it for all that come after.
ACTS: Final = (
    "/console/conversations/{id}/reply",
    "/console/conversations/{id}/approve",
    "/console/conversations/{id}/take-over",
    "/console/dead-letters/{id}/replay",
    "/console/dead-letters/{id}/discard",
    "/console/posts",
    "/console/posts/{id}/cancel",
    "/console/images/add",
    "/console/erasures",
)

_IDS: Final = ("x", "0", "-1", "%00", "%ff", "17841400000004821", "..%2f", "a" * 300)
_NAMES: Final = (
    *("q", "account", "state", "action", "person", "reason", "before", "after", "month", "span"),
    *("text", "message", "caption", "at", "tags", "file", "next", "code", "user"),
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A session of the console, and what its forms carry."""

    cookie: str = "x" * 43
    csrf: str = "x" * 43


async def sign_in(port: int, token: str) -> Visitor:
    """Signs in as a person does."""
    address = f"http://127.0.0.1:{port}"
    headers = {"origin": address}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        form = {"name": "Mari", "token": token, "next": "/console"}
        answer = await client.post("/console/sign-in", data=form)
        assert answer.status_code == HTTPStatus.SEE_OTHER
        found = _CSRF.search((await client.get("/console")).text)
        assert found is not None
        return Visitor(client.cookies["vestlus"], found[1])


def visited(hand: random.Random, visitor: Visitor) -> tuple[str, str, bytes, tuple[str, ...]]:
    """Method, path, body and headers of a page that is looked at, or of something done on one."""
    cookie = f"Cookie: vestlus={visitor.cookie}"
    fields = b"&".join(_field(hand) for _ in range(hand.randrange(5)))
    if hand.random() < 0.6:
        path = hand.choice(PAGES).replace("{id}", hand.choice(_IDS))
        return "GET", f"{path}?{fields.decode()}", b"", (cookie,)
    path = hand.choice(ACTS).replace("{id}", hand.choice(_IDS))
    kind = "Content-Type: application/x-www-form-urlencoded"
    body = b"&".join((b"csrf=" + visitor.csrf.encode(), fields))
    return "POST", path, body, (cookie, kind, "Origin: http://127.0.0.1")


def _field(hand: random.Random) -> bytes:
    values = (
        b"",
        b"0",
        b"-1",
        b"9" * hand.randrange(1, 400),
        b"2026-13-45T99:99",
        b"'; --",
        b"%_\\",
        b"\x00",
        bytes(hand.choices(range(256), k=hand.randrange(200))),
    )
    return f"{hand.choice(_NAMES)}={quote_from_bytes(hand.choice(values))}".encode()
