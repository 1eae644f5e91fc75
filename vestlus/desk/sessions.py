"""Who is signed in to the console, and ending that."""

from __future__ import annotations

from vestlus.store.operator_rows import AuditEntry, ConsoleSession
from vestlus.store.port import Store


async def signed_in(store: Store, at_ms: int) -> tuple[ConsoleSession, ...]:
    """Everybody who is, the last to have come first."""
    return await store.sessions(at_ms)


async def end_one(store: Store, name: str, entry: AuditEntry) -> bool:
    """Ends the session of that name; False where there is none."""
    found = [one.digest for one in await store.sessions(entry.at_ms) if one.name == name]
    if found:
        await store.end_sessions(found, entry)
    return bool(found)


async def end_all(store: Store, entry: AuditEntry) -> int:
    """Ends all sessions, whoever's; how many there were."""
    found = [one.digest for one in await store.sessions(entry.at_ms)]
    await store.end_sessions(found, entry)
    return len(found)
