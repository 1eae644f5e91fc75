from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.sql.schema import SchemaItem

from tests.contract.store_support import (
    ACCOUNT,
    INBOX,
    OUTBOX_PARTITIONS,
    PARTITIONS,
    another,
    conversation,
    hold,
    message,
    recorded,
    store,
    turn,
)
from vestlus.errors import PartitionMismatch, StoreError, StoreUnavailable
from vestlus.store import schema
from vestlus.store.migrate import newest_revision
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult
from vestlus.store.sql_store import SqlStore
from vestlus.store.upgrade import known_revisions

__all__ = ["store"]

T = TypeVar("T")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store_url(new_store_url: str) -> str:
    """Return the address of a store that is yet to be made."""
    return new_store_url


#: Processes that open the store at the moment when they are told to. They are forks, which have
#: their imports behind them: most of what a process costs.
OPENERS = """
import asyncio, os, sys
from vestlus.store.open import open_store

async def main():
    async with open_store(sys.argv[1], partitions=4, outbox_partitions=2) as store:
        await store.check()

print("ready", flush=True)
sys.stdin.readline()
children = []
for _ in range(4):
    child = os.fork()
    if not child:
        asyncio.run(main())
        os._exit(0)
    children.append(child)
statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert statuses == [0] * 4, statuses
"""

#: For each line it gets, a process that records and commits without end, and prints the key of each
#: event whose turn is committed. It prints its id first; "ended" follows when it was killed.
WRITERS = """
import asyncio, itertools, os, sys
from tests.contract.store_support import another, conversation, hold, message, recorded, said, turn
from vestlus.store.rows import CommitResult

async def main(life):
    async with another(sys.argv[1]) as store:
        lease = await hold(store)
        for number in itertools.count():
            event = message(mid=f"mid-{life}-{number}")
            await recorded(store, lease, event)
            row = await conversation(store)
            results = await store.commit_turns([turn(lease, row, history=[said(event.key)])], 1)
            assert results == [CommitResult.COMMITTED], results
            print(event.key, flush=True)

for life in sys.stdin:
    child = os.fork()
    if not child:
        print(os.getpid(), flush=True)
        asyncio.run(main(life.strip()))
    os.waitpid(child, 0)
    print("\\nended", flush=True)
"""


async def started(program: str, *arguments: str) -> Process:
    """A Python process that runs the program."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *arguments),
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
        env=environ,
        start_new_session=True,
    )


async def in_database(store: Store, work: Callable[[Connection], T]) -> T:
    """What work returns for a connection to the store's database."""
    assert isinstance(store, SqlStore)
    return await store._database.write(work)


async def test_the_numbers_of_partitions_are_kept(store: Store, store_url: str) -> None:
    with pytest.raises(PartitionMismatch, match="VESTLUS_PARTITIONS=4") as inbox:
        async with open_store(store_url, partitions=8, outbox_partitions=OUTBOX_PARTITIONS):
            pass
    with pytest.raises(PartitionMismatch, match="outbox_partitions=2") as outbox:
        async with open_store(store_url, partitions=PARTITIONS, outbox_partitions=3):
            pass

    assert (inbox.value.recorded, inbox.value.configured) == (4, 8)
    assert (outbox.value.recorded, outbox.value.configured) == (2, 3)
    async with another(store_url) as again:
        await again.check()


def test_the_newest_revision_is_known_without_alembic() -> None:
    # Where the two differ, every process loads Alembic, and migrates nothing.
    assert newest_revision() == known_revisions()[0]


async def made_newer(store: Store, *, oldest: str) -> None:
    """The store as a newer version leaves it that works with code from ``oldest`` on."""
    newer = text("UPDATE alembic_version SET version_num = 'z9999'")
    note = text("UPDATE meta SET value = :oldest WHERE name = 'oldest_revision'")
    await in_database(store, lambda connection: connection.execute(newer).rowcount)
    changed = await in_database(
        store, lambda connection: connection.execute(note, {"oldest": oldest}).rowcount
    )
    assert changed == 1


async def test_a_newer_schema_that_was_only_added_to_is_worked_on_and_left_alone(
    store: Store, store_url: str
) -> None:
    await made_newer(store, oldest=newest_revision())
    async with another(store_url) as old:
        lease = await hold(old)
        assert await recorded(old, lease, message())
    version = text("SELECT version_num FROM alembic_version")
    found = await in_database(store, lambda connection: connection.execute(version).scalar_one())
    assert found == "z9999"


async def test_a_newer_schema_is_refused_by_name_and_left_alone(
    store: Store, store_url: str
) -> None:
    await recorded(store, await hold(store), message())
    await made_newer(store, oldest="z9999")

    with pytest.raises(StoreError, match="z9999") as refused:
        async with another(store_url):
            pass

    assert not isinstance(refused.value, StoreUnavailable)
    assert len((await conversation(store)).pending) == 1


async def test_the_migrations_make_the_schema_that_the_statements_expect(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        # SQLite keeps no word of how it numbers rows.
        defaults = connection.dialect.name != "sqlite"

        def is_no_partition(name: str | None, kind: str, _parents: object) -> bool:
            return kind != "table" or not (name or "").startswith("history_")

        def is_of_this_language(item: SchemaItem, *_: object) -> bool:
            # On PostgreSQL whole weeks go instead.
            return getattr(item, "name", None) != "history_at" or not defaults

        options = {
            "compare_type": True,
            "compare_server_default": defaults,
            "include_name": is_no_partition,
            "include_object": is_of_this_language,
        }
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, schema.metadata))

    assert await in_database(store, differences) == []


async def test_one_process_may_open_a_new_store_many_times_at_once(store_url: str) -> None:
    async def use() -> None:
        async with another(store_url) as opened:
            await opened.check()

    await asyncio.gather(*(use() for _ in range(6)))


async def test_processes_may_make_a_new_store_at_the_same_moment(store_url: str) -> None:
    processes = await started(OPENERS, store_url)
    assert processes.stdout is not None
    assert await processes.stdout.readline() == b"ready\n"

    await processes.communicate(b"go\n")

    assert processes.returncode == 0
    async with another(store_url) as opened:
        await recorded(opened, await hold(opened), message())


@pytest.fixture
async def writers(store_url: str) -> AsyncIterator[Process]:
    """Return the process whose children write."""
    process = await started(WRITERS, store_url)
    yield process
    os.killpg(process.pid, signal.SIGKILL)  # with the child of a test that failed
    await process.communicate()


async def test_what_a_killed_process_committed_is_there_and_the_store_usable(
    store: Store, writers: Process
) -> None:
    assert writers.stdin is not None
    assert writers.stdout is not None
    for life in range(3):
        writers.stdin.write(f"{life}\n".encode())
        writer = int(await writers.stdout.readline())
        # Each life is ended at another moment of its work.
        printed = [(await writers.stdout.readline()).strip() for _ in range(5 + 7 * life)]
        os.kill(writer, signal.SIGKILL)
        while (line := (await writers.stdout.readline()).strip()) != b"ended":
            assert line or not writers.stdout.at_eof()
            printed.append(line)

        keys = [key.decode() for key in printed if len(key) == 32]
        assert keys
        row = await conversation(store, history=1_000)
        remembered = [item.text for item in row.history]
        assert set(keys) <= set(remembered)
        assert len(remembered) == len(set(remembered))
        assert row.version == len(remembered)
        assert len(row.pending) <= 1

    lease = await hold(store)
    assert lease.name == INBOX
    await recorded(store, lease, message())
    commit = turn(lease, await conversation(store))
    assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]
    assert (await store.users_of(ACCOUNT, ["mid-0-0"])) == {"mid-0-0": "user"}


async def test_closing_twice_is_no_harm(store_url: str) -> None:
    opened = another(store_url)
    async with opened:
        await opened.check()
    await opened.__aexit__(None, None, None)
