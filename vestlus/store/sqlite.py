"""SQLite: one file in write-ahead mode, shared by the processes of one machine."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.types import TypeEngine

from vestlus.private_files import private_database
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect, Mode, ValueSet
from vestlus.store.sqlite_weeks import NoWeeks
from vestlus.workers import Workers

T = TypeVar("T")

#: How long to wait for another process's transaction. Measured with six writers: 0.25 s at most.
_BUSY_SECONDS: Final = 5.0
_MIGRATION_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02

#: Bytes that the write-ahead log keeps after a checkpoint.
_LOG_BYTES: Final = 16 * 1024 * 1024

#: One for the process's writer, the others for readers, which a writer does not hold up.
_CONNECTIONS: Final = 4

_BEGIN: Final = "vestlus_begin"

#: A transaction that reads first and writes later fails at once when another wrote in between,
#: whatever the timeout; taking the write lock first waits instead.
_BEGINNINGS: Final = {Mode.WRITE: "BEGIN IMMEDIATE", Mode.READ: "BEGIN", Mode.SINGLE: None}


class SqliteBackend:
    """The :class:`~vestlus.store.sql_dialect.Backend` of a file.

    Transactions run whole in threads of its own. aiosqlite would change threads several times
    for each statement, which cost twice the CPU of all the rest.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = Workers(_CONNECTIONS, "store")
        self._pool = self._engine(
            _BUSY_SECONDS, {"poolclass": QueuePool, "pool_size": _CONNECTIONS}
        )
        self._engines = {
            mode: self._pool.execution_options(**{_BEGIN: statement})
            for mode, statement in _BEGINNINGS.items()
        }
        # Writers of one process queue here; SQLite would have them poll for the file's lock.
        self._turn = asyncio.Lock()

    @property
    def dialect(self) -> Dialect:
        """SQLite's language."""
        return SqliteDialect()

    async def run(self, mode: Mode, work: Callable[[Connection], T]) -> T:
        """Runs work in a thread. A caller that gives up leaves the transaction to its own end."""

        def in_thread() -> T:
            with self._engines[mode].connect() as connection:
                return work(connection)

        turn: AbstractAsyncContextManager[object]
        turn = self._turn if mode is Mode.WRITE else nullcontext()
        async with turn:
            return await self._threads.run(in_thread)

    async def migrate(
        self,
        work: Callable[[Connection], None],
        needless: Callable[[Connection], bool] | None = None,
        *,
        closed: bool = False,
    ) -> None:
        """Runs work while ``BEGIN IMMEDIATE`` holds the file. It is asked of nobody whether it is
        needless: who else may hold the file is on this host, and lets go of it with its end.
        """
        del needless, closed
        private_database(self._path)
        engine = self._engine(_MIGRATION_SECONDS, {"poolclass": NullPool})
        await _set_write_ahead(engine)
        writer = engine.execution_options(**{_BEGIN: _BEGINNINGS[Mode.WRITE]})

        def in_thread() -> None:
            with writer.begin() as connection:
                work(connection)

        await asyncio.to_thread(in_thread)

    async def reclaim(self) -> bool:
        """Writes the write-ahead log into the file, where deleted rows are overwritten with zeros,
        and empties it. Refused while somebody reads from it.
        """

        def checkpoint(connection: Connection) -> bool:
            row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            return int(row[0]) == 0

        return await self.run(Mode.SINGLE, checkpoint)

    async def close(self) -> None:
        """Waits for the transactions that are under way, and closes the file."""
        await asyncio.to_thread(self._threads.shutdown)
        self._pool.dispose()

    def _engine(self, busy_seconds: float, pool: Mapping[str, Any]) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            # The driver must not begin transactions by itself: the listener below does.
            connect_args={"isolation_level": None, "timeout": busy_seconds},
            hide_parameters=True,
            **pool,
        )
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine


class SqliteDialect:
    """The language of SQLite 3.35 or newer."""

    def now_ms(self) -> ColumnElement[int]:
        """The machine's clock. Julian days, because ``unixepoch('subsec')`` came in 3.42."""
        return literal_column(
            "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", Integer
        )

    def rows(self, columns: Mapping[str, TypeEngine[Any]]) -> FromClause:
        """The rows of the parameter ``rows``."""
        each = func.json_each(bindparam("rows", type_=Text())).table_valued("value", name="each")
        return (
            select(
                *(
                    type_coerce(func.json_extract(each.c.value, f"$.{name}"), type_).label(name)
                    for name, type_ in columns.items()
                )
            )
            .select_from(each)
            .subquery("rows")
        )

    def one_of(
        self, column: ColumnElement[str] | ColumnElement[int], parameter: str
    ) -> ColumnElement[bool]:
        """Whether the column is among the parameter's values."""
        each = func.json_each(bindparam(parameter, type_=Text())).table_valued("value", name=None)
        return column.in_(select(each.c.value))

    def joined_by(self, column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
        """True: the rows come first then, and the table by its key."""
        del column
        return bindparam(parameter, type_=Text()).is_not(None)

    def value_set(self, values: Collection[str] | Collection[int]) -> ValueSet:
        """The values as a JSON array."""
        return json.dumps(
            [cleaned(value) if isinstance(value, str) else value for value in values],
            ensure_ascii=False,
        )

    def listed(self, *columns: ColumnElement[Any]) -> Select[tuple[str | None]]:
        """The rows as text."""
        return select(type_coerce(func.json_group_array(func.json_array(*columns)), Text()))

    def insert(self, table: Table) -> sqlite.Insert:
        """SQLite's insert."""
        return sqlite.insert(table)

    def weeks(self) -> NoWeeks:
        """No partitions."""
        return NoWeeks()


async def _set_write_ahead(engine: Engine) -> None:
    """Sets the write-ahead mode, which the file remembers.

    Processes that do so at once meet a lock that SQLite does not wait for.
    """

    def in_thread() -> None:
        with engine.execution_options(**{_BEGIN: None}).connect() as connection:
            # Counts only before a new file's first page is written; an older file keeps its pages
            # and uses them anew.
            connection.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    deadline = time.monotonic() + _MIGRATION_SECONDS
    while True:
        try:
            await asyncio.to_thread(in_thread)
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return


def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # NORMAL would lose committed transactions when the power fails.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA journal_size_limit={_LOG_BYTES}")
    # What is deleted is overwritten: free pages would keep what erased users said.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options()[_BEGIN]
    if statement is not None:
        connection.exec_driver_sql(statement)
