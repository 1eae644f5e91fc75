"""On PostgreSQL a history is divided by weeks: made ahead, dropped whole, in nobody's way."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.contract.pruning_support import DAY_MS, MARI, pruned
from tests.contract.store_support import ACCOUNT, another, hold, message, recorded
from tests.contract.test_store_opening import in_database
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.store.port import Store
from vestlus.store.pruning import Remains, Whose
from vestlus.store.weeks import week_of


@pytest.fixture
def own_url(postgres_database: str) -> str:
    """Return the address of a PostgreSQL store whose schema the test may change."""
    return postgres_database


HISTORY = text("""
    INSERT INTO history (conversation, position, role, text, at_ms)
    VALUES (:of, :at, 'user', 'x', :ms)
""")
WHERE = text("SELECT tableoid::regclass::text, position FROM history ORDER BY position")
#: Of which the planner takes samples: of each column whose target is not 0.
SAMPLED = text("""
    SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attnum > 0 AND attstattarget IS DISTINCT FROM 0 AND relkind IN ('r', 'p')
    AND (relname IN ('conversation', 'inbox_event', 'ledger', 'dead_letter', 'preservation')
        OR relname LIKE 'history%')
    AND NOT (relname IN ('ledger', 'dead_letter') AND attname = 'reason')
""")
WORDS = {"user_id", "note", "summary", "text", "payload", "body", "reason"}


async def _say(store: Store, of: str, *times: int) -> None:
    """Messages of these times, at positions from 0 on."""

    def work(connection: Connection) -> None:
        for position, at_ms in enumerate(times):
            connection.execute(HISTORY, {"of": of, "at": position, "ms": at_ms})

    await in_database(store, work)


async def test_weeks_are_made_ahead_and_whatever_has_none_is_kept_apart(own_url: str) -> None:
    async with another(own_url) as store:
        now_ms = await store.now_ms()
        assert await store.make_weeks(now_ms) == 2
        assert await store.make_weeks(now_ms) == 0
        week = week_of(now_ms).next
        far = now_ms + 400 * DAY_MS
        await _say(store, MARI, 5, now_ms, week.start_ms, week.end_ms - 1, week.end_ms, far)

        places = [name for name, _ in (await in_database(store, lambda c: c.execute(WHERE).all()))]
        assert places == [
            *("history_before", "history_before", week.name, week.name, week.next.name),
            "history_other",
        ]
        # What came for a week that nobody had made moves into it.
        assert await store.make_weeks(far) == 5
        places = [name for name, _ in (await in_database(store, lambda c: c.execute(WHERE).all()))]
        assert places[-1] == week_of(far).name


async def test_a_week_goes_in_one_piece_but_for_what_is_held(own_url: str) -> None:
    async with another(own_url) as store:
        lease = await hold(store)
        week = week_of(await store.now_ms()).next
        for user in ("mari", "jaan"):
            await recorded(store, lease, message(user, kind=EventKind.READ))
            await _say(store, conversation_id(ACCOUNT, user), week.start_ms, week.end_ms)
        await store.preserve(MARI, reason="Vaidlus 7", by="mari")

        assert await store.drop_weeks(week.end_ms - 1) == ()
        assert await store.drop_weeks(week.end_ms) == (week.name,)
        assert await store.drop_weeks(week.end_ms) == ()

        left = await in_database(store, lambda c: c.execute(WHERE).all())
        assert left == [("history_other", 0), (week.next.name, 1), (week.next.name, 1)]
        # What was held goes row by row once it is held no more.
        await store.release_conversation(MARI)
        assert await pruned(store, Remains.MESSAGES, week.end_ms) == 1


BRIEF = Whose(frozenset({"17841400000000002"}))


async def test_of_a_week_that_others_keep_an_accounts_messages_go_row_by_row(own_url: str) -> None:
    async with another(own_url) as store:
        lease = await hold(store)
        week = week_of(await store.now_ms()).next
        for account in (ACCOUNT, "17841400000000002"):
            for user in ("mari", "jaan"):
                read = message(user, kind=EventKind.READ, account=account)
                await recorded(store, lease, read)
                await _say(store, conversation_id(account, user), week.start_ms, week.end_ms)
        held = conversation_id("17841400000000002", "jaan")
        await store.preserve(held, reason="Vaidlus 7", by="mari")

        async def walked(before_ms: int) -> int:
            return await pruned(
                store, Remains.MESSAGES, before_ms, limit=1, whose=BRIEF, dropped_before_ms=0
            )

        assert await walked(week.end_ms - 1) == 0
        assert await walked(week.end_ms) == 1
        assert await walked(week.end_ms) == 0
        left = [name for name, _ in (await in_database(store, lambda c: c.execute(WHERE).all()))]
        assert {name: left.count(name) for name in left} == {week.name: 3, week.next.name: 4}
        assert await store.drop_weeks(week.end_ms) == (week.name,)


FILLED = text("""
    INSERT INTO history (conversation, position, role, text, at_ms)
    SELECT :of, place, 'user', 'x', :ms FROM generate_series(1, 10001) AS place
""")


async def test_a_week_of_which_too_much_is_held_locks_nobody_out_and_goes_row_by_row(
    own_url: str,
) -> None:
    async with another(own_url) as store:
        lease = await hold(store)
        week = week_of(await store.now_ms()).next
        for user in ("mari", "jaan"):
            await recorded(store, lease, message(user, kind=EventKind.READ))
        filled = {"of": MARI, "ms": week.start_ms}
        await in_database(store, lambda connection: connection.execute(FILLED, filled))
        await _say(store, conversation_id(ACCOUNT, "jaan"), week.start_ms, week.end_ms)
        await store.preserve(MARI, reason="Vaidlus 7", by="mari")

        assert await store.drop_weeks(week.end_ms) == ()
        assert await pruned(store, Remains.MESSAGES, week.end_ms - 1, limit=5_000) == 0
        assert await pruned(store, Remains.MESSAGES, week.end_ms, limit=5_000) == 1
        left = [name for name, _ in (await in_database(store, lambda c: c.execute(WHERE).all()))]
        assert {name: left.count(name) for name in left} == {week.name: 10_001, week.next.name: 1}

        await store.release_conversation(MARI)
        assert await store.drop_weeks(week.end_ms) == (week.name,)


async def test_a_week_that_is_being_read_is_dropped_another_time(own_url: str) -> None:
    engine = create_async_engine(make_url(own_url).set(drivername="postgresql+asyncpg"))
    async with another(own_url) as store:
        week = week_of(await store.now_ms()).next
        async with engine.connect() as reader:
            await reader.execute(text("SELECT count(*) FROM history"))

            assert await store.drop_weeks(week.end_ms) == ()
            assert await store.make_weeks(week.end_ms) == 0

        assert await store.drop_weeks(week.end_ms) == (week.name,)
    await engine.dispose()


async def test_the_planner_takes_no_samples_of_what_users_said(own_url: str) -> None:
    """It would keep them where an erasure leaves a table empty."""
    async with another(own_url) as store:
        now_ms = await store.now_ms()
        await store.make_weeks(now_ms)
        await _say(store, MARI, 5, now_ms, week_of(now_ms).next.start_ms, now_ms + 400 * DAY_MS)
        rows = await in_database(store, lambda c: c.execute(SAMPLED).all())
        sampled = {(str(table), str(column)) for table, column in rows}
        told = {(table, column) for table, column in sampled if column in WORDS}
        assert told == set()
        assert ("history", "position") in sampled
        assert len({table for table, _ in sampled if table.startswith("history_w")}) > 1
