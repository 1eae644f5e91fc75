"""The store's port for the console: sessions and the audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vestlus.store.operator_rows import AuditEntry, AuditWanted, ConsoleSession, SignInTry


class Operators(Protocol):
    """Who is signed in, and what people did."""

    async def begin_session(self, session: ConsoleSession, entry: AuditEntry) -> None:
        """Writes a session, and that somebody signed in. Those that have ended are forgotten, and
        so are those of the same subject with another role or on other grounds.
        """
        ...

    async def session(self, digest: str, at_ms: int) -> ConsoleSession | None:
        """The session of that digest, unless it has ended by ``at_ms``."""
        ...

    async def touch_session(self, digest: str, seen_ms: int, ends_ms: int) -> None:
        """Notes that the session was used, and when it ends now; one that is gone stays gone."""
        ...

    async def end_sessions(self, digests: Sequence[str], entry: AuditEntry) -> None:
        """Ends sessions: their cookies are worth nothing from then on."""
        ...

    async def sessions(self, at_ms: int) -> tuple[ConsoleSession, ...]:
        """Who is signed in, the last to have begun first."""
        ...

    async def admit_try(self, tried: SignInTry) -> int:
        """Notes a try in all its buckets, and gives 0. Where one of them is full nothing is noted,
        and it gives when there will be room, milliseconds since 1970. However many are made at
        once, no bucket takes more than it may.
        """
        ...

    async def forgive_try(self, id_: str) -> None:
        """Takes a try back: it was right."""
        ...

    async def audit(self, entry: AuditEntry) -> None:
        """Adds an entry. None is ever changed."""
        ...

    async def audit_entries(
        self,
        *,
        before_id: int | None = None,
        target: str | None = None,
        action: str | None = None,
        person: str | None = None,
        limit: int = 100,
        wanted: AuditWanted | None = None,
    ) -> tuple[AuditEntry, ...]:
        """The newest entries, newest first; with ``before_id``, the next older ones. ``action``
        is a whole word or, ending with a full stop, its beginning. ``wanted`` says more.
        """
        ...
