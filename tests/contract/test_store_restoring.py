"""A store from a backup: nothing of it is sent, published or made up for without a look."""

from __future__ import annotations

import pytest

from tests.contract.plan_support import claimed, hold_scheduler, read_schedule
from tests.contract.plan_support import read as read_occurrence
from tests.contract.store_support import (
    ANNA,
    OUTBOX,
    another,
    hold_outbox,
    path,
    promise,
    send,
    walk,
)
from tests.contract.test_store_posts import planned
from tests.contract.test_store_posts import read as read_post
from vestlus.store.in_use import StoreInUse
from vestlus.store.ledger import SendState
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.posts import PostState
from vestlus.store.restoring import REASON, mark_restored

NOW_MS = 5_000
#: When :func:`promise` decides on sends.
PROMISED_MS = 20


async def test_what_was_to_be_sent_is_looked_for_from_when_it_was_decided(store_url: str) -> None:
    waiting, begun, done = send("a"), send("b"), send("c")
    async with another(store_url) as store:
        await promise(store, waiting, begun, done)
        lease = await hold_outbox(store)
        await walk(store, lease, path(begun, SendState.SENDING))
        await walk(store, lease, path(done, SendState.SENDING, SendState.SENT))
        await store.leave(ANNA)

    found = await mark_restored(store_url, NOW_MS)
    again = await mark_restored(store_url, NOW_MS + 1)

    assert (found.sends, again.sends) == (2, 0)
    async with another(store_url) as store:
        rows = {row.id: row for row in await store.unfinished(OUTBOX, limit=9)}
        assert set(rows) == {waiting.id, begun.id}
        assert {row.state for row in rows.values()} == {SendState.LOOKING}
        assert {row.attempted_ms for row in rows.values()} == {PROMISED_MS}
        assert await store.restored() == NOW_MS + 1


async def test_a_store_that_never_was_restored_says_so(store_url: str) -> None:
    async with another(store_url) as store:
        assert await store.restored() == 0


async def test_posts_whose_time_has_come_are_left_to_people(store_url: str) -> None:
    async with another(store_url) as store:
        due = await planned(store, planned_ms=NOW_MS)
        later = await planned(store, planned_ms=NOW_MS + 1)

    assert (await mark_restored(store_url, NOW_MS)).posts == 1

    async with another(store_url) as store:
        row = await read_post(store, due.id)
        assert (row.state, row.reason) == (PostState.UNKNOWN, REASON)
        assert (await read_post(store, later.id)).state is PostState.PLANNED


async def test_times_that_have_passed_are_not_made_up_for(store_url: str) -> None:
    async with another(store_url) as store:
        lease = await hold_scheduler(store)
        one = await claimed(store, lease)
        await store.leave(ANNA)

    assert (await mark_restored(store_url, one.due_ms)).occurrences == 1

    async with another(store_url) as store:
        row = await read_occurrence(store, one.id)
        assert (row.state, row.reason) == (OccurrenceState.SKIPPED, REASON)
        assert (await read_schedule(store)).watched_ms >= one.due_ms


async def test_beside_a_service_nothing_is_done(store_url: str) -> None:
    async with another(store_url) as store:
        await store.heartbeat(ANNA)
        with pytest.raises(StoreInUse, match=ANNA.id):
            await mark_restored(store_url, NOW_MS)
        assert await store.restored() == 0
