"""Rows about people who operate the service: who is signed in, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The outcome of what was done.
DONE: Final = "done"
#: The outcome of an act upon a conversation, and of a dead letter's replay: it is done within
#: moments. Written before it is handed in; of one that could not be there is another entry, FAILED,
#: with the same detail.
HANDED_IN: Final = "handed_in"
#: The outcome of what was begun and not carried through.
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Somebody did something, or was refused. No field ever holds what somebody said, a secret,
    or a user's id; a conversation is named by its own id.
    """

    at_ms: int
    person: str
    role: str
    #: How they came: ``token``, ``oidc``, ``api``, ``command``, ``meta``, ``chat``.
    way: str
    #: A word of ours, such as ``conversation.take_over``.
    action: str
    target: str = ""
    #: DONE, HANDED_IN, or the reason why not.
    outcome: str = DONE
    detail: str = ""
    #: Its place in the audit; 0 before it is written.
    id: int = 0
    #: Whose account it is about, as whoever writes it knows; otherwise the store looks for what the
    #: target names. It is for retention: an entry that is read has none.
    account: str = ""


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
    #: A digest of the settings that let the person in: when they change, the session is worth
    #: nothing. Empty in sessions of a version that did not know it.
    grounds: str = ""
    #: A digest of who it is at the provider that says so; empty with the token, which says nobody.
    subject: str = ""

    @property
    def name(self) -> str:
        """How people name it: nobody can sign in with that."""
        return self.digest[:16]


@dataclass(frozen=True, slots=True)
class SignInTry:
    """Somebody tries to sign in with a secret. It counts in each of its buckets."""

    id: str
    at_ms: int
    #: How long it counts.
    window_ms: int
    #: Pairs of a bucket's name, a digest, and how many tries it takes within that time.
    buckets: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWanted:
    """Which entries of the audit; ``None`` stands for any."""

    target: str | None = None
    #: A whole word or, ending with a full stop, its beginning.
    action: str | None = None
    person: str | None = None
    way: str | None = None
    outcome: str | None = None
    #: At that time or later, and earlier than that; milliseconds since 1970.
    since_ms: int | None = None
    until_ms: int | None = None
