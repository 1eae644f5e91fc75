"""Who is signed in: an unguessable cookie, and a row of the store under its digest.

A cookie is worth something for as long as its row is there, so one that was taken back, or made
up, or comes again after signing out lets nobody in. OWASP's "Session Management Cheat Sheet".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vestlus.console.people import Person, Role
from vestlus.store.operator_rows import AuditEntry, ConsoleSession
from vestlus.store.port import Store

_HOUR: Final = 60 * 60 * 1000
#: A session that nobody uses ends after so long, and any after the longer time.
IDLE_MS: Final = 8 * _HOUR
LONGEST_MS: Final = 24 * _HOUR
#: Its use is written down so often.
_TOUCH_MS: Final = 60 * 1000

#: The prefix makes browsers demand HTTPS, this host and the path ``/`` (RFC 6265bis, 4.1.3.2).
SECURE_COOKIE: Final = "__Host-vestlus"
PLAIN_COOKIE: Final = "vestlus"


def is_loopback(request: Request) -> bool:
    """Whether the browser spoke plain HTTP to this very machine, as in the demo."""
    host = request.url.hostname or ""
    if request.url.scheme != "http":
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def cookie_name(request: Request) -> str:
    """The name of the session's cookie at that address."""
    return PLAIN_COOKIE if is_loopback(request) else SECURE_COOKIE


def digest_of(value: str) -> str:
    """What is kept of a cookie's value."""
    return sha256(value.encode()).hexdigest()


async def begin(store: Store, person: Person, at_ms: int) -> str:
    """Signs somebody in; gives the cookie's value."""
    value = secrets.token_urlsafe(32)
    session = ConsoleSession(
        digest=digest_of(value),
        person=person.name,
        role=person.role.word,
        way=person.way,
        csrf=secrets.token_urlsafe(32),
        began_ms=at_ms,
        seen_ms=at_ms,
        ends_ms=at_ms + IDLE_MS,
    )
    await store.begin_session(session, _entry(person, "session.begin", at_ms))
    return value


async def find(
    store: Store, cookies: Mapping[str, str], name: str, at_ms: int
) -> ConsoleSession | None:
    """The session of a request's cookies."""
    value = cookies.get(name)
    if not value:
        return None
    session = await store.session(digest_of(value), at_ms)
    if session is not None and at_ms - session.seen_ms >= _TOUCH_MS:
        ends_ms = min(at_ms + IDLE_MS, session.began_ms + LONGEST_MS)
        await store.touch_session(session.digest, at_ms, ends_ms)
    return session


async def end(store: Store, session: ConsoleSession, at_ms: int) -> None:
    """Signs somebody out."""
    await store.end_sessions([session.digest], _entry(person_of(session), "session.end", at_ms))


def person_of(session: ConsoleSession) -> Person:
    """Who is signed in. Raises KeyError for a role of another version."""
    return Person(session.person, Role.of(session.role), session.way)


def hand_out(response: Response, request: Request, value: str) -> None:
    """Sets the cookie: out of reach of scripts, and sent to this site's own pages alone."""
    response.set_cookie(
        cookie_name(request),
        value,
        path="/",
        secure=not is_loopback(request),
        httponly=True,
        samesite="lax",
    )


def take_back(response: Response, request: Request) -> None:
    """Removes the cookie."""
    response.delete_cookie(
        cookie_name(request), path="/", secure=not is_loopback(request), httponly=True
    )


def _entry(person: Person, action: str, at_ms: int) -> AuditEntry:
    return AuditEntry(at_ms, person.name, person.role.word, person.way, action)
