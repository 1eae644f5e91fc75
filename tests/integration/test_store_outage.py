"""Databases that are away, frozen, locked or slow: told within seconds, and met again."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self

import asyncpg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from tests.contract.store_support import (
    ANNA,
    BERT,
    INBOX,
    LONG,
    another,
    conversation,
    hold,
    message,
    new,
    recorded,
    said,
    send,
    turn,
)
from tests.services import PostgresServer
from vestlus.errors import StoreUnavailable
from vestlus.store import open as opening
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult, TurnCommit
from vestlus.store.sql_database import CALL_SECONDS
from vestlus.store.sql_dialect import Mode

#: The bound of a call, and what a loaded machine may add.
PATIENCE = CALL_SECONDS + 4.0


class Relay:
    """A stretch of network to PostgreSQL, which can stand still or be cut."""

    def __init__(self, url: str) -> None:
        self._there = make_url(url)
        self._moving = asyncio.Event()
        self._moving.set()
        self._writers: list[asyncio.StreamWriter] = []
        #: Cuts everything instead of passing on a request that begins so.
        self.cut_after: bytes | None = None

    @property
    def url(self) -> str:
        """The address at this end."""
        here = self._there.set(host="127.0.0.1", port=self._port)
        return here.render_as_string(hide_password=False)

    def freeze(self) -> None:
        """Lets nothing through, and keeps all connections."""
        self._moving.clear()

    def thaw(self) -> None:
        """Lets everything through again."""
        self._moving.set()

    def cut(self) -> None:
        """Breaks all connections."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.thaw()
        self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(
            self._there.host, self._there.port
        )
        self._writers += [writer, there_writer]
        await asyncio.gather(
            self._pass(reader, there_writer, is_request=True),
            self._pass(there_reader, writer, is_request=False),
            return_exceptions=True,
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_request: bool
    ) -> None:
        while piece := await reader.read(65_536):
            await self._moving.wait()
            writer.write(piece)
            await writer.drain()
            if is_request and self.cut_after is not None and self.cut_after in piece:
                self.cut_after = None
                self.cut()
        writer.close()


@pytest.fixture
async def relay(postgres_database: str) -> AsyncIterator[Relay]:
    async with Relay(postgres_database) as opened:
        yield opened


@asynccontextmanager
async def refused_in_time(seconds: float = PATIENCE) -> AsyncIterator[None]:
    """What is inside fails with StoreUnavailable, and soon enough."""
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable):
        yield
    assert time.monotonic() - begun < seconds


async def prepared(store: Store) -> TurnCommit:
    """A turn that can be committed."""
    lease = await hold(store)
    await recorded(store, lease, message())
    row = await conversation(store)
    return turn(lease, row, history=[said("Tere")], sends=[send()])


async def test_a_restarted_postgresql_is_met_by_the_same_store(
    postgres_server: PostgresServer,
) -> None:
    url = postgres_server.fresh_database()
    async with another(url) as store:
        commit = await prepared(store)
        for stop in (postgres_server.stop, postgres_server.kill9):
            await asyncio.to_thread(stop)
            async with refused_in_time():
                await store.check()
            async with refused_in_time():
                await store.commit_turns([commit], 1)
            async with refused_in_time(), another(url):
                pass
            await asyncio.to_thread(postgres_server.start)
            await store.check()

        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]
    await asyncio.to_thread(postgres_server.drop_database, url)


async def test_connections_that_broke_while_idle_are_replaced_without_a_failure(
    relay: Relay,
) -> None:
    async with another(relay.url) as store:
        commit = await prepared(store)
        await asyncio.gather(*(store.check() for _ in range(4)))
        relay.cut()

        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]
        relay.cut()
        await store.check()


async def test_a_frozen_postgresql_is_told_in_time_and_used_again_when_it_thaws(
    relay: Relay,
) -> None:
    async with another(relay.url) as store:
        commit = await prepared(store)
        relay.freeze()
        async with refused_in_time():
            await asyncio.gather(store.check(), store.commit_turns([commit], 1))
        async with refused_in_time():
            await store.load([commit.conversation], 20)
        relay.thaw()

        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]


async def test_a_commit_whose_answer_is_lost_is_unavailable_and_not_repeated(
    relay: Relay,
) -> None:
    async with another(relay.url) as store:
        commit = await prepared(store)
        relay.cut_after = b"COMMIT;"
        with pytest.raises(StoreUnavailable):
            await store.commit_turns([commit], 1)

        assert relay.cut_after is None
        (result,) = await store.commit_turns([commit], 1)
        row = await conversation(store)
        # It was done or it was not; both ways it is there once.
        assert result in (CommitResult.COMMITTED, CommitResult.CONFLICT)
        assert (row.version, len(row.history)) == (1, 1)


async def test_a_statement_that_waits_too_long_for_a_lock_is_ended(postgres_database: str) -> None:
    async with another(postgres_database) as store:
        commit = await prepared(store)
        blocker = await asyncpg.connect(postgres_database)
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE lease")
            async with refused_in_time():
                await store.commit_turns([commit], 1)
        await blocker.close()

        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]


@contextmanager
def disk_full(above: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (above, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_locked_sqlite_file_is_told_in_time(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with another(f"sqlite:///{path}") as store:
        commit = await prepared(store)
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        async with refused_in_time():
            await store.commit_turns([commit], 1)
        assert (await conversation(store)).version == 0
        blocker.execute("ROLLBACK")
        blocker.close()

        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]


async def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    async with another(f"sqlite:///{tmp_path / 'store.db'}") as store:
        commit = await prepared(store)
        lease = commit.lease
        flood = [message("jaan", text="x" * 1_000) for _ in range(2_000)]
        with disk_full(above=400_000):
            async with refused_in_time():
                await recorded(store, lease, *flood)
            # What fits goes on being written.
            assert await store.renew([lease], ANNA, LONG) == {lease.name}
        assert (await store.counts()).events == {"message/pending": 1}
        assert await store.dead_letters(limit=10) == ()

        assert len(await recorded(store, lease, *flood)) == 2_000
        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("Tere! " * 1_000)

    with pytest.raises(StoreUnavailable):
        async with another(f"sqlite:///{path}"):
            pass


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_call_that_is_cancelled_leaves_the_store_usable(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    if kind == "postgresql":
        url = str(request.getfixturevalue("postgres_database"))
    async with another(url) as store:
        commit = await prepared(store)
        lease = commit.lease
        for turns_of_the_loop in range(40):
            task = asyncio.create_task(store.record([(lease, [new(message())])], 1))
            for _ in range(turns_of_the_loop):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]
        assert await store.acquire([INBOX], BERT, LONG) == {}


async def test_the_server_finds_out_within_half_a_minute_that_a_host_is_gone(
    postgres_database: str,
) -> None:
    backend = opening.open_backend(postgres_database)
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")

    def told(connection: Connection) -> tuple[int, int]:
        idle, interval, count, user = connection.execute(
            text(
                f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}, "
                "current_setting('tcp_user_timeout')"
            )
        ).one()
        return int(idle) + int(interval) * int(count), int(user)

    assert await backend.run(Mode.SINGLE, told) == (25, 25_000)
    await backend.close()
