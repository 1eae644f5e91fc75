"""Entries of the audit that wait for the store to come back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

import structlog

from vestlus.backoff import until_available
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.measuring.catalogue import AUDIT_ENTRIES_LOST, of
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store

_log = structlog.get_logger(__name__)

#: As many as come in minutes without a store, in a megabyte or so.
MOST: Final = 1_000

Why = Literal["refused", "full", "ended", "failed"]


class WaitingEntries:
    """At most so many entries, in memory, written by one task in the order in which they came. One
    per process. What is lost is counted and logged; further ones are lost rather than older ones.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: deque[AuditEntry] = deque()
        #: The loop itself holds tasks weakly only.
        self._writer: asyncio.Task[None] | None = None

    def add(self, find_store: Callable[[], Store], entry: AuditEntry) -> None:
        """Has the entry written when the store is back, twice if a try had succeeded unseen. With
        the process it is lost. ``find_store`` raises StoreUnavailable while there is none.
        """
        if len(self._entries) >= self._most:
            lost(entry, "full")
            return
        _log.error("audit_entry_waits", action=entry.action, way=entry.way, outcome=entry.outcome)
        self._entries.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(find_store), name="audit entries")

    async def _write(self, find_store: Callable[[], Store]) -> None:
        async def write() -> None:
            entry = self._entries[0]
            try:
                await find_store().audit(entry)
            except ValuesRefused as error:
                lost(entry, "refused", type(error).__name__)
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - logged; those behind it are written
                lost(entry, "failed", type(error).__name__)

        try:
            while self._entries:
                await until_available(write)
                self._entries.popleft()
        finally:
            # Some are left only where the process ends.
            while self._entries:
                lost(self._entries.popleft(), "ended")


def lost(entry: AuditEntry, why: Why, error: str = "") -> None:
    """Counts and logs an entry that nobody will write. ``error`` names an error's class."""
    of(AUDIT_ENTRIES_LOST, why).inc()
    _log.error(
        "audit_entry_lost",
        action=entry.action,
        way=entry.way,
        outcome=entry.outcome,
        reason=why,
        error=error,
    )
