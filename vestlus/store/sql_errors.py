"""What databases and their drivers raise, translated to the store's errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException, SQLAlchemyError

from vestlus.errors import StoreUnavailable, ValuesRefused

#: Everything that SQLAlchemy and the drivers raise. ``OSError`` holds refused connections and
#: ``TimeoutError``. Drivers' own come through where SQLAlchemy does not wrap them.
DATABASE_ERRORS: Final = (
    SQLAlchemyError,
    EmulatedDBAPIException,
    PostgresError,
    InterfaceError,
    InternalClientError,
    sqlite3.Error,
    sqlite3.Warning,
    OSError,
)

#: PostgreSQL's error codes after which the same transaction may succeed: serialization failure,
#: deadlock, and a rival's row that was not visible before ("Appendix A: error codes").
_REPEATABLE: Final = frozenset({"40001", "40P01", "23505"})

#: Its classes for data that will not be taken: data exception, integrity, program limit.
_FAULTS_OF_DATA: Final = ("22", "23", "54")


@contextmanager
def translated() -> Iterator[None]:
    """Raises what a database raised as StoreUnavailable, of which ValuesRefused is one.

    The message names the error's class and code only: drivers put values into theirs.
    """
    try:
        yield
    except DATABASE_ERRORS as error:
        kind = ValuesRefused if _is_fault_of_data(error) else StoreUnavailable
        raise kind(_name(error)) from error


def _name(error: BaseException) -> str:
    driver = error.orig if isinstance(error, DBAPIError) else None
    state = _sqlstate(error)
    name = type(driver or error).__name__
    return f"the database failed: {name} {state}" if state else f"the database failed: {name}"


def _sqlstate(error: BaseException) -> str:
    driver = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(driver, "sqlstate", None) or "")


def may_repeat(error: DBAPIError) -> bool:
    """Whether the same transaction, begun anew, may well succeed.

    A connection that is found broken is replaced: so a restarted database is met without a
    failure.
    """
    # Another process migrated: SQLAlchemy has dropped what it had prepared.
    is_stale = type(error.orig).__name__ == "InvalidCachedStatementError"
    return error.connection_invalidated or is_stale or _sqlstate(error) in _REPEATABLE


def _is_fault_of_data(error: BaseException) -> bool:
    """Whether the database refused the values themselves, so that repeating is useless."""
    if not isinstance(error, DBAPIError):
        return False
    is_sqlites = isinstance(error.orig, sqlite3.IntegrityError | sqlite3.DataError)
    return is_sqlites or _sqlstate(error).startswith(_FAULTS_OF_DATA)
