"""PostgreSQL, through asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    event,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.types import TypeEngine

from vestlus.store.postgres_weeks import PostgresWeeks
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect, Mode, ValueSet

T = TypeVar("T")

#: Transactions are short and grouped: a process seldom needs a fifth connection. All are kept: one
#: that is made for a moment costs both sides as much as many transactions. They are used in turns,
#: so that signs of life keep all of them from being forgotten on the way.
_CONNECTIONS: Final = 8

#: Azure's load balancers forget a connection that was idle for 240 s, and tell nobody.
_RECYCLE_SECONDS: Final = 200

_CONNECT_SECONDS: Final = 3.0
#: The server ends a statement at 4 s; where it cannot even do that, the client does at 5 s.
_STATEMENT_SECONDS: Final = 5.0
#: A process that froze inside a transaction holds its locks so long, and no longer.
_LIMITS: Final = {
    "statement_timeout": "4s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "5s",
}
#: Of a host whose power or cable is gone nothing is heard any more. A session of its that was in
#: the middle of reading a statement or of writing rows keeps its locks until the server finds that
#: out: by the system's defaults after a quarter of an hour to two hours, and no limit above counts
#: meanwhile (PostgreSQL's documentation, "Connections and Authentication", TCP settings). Seconds,
#: and milliseconds for the last. A pooler's sessions are its own.
_UNPLUGGED: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_NAMED: Final = {"application_name": "vestlus"}
#: For each statement of a migration, the wait for another process's included: a large table's new
#: index takes its time, and what was undone for want of it would be so at every start.
_MIGRATION_SECONDS: Final = 3_600.0
#: Whatever the role or the database limits its sessions to. Between two of its statements a
#: migration does next to nothing: one that is silent is gone, and everybody waits for its lock.
_LIMIT_MIGRATION: Final = (
    f"SELECT set_config('statement_timeout', '{_MIGRATION_SECONDS:.0f}s', true), "
    "set_config('lock_timeout', '0', true), "
    "set_config('idle_in_transaction_session_timeout', '30s', true)"
)

#: Who has a store to itself tells people meanwhile how far it is, and a terminal may be held up.
_LIMIT_CLOSED: Final = "SELECT set_config('idle_in_transaction_session_timeout', '600s', true)"

#: With new samples for the planner, which have values of columns, as conversations' ids.
_VACUUM: Final = (
    "VACUUM (ANALYZE, SKIP_LOCKED) conversation, history, inbox_event, ledger, dead_letter, "
    "tombstone, preservation"
)

#: A pooler may give each transaction another session of the server, where statements that were
#: prepared earlier are not known. An unnamed one is prepared and done in one go. PgBouncer before
#: 1.21 knows no others (https://www.pgbouncer.org/features.html).
_UNNAMED_STATEMENTS: Final[Mapping[str, Any]] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}

#: A pooler refuses these at the start of a session, and a session is not ours alone.
_LIMIT_TRANSACTION: Final = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in _LIMITS.items()
)

#: Execution options.
_MODES: Final[Mapping[Mode, Mapping[str, Any]]] = {
    Mode.WRITE: {"isolation_level": "READ COMMITTED"},
    Mode.READ: {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    Mode.SINGLE: {"isolation_level": "AUTOCOMMIT"},
}

#: "vestlus" in ASCII: which of the server's advisory locks is ours.
_MIGRATION_LOCK: Final = 0x766573746C7573
#: Of those who have the store to themselves: nobody opens it meanwhile.
_CLOSED_LOCK: Final = _MIGRATION_LOCK + 1


def _is_pooled(pooler: str | tuple[str, ...] | None) -> bool:
    """What ``?pooler=`` of the address says."""
    if pooler not in (None, "transaction"):
        message = "a store's address has pooler=transaction, or no pooler"
        raise ValueError(message)
    return pooler is not None


def _limit(connection: Connection) -> None:
    """Limits the transaction that begins. A single statement is limited by the client alone."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(_LIMIT_TRANSACTION)


class PostgresBackend:
    """The :class:`~vestlus.store.sql_dialect.Backend` of a PostgreSQL database.

    ``?pooler=transaction`` in its address says that a pooler such as PgBouncer stands before it
    and gives out sessions by the transaction.
    """

    def __init__(self, url: URL) -> None:
        query = dict(url.query)
        # What libpq calls sslmode, asyncpg calls ssl; the values are the same.
        if "sslmode" in query:
            query["ssl"] = query.pop("sslmode")
        pooled = _is_pooled(query.pop("pooler", None))
        self._url = url.set(drivername="postgresql+asyncpg", query=query)
        self._pool = create_async_engine(
            self._url,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_STATEMENT_SECONDS,
            pool_recycle=_RECYCLE_SECONDS,
            hide_parameters=True,
            connect_args={
                "timeout": _CONNECT_SECONDS,
                "command_timeout": _STATEMENT_SECONDS,
                "server_settings": _NAMED if pooled else _NAMED | _LIMITS | _UNPLUGGED,
                **(_UNNAMED_STATEMENTS if pooled else {}),
            },
        )
        if pooled:
            event.listen(self._pool.sync_engine, "begin", _limit)
        self._statements = _UNNAMED_STATEMENTS if pooled else {}
        self._engines = {
            mode: self._pool.execution_options(**options) for mode, options in _MODES.items()
        }

    @property
    def dialect(self) -> Dialect:
        """PostgreSQL's language."""
        return PostgresDialect()

    async def run(self, mode: Mode, work: Callable[[Connection], T]) -> T:
        """Runs work in a greenlet."""
        async with self._engines[mode].connect() as connection:
            return await connection.run_sync(work)

    async def reclaim(self) -> bool:
        """Vacuums the tables that have something of users: what was deleted is free to be
        overwritten then. On a connection of its own, for as long as it takes.
        """
        engine = self._unlimited().execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.exec_driver_sql(_VACUUM)
        return True

    async def migrate(
        self,
        work: Callable[[Connection], None],
        needless: Callable[[Connection], bool] | None = None,
        *,
        closed: bool = False,
    ) -> None:
        """Runs work under an advisory lock, unless it is needless.

        In a thread, because Alembic reads files and may wait long for another process.
        """
        # What it reads is what was committed when nobody had the store to themselves any more.
        if needless is not None and await self.run(Mode.WRITE, partial(_open_and, needless)):
            return
        await asyncio.to_thread(lambda: asyncio.run(self._migrate(work, closed=closed)))

    async def _migrate(self, work: Callable[[Connection], None], *, closed: bool) -> None:
        async with self._unlimited().begin() as connection:
            await connection.exec_driver_sql(_LIMIT_MIGRATION)
            # The end of the transaction gives both back.
            await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            if closed:
                await connection.exec_driver_sql(_LIMIT_CLOSED)
                await connection.execute(select(func.pg_advisory_xact_lock(_CLOSED_LOCK)))
            await connection.run_sync(work)

    def _unlimited(self) -> AsyncEngine:
        """For what takes long."""
        return create_async_engine(
            self._url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={
                "timeout": _CONNECT_SECONDS,
                "command_timeout": _MIGRATION_SECONDS,
                "server_settings": _NAMED,
                **self._statements,
            },
        )

    async def close(self) -> None:
        """Closes the pool."""
        await self._pool.dispose()


def _open_and(condition: Callable[[Connection], bool], connection: Connection) -> bool:
    """Whether nobody has the store to themselves, nor will until this transaction ends, and it is
    so.
    """
    lock = func.pg_try_advisory_xact_lock_shared(_CLOSED_LOCK)
    return bool(connection.scalar(select(lock))) and condition(connection)


class PostgresDialect:
    """The language of PostgreSQL 13 or newer."""

    def now_ms(self) -> ColumnElement[int]:
        """The server's clock; ``now()`` would be when the transaction began to wait."""
        return literal_column(
            "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)", BigInteger
        )

    def rows(self, columns: Mapping[str, TypeEngine[Any]]) -> FromClause:
        """The rows of the parameter ``rows``."""
        parameter = cast(bindparam("rows", type_=Text()), JSON())
        return (
            func.json_to_recordset(parameter)
            .table_valued(*(column(name, type_) for name, type_ in columns.items()))
            .render_derived(name="rows", with_types=True)
        )

    def one_of(
        self, column: ColumnElement[str] | ColumnElement[int], parameter: str
    ) -> ColumnElement[bool]:
        """Whether the column is among the parameter's values."""
        values = bindparam(parameter, type_=postgresql.ARRAY(column.type))
        return column == any_(values)

    def joined_by(self, column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
        """The values again, whose number it knows better than that of a JSON array's elements."""
        return self.one_of(column, parameter)

    def value_set(self, values: Collection[str] | Collection[int]) -> ValueSet:
        """The values as an array."""
        return [cleaned(value) if isinstance(value, str) else value for value in values]  # type: ignore[return-value]

    def listed(self, *columns: ColumnElement[Any]) -> Select[tuple[str | None]]:
        """The rows as text."""
        return select(cast(func.json_agg(func.json_build_array(*columns)), Text()))

    def insert(self, table: Table) -> postgresql.Insert:
        """PostgreSQL's insert."""
        return postgresql.insert(table)

    def weeks(self) -> PostgresWeeks:
        """Partitions."""
        return PostgresWeeks()
