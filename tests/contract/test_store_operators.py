"""Who is signed in to the console, and the audit, which only grows."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from tests.contract.store_support import store
from vestlus.errors import StoreError
from vestlus.store import schema
from vestlus.store.operator_rows import AuditEntry, AuditWanted, ConsoleSession, SignInTry
from vestlus.store.port import Store

__all__ = ["store"]

ENTRY = AuditEntry(1_000, "Mari", "admin", "token", "session.begin")
MARI = ConsoleSession("digest-1", "Mari", "admin", "token", "csrf-1", 1_000, 1_000, 5_000)
MARI_WITHOUT_SUBJECT = replace(MARI, digest="digest-5")


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


async def test_a_new_role_ends_the_same_persons_older_sessions_and_nobody_elses(
    store: Store,
) -> None:
    admin = replace(MARI, subject="s1", grounds="g")
    other = replace(MARI, digest="digest-2", subject="s2", grounds="g")
    same = replace(MARI, digest="digest-3", subject="s1", grounds="g")
    viewer = replace(MARI, digest="digest-4", subject="s1", grounds="g", role="viewer")
    for one in (admin, other, same, MARI_WITHOUT_SUBJECT):
        await store.begin_session(one, ENTRY)
    assert len(await store.sessions(2_000)) == 4
    await store.begin_session(viewer, ENTRY)
    left = {one.digest for one in await store.sessions(2_000)}
    assert left == {"digest-2", "digest-4", "digest-5"}


async def test_entries_are_found_by_way_outcome_and_time(store: Store) -> None:
    for at, way, outcome in ((1, "token", "done"), (2, "api", "forbidden"), (3, "api", "done")):
        await store.audit(AuditEntry(at, "Mari", "agent", way, "post.approve", "p", outcome))

    async def times(wanted: AuditWanted) -> list[int]:
        return [one.at_ms for one in await store.audit_entries(wanted=wanted)]

    assert await times(AuditWanted(way="api")) == [3, 2]
    assert await times(AuditWanted(way="api", outcome="done")) == [3]
    assert await times(AuditWanted(since_ms=2)) == [3, 2]
    assert await times(AuditWanted(since_ms=2, until_ms=3)) == [2]
    assert await times(AuditWanted(person="\x00\ud800")) == []


def tried(name: str, at_ms: int, *buckets: tuple[str, int]) -> SignInTry:
    return SignInTry(name, at_ms, 1_000, buckets)


async def test_a_full_bucket_says_when_there_is_room_again(store: Store) -> None:
    assert await store.admit_try(tried("a", 10, ("from-1", 2), ("all", 3))) == 0
    assert await store.admit_try(tried("b", 20, ("from-1", 2), ("all", 3))) == 0
    assert await store.admit_try(tried("c", 30, ("from-1", 2), ("all", 3))) == 1_010
    # What was refused does not count, and others have room yet.
    assert await store.admit_try(tried("d", 40, ("from-2", 2), ("all", 3))) == 0
    assert await store.admit_try(tried("e", 50, ("from-3", 2), ("all", 3))) == 1_010
    assert await store.admit_try(tried("f", 1_010, ("from-1", 2), ("all", 3))) == 0


async def test_a_try_that_was_right_does_not_count(store: Store) -> None:
    for name in ("a", "b", "c"):
        assert await store.admit_try(tried(name, 10, ("from-1", 1), ("all", 1))) == 0
        await store.forgive_try(name)


async def test_tries_at_once_are_admitted_no_more_than_one_after_the_other(store: Store) -> None:
    found = await asyncio.gather(
        *(store.admit_try(tried(str(n), 10, ("all", 5))) for n in range(20))
    )
    assert found.count(0) == 5
