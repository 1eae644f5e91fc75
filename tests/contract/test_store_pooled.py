"""The store does its work through PgBouncer in transaction mode, where no session is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from tests.contract.store_support import (
    another,
    answered,
    conversation,
    hold,
    hold_outbox,
    message,
    path,
    recorded,
    rival,
    said,
    store,
    texts,
    turn,
    unfinished,
    walk,
)
from tests.contract.test_store_fencing import (
    test_a_lease_has_one_holder_however_many_ask_at_once,
    test_of_a_commit_and_a_takeover_that_meet_the_commit_is_first_or_refused,
)
from tests.contract.test_store_opening import in_database
from tests.contract.test_store_races import test_hosts_and_publishers_never_wait_in_a_ring
from tests.contract.test_store_turns import (
    test_a_conflict_leaves_nothing_while_others_of_the_group_commit,
    test_overlapping_groups_commit_every_turn_once,
    test_values_that_are_refused_stop_their_own_turn_only,
)
from tests.services import PostgresServer, provide_pgbouncer
from tests.services.pgbouncer import SESSIONS, through
from tests.services.postgres_copies import DatabaseCopies
from vestlus.conversation.events import EventKind
from vestlus.errors import StoreUnavailable
from vestlus.store.ledger import SendState
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.pruning import Remains
from vestlus.store.rows import CommitResult
from vestlus.store.sql_store import SqlStore
from vestlus.store.weeks import WEEK_MS

#: Fixtures, and tests of the contract that run here once more.
__all__ = [
    "rival",
    "store",
    "test_a_conflict_leaves_nothing_while_others_of_the_group_commit",
    "test_a_lease_has_one_holder_however_many_ask_at_once",
    "test_hosts_and_publishers_never_wait_in_a_ring",
    "test_of_a_commit_and_a_takeover_that_meet_the_commit_is_first_or_refused",
    "test_overlapping_groups_commit_every_turn_once",
    "test_values_that_are_refused_stop_their_own_turn_only",
]


@pytest.fixture(scope="module")
def pgbouncer_url(postgres_service: PostgresServer, say: Callable[[str], None]) -> Iterator[str]:
    """Return the address of a PgBouncer before the session's PostgreSQL."""
    with provide_pgbouncer(postgres_service.url, say) as url:
        yield url


@pytest.fixture
def store_url(
    pgbouncer_url: str, postgres_service: PostgresServer, store_databases: DatabaseCopies
) -> Iterator[str]:
    """Return the address, through PgBouncer, of a store that holds nothing yet."""
    url = store_databases.take()
    yield f"{through(pgbouncer_url, url)}?pooler=transaction"
    store_databases.give_back(url)


@pytest.fixture
def pooled_url(pgbouncer_url: str, postgres_database: str) -> str:
    """Return the address, through PgBouncer, of a store that is yet to be made."""
    return f"{through(pgbouncer_url, postgres_database)}?pooler=transaction"


async def test_many_stores_make_and_use_one_database_through_few_sessions(
    pooled_url: str,
) -> None:
    async def use(number: int) -> list[str]:
        user = f"user-{number}"
        async with another(pooled_url) as store:
            lease = await hold(store, f"inbox.{number % 4}")
            for text in ("Üks", "Kaks", "Kolm"):
                await recorded(store, lease, message(user))
                row = await conversation(store, user)
                commit = turn(lease, row, history=[said(text)])
                assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]
            await asyncio.gather(*(store.counts() for _ in range(3)))
            return await texts(store, user)

    results = await asyncio.gather(*(use(number) for number in range(3 * SESSIONS)))

    assert results == [["Üks", "Kaks", "Kolm"]] * (3 * SESSIONS)


async def test_a_message_goes_the_whole_way_from_the_record_to_what_was_sent(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (new,) = await answered(store, inbox, "Tere, tere!")
    assert [row.id for row in await unfinished(store)] == [new.id]

    await walk(store, outbox, path(new, SendState.SENDING, SendState.SENT))

    assert await unfinished(store) == ()
    assert (await store.counts()).sends == {"sent": 1}


async def test_a_transaction_has_its_limits_and_leaves_none_behind(store: Store) -> None:
    read = text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
    limits = await in_database(store, lambda connection: connection.execute(read).one())
    assert isinstance(store, SqlStore)
    others = [await store._database.fetch(read) for _ in range(2 * SESSIONS)]

    assert tuple(limits) == ("4s", "3s")
    assert {tuple(row) for (row,) in others} == {("0", "0")}


async def test_without_the_word_in_the_address_it_fails_at_once(store_url: str) -> None:
    with pytest.raises(StoreUnavailable, match="08P01"):
        async with another(store_url.partition("?")[0]):
            pass


async def test_old_rows_and_weeks_go_too(pooled_url: str) -> None:
    async with another(pooled_url) as store:
        now_ms = await store.now_ms()
        await recorded(store, await hold(store), message(kind=EventKind.READ), now_ms=5)
        assert await store.make_weeks(now_ms) == 2

        batch = await store.prune(Remains.EVENTS, now_ms, limit=10)

        assert (batch.removed, batch.after) == (1, None)
        assert len(await store.drop_weeks(now_ms + 10 * WEEK_MS)) == 4


def test_another_kind_of_pooler_is_refused() -> None:
    with pytest.raises(ValueError, match="pooler=transaction"):
        open_store("postgresql://h/d?pooler=session", partitions=4, outbox_partitions=2)
