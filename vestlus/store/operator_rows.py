"""Rows about people who operate the service: who is signed in, and what they did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Somebody did something, or was refused. No field ever holds what somebody said, a secret,
    or a user's id; a conversation is named by its own id.
    """

    at_ms: int
    person: str
    role: str
    #: How they came: ``token``, ``oidc``, ``api``, ``command``.
    way: str
    #: A word of ours, such as ``conversation.take_over``.
    action: str
    target: str = ""
    #: ``done``, or the reason why not.
    outcome: str = "done"
    detail: str = ""
    #: Its place in the audit; 0 before it is written.
    id: int = 0


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """Somebody is signed in. ``digest`` is that of the cookie's value, which is not kept."""

    digest: str
    person: str
    role: str
    way: str
    csrf: str
    began_ms: int
    seen_ms: int
    ends_ms: int
