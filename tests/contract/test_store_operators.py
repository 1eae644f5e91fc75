"""Who is signed in to the console, and the audit, which only grows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from tests.contract.store_support import store
from vestlus.errors import StoreError
from vestlus.store import schema
from vestlus.store.operator_rows import AuditEntry, ConsoleSession
from vestlus.store.port import Store

__all__ = ["store"]

ENTRY = AuditEntry(1_000, "Mari", "admin", "token", "session.begin")
MARI = ConsoleSession("digest-1", "Mari", "admin", "token", "csrf-1", 1_000, 1_000, 5_000)


async def test_a_session_is_there_until_it_ends(store: Store) -> None:
    await store.begin_session(MARI, ENTRY)
    assert await store.session("digest-1", 4_999) == MARI
    assert await store.session("digest-1", 5_000) is None
    assert await store.session("digest-2", 1_000) is None


async def test_a_session_that_is_used_lasts_longer(store: Store) -> None:
    await store.begin_session(MARI, ENTRY)
    await store.touch_session("digest-1", 4_000, 9_000)
    assert await store.session("digest-1", 8_999) == replace(MARI, seen_ms=4_000, ends_ms=9_000)


async def test_a_session_that_was_ended_does_not_come_back_by_being_used(store: Store) -> None:
    await store.begin_session(MARI, ENTRY)
    await store.end_sessions(["digest-1"], replace(ENTRY, action="session.end"))
    await store.touch_session("digest-1", 2_000, 9_000)
    assert await store.session("digest-1", 1_500) is None
    assert [one.action for one in await store.audit_entries()] == ["session.end", "session.begin"]


async def test_who_is_signed_in_is_listed_and_who_was_is_forgotten(store: Store) -> None:
    juri = replace(MARI, digest="digest-2", person="Jüri", began_ms=6_000, ends_ms=9_000)
    await store.begin_session(MARI, ENTRY)
    await store.begin_session(juri, ENTRY)
    assert await store.sessions(2_000) == (juri,)


async def test_entries_are_found_newest_first_by_what_they_name(store: Store) -> None:
    for at, action, target in (
        (1, "conversation.take_over", "c1"),
        (2, "conversation.reply", "c1"),
        (3, "post.approve", "p1"),
    ):
        await store.audit(AuditEntry(at, "Mari", "agent", "oidc", action, target, "done", "x"))
    everything = await store.audit_entries()
    assert [one.at_ms for one in everything] == [3, 2, 1]
    assert everything[0] == AuditEntry(
        3, "Mari", "agent", "oidc", "post.approve", "p1", "done", "x", id=everything[0].id
    )
    assert [one.at_ms for one in await store.audit_entries(target="c1")] == [2, 1]
    assert [one.at_ms for one in await store.audit_entries(action="conversation.")] == [2, 1]
    assert [one.at_ms for one in await store.audit_entries(action="post.approve")] == [3]
    assert await store.audit_entries(person="Jüri") == ()
    older = await store.audit_entries(before_id=everything[0].id, limit=1)
    assert [one.at_ms for one in older] == [2]


async def test_no_statement_changes_an_entry(store: Store) -> None:
    await store.audit(ENTRY)
    database = store._database  # type: ignore[attr-defined]  # what no port offers
    with pytest.raises(StoreError):
        await database.write(
            lambda connection: connection.execute(update(schema.audit).values(person="Jüri"))
        )
    assert [one.person for one in await store.audit_entries()] == ["Mari"]
    # Old ones leave by retention.
    await database.write(lambda connection: connection.execute(delete(schema.audit)))
    assert await store.audit_entries() == ()
