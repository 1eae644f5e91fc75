"""What people who look after conversations read."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    hold,
    message,
    recorded,
    store,
)
from vestlus.conversation.identity import conversation_id
from vestlus.store.port import Store
from vestlus.store.rows import Change, Silence

__all__ = ["store"]

NOW_MS = 1_700_000_000_000


async def listed(store: Store, **how: object) -> list[str]:
    """The users of the conversations that are told."""
    rows = await store.conversations(**{"limit": 9, **how})  # type: ignore[arg-type]
    return [row.user for row in rows]


async def test_the_newest_by_the_users_last_message_come_first(store: Store) -> None:
    lease = await hold(store)
    for user, ago in (("mari", 30), ("jaan", 10), ("tiiu", 20)):
        event = message(user, timestamp_ms=NOW_MS - ago)
        await recorded(store, lease, event, now_ms=NOW_MS)

    assert await listed(store) == ["jaan", "tiiu", "mari"]
    assert await listed(store, limit=2) == ["jaan", "tiiu"]


async def test_those_who_wait_for_a_person_are_told_longest_first(store: Store) -> None:
    lease = await hold(store)
    for user, waiting_ms in (("mari", 30), ("jaan", 10), ("tiiu", 20), ("peeter", 5)):
        await changed(store, lease, Change(waiting_ms=waiting_ms), user)
    await changed(store, lease, Change(waiting_ms=0), "peeter")

    assert await listed(store, waiting=True) == ["jaan", "tiiu", "mari"]
    assert await listed(store, waiting=True, limit=1) == ["jaan"]


async def test_an_account_sees_its_own(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari"), message("jaan", account="other"))
    await changed(store, lease, Change(waiting_ms=1), "mari")

    assert await listed(store, account=ACCOUNT) == ["mari"]
    assert await listed(store, account="other") == ["jaan"]
    assert await listed(store, account="other", waiting=True) == []
    assert await listed(store, account="\x00") == []


async def test_a_listed_conversation_is_as_it_is_loaded_but_for_what_was_said(
    store: Store,
) -> None:
    lease = await hold(store)
    await answered(store, lease, "Tere!")
    await recorded(store, lease, message())
    await changed(store, lease, Change(silence=Silence.PERSON, silent_until_ms=7, note="n"))
    whole = await conversation(store)
    assert whole.history
    assert whole.pending

    assert await store.conversations(limit=1) == (replace(whole, history=(), pending=()),)
    assert whole.id == conversation_id(ACCOUNT, "user")


async def test_what_is_open_is_told_by_the_end_of_its_window(store: Store) -> None:
    lease = await hold(store)
    for user, ago in (("mari", 30), ("jaan", 10), ("tiiu", 20), ("peeter", 90)):
        event = message(user, timestamp_ms=NOW_MS - ago)
        await recorded(store, lease, event, now_ms=NOW_MS)
    done = message("anu", timestamp_ms=NOW_MS - 25)
    await answered(store, lease, user="anu", asked=done)

    rows = await store.unfinished_conversations(
        after_ms=NOW_MS - 50, before_ms=NOW_MS - 15, limit=9
    )
    assert [row.user for row in rows] == ["mari", "tiiu"]


async def test_a_person_waited_for_is_something_open(store: Store) -> None:
    lease = await hold(store)
    done = message("anu", timestamp_ms=NOW_MS - 25)
    await recorded(store, lease, done, now_ms=NOW_MS)
    await changed(store, lease, Change(answers_all=True), "anu")

    for waiting_ms, users in ((7, ["anu"]), (0, [])):
        await changed(store, lease, Change(waiting_ms=waiting_ms), "anu")
        rows = await store.unfinished_conversations(after_ms=NOW_MS - 50, before_ms=NOW_MS, limit=9)
        assert [row.user for row in rows] == users


async def test_what_is_open_is_narrowed_before_it_is_limited(store: Store) -> None:
    lease = await hold(store)
    people = (("mari", "other"), ("jaan", ACCOUNT), ("tiiu", ACCOUNT))
    for ago, (user, account) in enumerate(people):
        event = message(user, account=account, timestamp_ms=NOW_MS - 30 + ago)
        await recorded(store, lease, event, now_ms=NOW_MS)
    await changed(store, lease, Change(waiting_ms=7), "tiiu")

    async def first(account: str | None = None, *, waiting: bool = False) -> list[str]:
        rows = await store.unfinished_conversations(
            after_ms=NOW_MS - 50, before_ms=NOW_MS, limit=1, account=account, waiting=waiting
        )
        return [row.user for row in rows]

    assert await first() == ["mari"]
    assert await first(ACCOUNT) == ["jaan"]
    assert await first(waiting=True) == ["tiiu"]
    assert await first(ACCOUNT, waiting=True) == ["tiiu"]
    assert await first("other", waiting=True) == []
    assert await first("\x00") == []


async def test_those_who_wait_and_windows_that_close_are_counted(store: Store) -> None:
    lease = await hold(store)
    now = time.time_ns() // 1_000_000
    soon = message("mari", timestamp_ms=now - 23 * 60 * 60 * 1000)
    await recorded(store, lease, soon, now_ms=now)
    fresh = message("jaan", timestamp_ms=now)
    await recorded(store, lease, fresh, now_ms=now)
    await changed(store, lease, Change(waiting_ms=now), "jaan")
    counts = await store.counts()
    assert (counts.waiting, counts.closing) == (1, 1)
