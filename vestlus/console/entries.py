"""Entries of the audit and what they are about, while the store may go away: an act upon a
conversation is written down before it is handed in, and nobody is told that what is done is not,
because its entry has to wait.
"""

from __future__ import annotations

from dataclasses import replace

from vestlus.console.noting import Noted
from vestlus.console.tools import Tools
from vestlus.console.waiting import lost
from vestlus.conversation.events import Event
from vestlus.desk.conversations import HandIn
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.store.operator_rows import HANDED_IN, AuditEntry


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
        about, account = event.conversation or "", event.account
        noted.note(target=about, detail=event.key, account=account)
        first = replace(entry, target=about, detail=event.key, account=account, outcome=HANDED_IN)
        await tools.store.audit(first)
        await tools.hand_in(event)
        noted.written = True

    return hand_in
