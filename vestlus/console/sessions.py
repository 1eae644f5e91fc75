"""Who is signed in: an unguessable cookie, and a row of the store under its digest.

A cookie is worth something for as long as its row is there, so one that was taken back, or made
up, or comes again after signing out lets nobody in. OWASP's "Session Management Cheat Sheet".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vestlus.console.addresses import is_loopback as is_loopback  # noqa: PLC0414 - others' name for it
from vestlus.console.grounds import Grounds
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
SECURE_PREFIX: Final = "__Host-"
SESSION: Final = "vestlus"

_BYTES: Final = 32
#: What :func:`secrets.token_urlsafe` makes of so many bytes.
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody was let in: on which grounds, and who it is at the provider that says so."""

    person: Person
    grounds: str
    subject: str = ""


def cookie_name(request: Request, name: str = SESSION) -> str:
    """The name of a cookie of ours at that address, the session's unless another is said."""
    return name if is_loopback(request) else f"{SECURE_PREFIX}{name}"


def digest_of(value: str) -> str:
    """What is kept of a cookie's value."""
    return sha256(value.encode()).hexdigest()


async def begin(store: Store, arrival: Arrival, at_ms: int) -> str:
    """Signs somebody in; gives the cookie's value, which is always a new one."""
    value = secrets.token_urlsafe(_BYTES)
    person = arrival.person
    session = ConsoleSession(
        digest=digest_of(value),
        person=person.name,
        role=person.role.word,
        way=person.way,
        csrf=secrets.token_urlsafe(_BYTES),
        began_ms=at_ms,
        seen_ms=at_ms,
        ends_ms=at_ms + IDLE_MS,
        grounds=arrival.grounds,
        subject=arrival.subject,
    )
    await store.begin_session(session, entry(person, "session.begin", at_ms))
    return value


async def find(
    store: Store,
    grounds: Grounds,
    cookies: Mapping[str, str],
    name: str,
    at_ms: int,
    *,
    used: bool = True,
) -> ConsoleSession | None:
    """The session of a request's cookies, if what it rests on still holds. ``used`` says whether
    its person did something: what a page does by itself keeps no session alive.
    """
    value = cookies.get(name, "")
    # What we never made is not looked for.
    if not _VALUE.fullmatch(value):
        return None
    session = await store.session(digest_of(value), at_ms)
    if session is None or not grounds.hold(session):
        return None
    if used and at_ms - session.seen_ms >= _TOUCH_MS:
        ends_ms = min(at_ms + IDLE_MS, session.began_ms + LONGEST_MS)
        await store.touch_session(session.digest, at_ms, ends_ms)
    return session


async def end(store: Store, session: ConsoleSession, at_ms: int) -> None:
    """Signs somebody out."""
    await store.end_sessions([session.digest], entry(person_of(session), "session.end", at_ms))


def person_of(session: ConsoleSession) -> Person:
    """Who is signed in. Raises KeyError for a role of another version."""
    return Person(session.person, Role.of(session.role), session.way)


def set_cookie(
    response: Response, request: Request, name: str, value: str, *, seconds: int | None = None
) -> None:
    """Sets a cookie of ours: out of reach of scripts, and sent to this site's own pages alone.
    It goes with the browser, unless ``seconds`` are given.
    """
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=not is_loopback(request),
        httponly=True,
        samesite="lax",
    )


def hand_out(response: Response, request: Request, value: str) -> None:
    """Sets the session's cookie."""
    set_cookie(response, request, SESSION, value)


def take_back(response: Response, request: Request, name: str = SESSION) -> None:
    """Removes a cookie, the session's unless another is said."""
    response.delete_cookie(
        cookie_name(request, name),
        path="/",
        secure=not is_loopback(request),
        httponly=True,
        samesite="lax",
    )


def entry(person: Person, action: str, at_ms: int) -> AuditEntry:
    """What the audit says of a session."""
    return AuditEntry(at_ms, person.name, person.role.word, person.way, action)
