"""Entries of the audit and what they are about, while the store may go away: an act upon a
conversation and the replay of a dead letter are written down before they are handed in, and nobody
is told that what is done is not, because its entry has to wait.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from vestlus.console.noting import Noted
from vestlus.console.tools import Tools
from vestlus.console.waiting import lost
from vestlus.conversation.events import Event
from vestlus.desk.conversations import HandIn
from vestlus.desk.dead_letters import Handing
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.store.operator_rows import HANDED_IN, AuditEntry
from vestlus.store.rows import DeadLetter


async def written(tools: Tools, entry: AuditEntry) -> None:
    """Writes an entry of something that is over, however it ended. While the store is away nobody
    waits for that: see :class:`~vestlus.console.waiting.WaitingEntries`. One that the store refuses
    is lost at once: what is done is not undone by that, and the log and a measure have it.
    """
    try:
        await tools.store.audit(entry)
    except ValuesRefused as error:
        lost(entry, "refused", type(error).__name__)
    except StoreUnavailable:
        tools.waiting.add(lambda: tools.store, entry)


def written_first(tools: Tools, entry: AuditEntry, noted: Noted) -> HandIn:
    """Hands acts in, each with its entry before it: what goes out to a user is in the audit, should
    the store go away in between. ``entry`` says who acts; one that could not be handed in has
    another, of what is ``noted``.

    Raises StoreUnavailable, upon which nothing was handed in, and BusUnavailable.
    """

    async def hand_in(event: Event) -> None:
        noted.note(target=event.conversation or "", detail=event.key, account=event.account)
        async with _before(tools, entry, noted):
            await tools.hand_in(event)

    return hand_in


def replay_written_first(tools: Tools, entry: AuditEntry, noted: Noted) -> Handing:
    """The same for letters: their entries name them, and the event that lets them go on."""

    @asynccontextmanager
    async def handing(letter: DeadLetter, key: str) -> AsyncIterator[None]:
        noted.note(target=letter.id, detail=key, account=letter.account or "")
        async with _before(tools, entry, noted):
            yield

    return handing


@asynccontextmanager
async def _before(tools: Tools, entry: AuditEntry, noted: Noted) -> AsyncIterator[None]:
    """Around what is handed in, of what is noted. Raises StoreUnavailable at its beginning."""
    first = replace(
        entry,
        target=noted.target,
        detail=noted.detail,
        account=noted.account,
        outcome=HANDED_IN,
    )
    await tools.store.audit(first)
    yield
    noted.written = True
