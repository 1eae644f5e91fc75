"""A database that an older release made and filled is brought up to date and reads well."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    another,
    conversation,
    hold,
    hold_outbox,
    message,
    new,
    path,
    recorded,
    said,
    turn,
    unfinished,
    walk,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.store import open as opening
from vestlus.store.ledger import SendState
from vestlus.store.rows import (
    Change,
    CommitResult,
    ConversationRow,
    Kind,
    Origin,
    Silence,
    TransitionResult,
)
from vestlus.store.sql_codec import event_payload

NOW_MS: Final = 1_700_000_000_000
HOUR_MS: Final = 60 * 60 * 1000

MARI, JAAN, TIIU = (conversation_id(ACCOUNT, user) for user in ("mari", "jaan", "tiiu"))

CONVERSATION = """
    INSERT INTO conversation (id, account, user_id, partition, version, messages)
    VALUES (:id, :account, :user_id, 1, :version, :messages)
"""
EVENT = """
    INSERT INTO inbox_event (key, kind, account, user_id, conversation, partition, mid,
                             timestamp_ms, recorded_ms, state, payload)
    VALUES (:key, :kind, :account, :user_id, :conversation, 1, :mid, :timestamp_ms, :recorded_ms,
            :state, :payload)
"""
HISTORY = """
    INSERT INTO history (conversation, position, role, text, at_ms, mid)
    VALUES (:conversation, :position, :role, :text, 1, :mid)
"""
SEND = """
    INSERT INTO ledger (id, outbox, account, user_id, conversation, position, text, answers, state,
                        due_ms, deadline_ms, traceparent, created_ms)
    VALUES (:id, :outbox, :account, 'mari', :conversation, 1000, 'Vana', '["m1"]', 'pending', 1,
            :deadline_ms, '', 1)
"""


def _upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "vestlus.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _as_it_was(connection: Connection) -> None:
    _upgrade(connection, "a0001")
    for name, value in (("partitions", "4"), ("outbox_partitions", "2")):
        connection.execute(
            text("INSERT INTO meta (name, value) VALUES (:name, :value)"),
            {"name": name, "value": value},
        )
    for user, id_, version, messages in (
        ("mari", MARI, 2, 2),
        ("jaan", JAAN, 0, 0),
        ("tiiu", TIIU, 0, 0),
    ):
        row = {"id": id_, "account": ACCOUNT, "user_id": user}
        connection.execute(text(CONVERSATION), row | {"version": version, "messages": messages})
    for place, (user, state, kind, ago) in enumerate(
        (
            ("mari", "answered", EventKind.MESSAGE, 5 * HOUR_MS),
            ("mari", "pending", EventKind.MESSAGE, HOUR_MS),
            ("mari", "noted", EventKind.ECHO, 0),
            ("jaan", "answered", EventKind.MESSAGE, 1_000 * HOUR_MS),
            ("tiiu", "noted", EventKind.READ, 0),
        )
    ):
        event = message(user, mid=f"m{place}", kind=kind, timestamp_ms=NOW_MS - ago)
        row = {
            "key": event.key,
            "kind": str(kind),
            "account": ACCOUNT,
            "user_id": user,
            "conversation": str(event.conversation),
            "mid": str(event.mid),
            "state": state,
            "payload": event_payload(event),
        }
        times = {"timestamp_ms": event.timestamp_ms, "recorded_ms": NOW_MS}
        connection.execute(text(EVENT), row | times)
    for position, (role, words) in enumerate((("user", "Tere"), ("assistant", "Vana"))):
        row = {"conversation": MARI, "role": role, "text": words, "mid": f"m{position}"}
        connection.execute(text(HISTORY), row | {"position": position})
    send = {"id": f"{MARI}.1.0", "account": ACCOUNT, "conversation": MARI, "outbox": OUTBOX}
    connection.execute(text(SEND), send | {"deadline_ms": NOW_MS})


async def _made_by_an_older_release(url: str) -> None:
    backend = opening.open_backend(url)
    await backend.migrate(_as_it_was)
    await backend.close()


async def test_what_an_older_release_wrote_is_read_with_nothing_added(new_store_url: str) -> None:
    await _made_by_an_older_release(new_store_url)

    async with another(new_store_url) as store:
        row = await conversation(store, "mari")
        (send,) = await unfinished(store)
        counts = await store.counts()

    assert row == ConversationRow(
        id=MARI,
        account=ACCOUNT,
        user="mari",
        partition=1,
        version=2,
        failures=0,
        wake_ms=0,
        takeovers=0,
        probes=0,
        history=(
            HistoryMessage(Role.USER, "Tere", 1, "m0"),
            HistoryMessage(Role.ASSISTANT, "Vana", 1, "m1"),
        ),
        pending=row.pending,
        user_ms=NOW_MS - HOUR_MS,
        messages=2,
    )
    assert [one.event.mid for one in row.pending] == ["m1"]
    assert row.silence is Silence.NONE
    assert (send.kind, send.pictures, send.origin, send.turn) == (Kind.TEXT, (), Origin.BOT, 0)
    assert (send.text, send.answers, send.state) == ("Vana", ("m1",), SendState.PENDING)
    assert counts.events["message/answered"] == 2
    assert counts.sends == {"pending": 1}


async def test_the_window_of_old_conversations_begins_when_their_users_wrote(
    new_store_url: str,
) -> None:
    await _made_by_an_older_release(new_store_url)

    async with another(new_store_url) as store:
        rows = {row.user: row.user_ms for row in await store.conversations(limit=9)}

    # A timestamp that cannot be true is not; who only read has not written.
    assert rows == {"mari": NOW_MS - HOUR_MS, "jaan": NOW_MS, "tiiu": 0}


async def test_work_on_old_rows_goes_on(new_store_url: str) -> None:
    await _made_by_an_older_release(new_store_url)

    async with another(new_store_url) as store:
        inbox, outbox = await hold(store), await hold_outbox(store)
        (old,) = await unfinished(store)
        commit = turn(inbox, await conversation(store, "mari"), history=[said("Uus")])
        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]
        echo = message("mari", kind=EventKind.ECHO, mid="e")
        await recorded(store, inbox, new(echo, Change(held_until_ms=90), echo_of=old.id))
        begin, sent = path(old, SendState.SENDING, SendState.SENT, at_ms=100)  # type: ignore[arg-type]
        assert await store.transition(outbox, [begin]) == [TransitionResult.HELD]
        await recorded(store, inbox, new(message("mari", kind=EventKind.OPERATOR), Change()))

        await walk(store, outbox, path(old, SendState.SENDING, at_ms=90))  # type: ignore[arg-type]
        await walk(store, outbox, [sent])
        row = await conversation(store, "mari")
        (recent,) = (await store.recent_sends([MARI], 1))[MARI]

    assert [item.text for item in row.history] == ["Tere", "Vana", "Uus"]
    assert (recent.sent_mid, recent.echo_mid) == (f"mid-of-{old.id}", "e")


async def test_a_silence_stops_old_rows_too_and_leaves_old_history(new_store_url: str) -> None:
    await _made_by_an_older_release(new_store_url)

    async with another(new_store_url) as store:
        inbox = await hold(store)
        person = message("mari", kind=EventKind.ECHO)
        await recorded(store, inbox, new(person, Change(cancel_sends=True)))

        assert await unfinished(store) == ()
        row = await conversation(store, "mari")

    # What of it the old release's turn said is not known.
    assert [item.text for item in row.history] == ["Tere", "Vana"]


async def test_processes_may_bring_an_old_database_up_to_date_at_once(new_store_url: str) -> None:
    await _made_by_an_older_release(new_store_url)

    async def use() -> int:
        async with another(new_store_url) as store:
            return len(await store.conversations(limit=9))

    assert await asyncio.gather(*(use() for _ in range(4))) == [3] * 4


async def test_a_migration_has_an_hour_whatever_the_database_limits_statements_to(
    postgres_database: str,
) -> None:
    limits = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
    found: list[tuple[str, ...]] = []

    def limit(connection: Connection) -> None:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        for setting in ("statement_timeout = '4s'", "lock_timeout = '3s'"):
            connection.execute(text(f'ALTER DATABASE "{name}" SET {setting}'))

    backend = opening.open_backend(postgres_database)
    await backend.migrate(limit)

    def note(connection: Connection) -> None:
        found.append(tuple(connection.execute(text(limits)).one()))

    await backend.migrate(note)

    assert found == [("1h", "0")]
    await backend.close()


async def test_a_process_of_the_release_before_goes_on_while_the_history_is_divided(
    postgres_database: str,
) -> None:
    await _made_by_an_older_release(postgres_database)
    say = text(HISTORY)
    read = text("SELECT text FROM history WHERE conversation = :of ORDER BY position")
    edit = text("UPDATE history SET text = 'Muudetud' WHERE conversation = :of AND mid = 'm0'")
    engine = create_async_engine(make_url(postgres_database).set(drivername="postgresql+asyncpg"))
    row = {"conversation": MARI, "role": "user", "mid": None}
    async with engine.connect() as older:

        async def goes_on(position: int) -> list[str]:
            await older.execute(say, row | {"position": position, "text": str(position)})
            await older.execute(edit, {"of": MARI})
            await older.commit()
            found = list((await older.execute(read, {"of": MARI})).scalars())
            await older.commit()
            return found

        assert await goes_on(2) == ["Muudetud", "Vana", "2"]
        async with another(postgres_database):
            assert await goes_on(3) == ["Muudetud", "Vana", "2", "3"]
    await engine.dispose()


def _preserved_as_it_was(connection: Connection) -> None:
    _upgrade(connection, "a0010")
    for id_, since_ms in ((MARI, NOW_MS), (JAAN, 0)):
        row = {"id": id_, "account": ACCOUNT, "user_id": "u", "version": 0, "messages": 0}
        connection.execute(text(CONVERSATION), row)
        marked = text("UPDATE conversation SET preserved_ms = :since WHERE id = :id")
        connection.execute(marked, {"since": since_ms, "id": id_})


async def test_a_mark_from_before_there_were_reasons_is_kept_without_one(
    new_store_url: str,
) -> None:
    backend = opening.open_backend(new_store_url)
    await backend.migrate(_preserved_as_it_was)
    await backend.close()

    async with another(new_store_url) as store:
        mark = await store.preservation(MARI)
        assert mark is not None
        assert (mark.since_ms, mark.until_ms, mark.reason) == (NOW_MS, 0, "")
        assert await store.preservation(JAAN) is None
        assert await store.end_preservations() == 0


def _before_the_index_of_pictures(connection: Connection) -> None:
    _upgrade(connection, "a0017")
    row = {"name": "inbox.0"}
    connection.execute(
        text("INSERT INTO lease (name, epoch, expires_ms) VALUES (:name, 1, 1)"), row
    )


async def test_a_turn_under_way_and_an_upgrade_wait_for_each_other_in_no_ring(
    postgres_database: str,
) -> None:
    backend = opening.open_backend(postgres_database)
    await backend.migrate(_before_the_index_of_pictures)
    await backend.close()
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    engine = create_async_engine(make_url(postgres_database).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as turn_of, engine.connect() as looking:
        await turn_of.execute(text("SELECT epoch FROM lease WHERE name = 'inbox.0' FOR SHARE"))

        async def bring_up_to_date() -> None:
            async with another(postgres_database):
                pass

        upgrading = asyncio.create_task(bring_up_to_date())
        async with asyncio.timeout(30):
            while not await looking.scalar(waiting):
                await looking.commit()
                assert not upgrading.done()
                await asyncio.sleep(0.05)
        # It has all that it is going to lock, and the upgrade none of it.
        await turn_of.execute(text("SET LOCAL lock_timeout = '2s'"))
        await turn_of.execute(text("UPDATE ledger SET due_ms = 1 WHERE id = 'nobody'"))
        await turn_of.commit()
        await upgrading
    await engine.dispose()


async def test_a_store_that_is_up_to_date_is_opened_whoever_holds_the_lock_of_migrations(
    postgres_database: str,
) -> None:
    async with another(postgres_database):
        pass
    dead = opening.open_backend(postgres_database)
    holds, over = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(connection: Connection) -> None:
        found = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout")
        assert found.scalar_one() == "30s"  # and no longer than that
        loop.call_soon_threadsafe(holds.set)
        over.wait(60)

    holding = asyncio.create_task(dead.migrate(hold))
    try:
        await holds.wait()
        async with asyncio.timeout(30), another(postgres_database) as opened:
            await opened.check()
        assert not holding.done()
    finally:
        over.set()
        await holding
        await dead.close()
