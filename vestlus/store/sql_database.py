"""Transactions: bounded in time, repeated where that is right, translated where they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.exc import DBAPIError

from vestlus.errors import StoreUnavailable
from vestlus.store.sql_dialect import Backend, Mode
from vestlus.store.sql_errors import may_repeat, translated

T = TypeVar("T")

#: How often one transaction is tried when it met a rival or a dead connection.
ATTEMPTS: Final = 3

#: The longest that any one call waits for the database, repeats included. Longer than the waits
#: for a connection, a lock or a statement, which name the cause better.
CALL_SECONDS: Final = 8.0


class Database:
    """One database. ``work`` is a plain function of a SQLAlchemy connection.

    It runs in one piece, in a greenlet or a thread, so that a transaction of eight statements
    pays once for leaving asyncio. It may run more than once, and changes nothing but the
    database.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def close(self) -> None:
        """Closes the connections. Twice is no harm."""
        await self._backend.close()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs work in a transaction that is committed, or rolled back where work raises."""

        def and_commit(connection: Connection) -> T:
            result = work(connection)
            try:
                connection.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # It may be done: a repeat could do it twice, and is for the caller to decide.
                message = "the connection broke during the commit"
                raise StoreUnavailable(message) from error
            return result

        return await self._repeated(Mode.WRITE, and_commit)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs work in a transaction that sees one moment and writes nothing."""
        return await self._repeated(Mode.READ, work)

    async def fetch(
        self, statement: Executable, parameters: Mapping[str, object] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """The rows of one reading statement."""

        def work(connection: Connection) -> Sequence[Row[*tuple[Any, ...]]]:
            return connection.execute(statement, parameters).all()

        return await self._repeated(Mode.SINGLE, work)

    async def _repeated(self, mode: Mode, work: Callable[[Connection], T]) -> T:
        with translated():
            async with asyncio.timeout(CALL_SECONDS):
                for _ in range(ATTEMPTS - 1):
                    try:
                        return await self._backend.run(mode, work)
                    except DBAPIError as error:
                        if not may_repeat(error):
                            raise
                return await self._backend.run(mode, work)
