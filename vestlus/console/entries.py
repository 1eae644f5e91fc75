"""Entries of the audit and what they are about, while the store may go away: an act upon a
conversation is written down before it is handed in, and nobody is told that what is done is not,
because its entry has to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from vestlus.backoff import until_available
from vestlus.console.tools import Tools
from vestlus.conversation.events import Event
from vestlus.desk.conversations import HandIn
from vestlus.errors import StoreUnavailable
from vestlus.store.operator_rows import HANDED_IN, AuditEntry

_log = structlog.get_logger(__name__)

#: The loop itself holds tasks weakly only.
_waiting: Final[set[asyncio.Task[None]]] = set()


async def written(tools: Tools, entry: AuditEntry) -> None:
    """Writes an entry of something that is over, however it ended. While the store is away nobody
    waits for that: it is written when the store is back, twice if the first try had succeeded
    unseen. With the process it is lost; the log has that it waited.
    """

    async def write() -> None:
        await tools.store.audit(entry)

    try:
        await write()
    except StoreUnavailable:
        _log.error("audit_entry_waits", action=entry.action, way=entry.way, outcome=entry.outcome)
        task = asyncio.create_task(until_available(write), name="audit entry")
        _waiting.add(task)
        task.add_done_callback(_over)


def _over(task: asyncio.Task[None]) -> None:
    _waiting.discard(task)
    error = None if task.cancelled() else task.exception()
    if task.cancelled() or error is not None:
        _log.error("audit_entry_lost", error=type(error).__name__ if error else "cancelled")


def written_first(
    tools: Tools, entry: AuditEntry, *, note: Callable[[str, str], None], done: Callable[[], None]
) -> HandIn:
    """Hands acts in, each with its entry before it: what goes out to a user is in the audit, should
    the store go away in between. ``entry`` says who acts; ``note`` is called with what the act is
    about and its key, for the entry of one that could not be handed in, and ``done`` behind it.

    Raises StoreUnavailable, upon which nothing was handed in, and BusUnavailable.
    """

    async def hand_in(event: Event) -> None:
        about = event.conversation or ""
        note(about, event.key)
        await tools.store.audit(replace(entry, target=about, detail=event.key, outcome=HANDED_IN))
        await tools.hand_in(event)
        done()

    return hand_in
