from __future__ import annotations

import asyncio
import pickle
import sqlite3
from collections.abc import Iterator

import asyncpg.exceptions
import pytest
import sqlalchemy.exc
from sqlalchemy.exc import DBAPIError

from vestlus.errors import PartitionMismatch, StoreUnavailable, ValuesRefused
from vestlus.store.sql_errors import may_repeat, translated

SECRET = "Tere, minu number on 5551234"


def family(root: type[BaseException]) -> Iterator[type[BaseException]]:
    """The class and all that derive from it."""
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def raisable(kind: type[BaseException]) -> BaseException:
    """An error of the class, with a user's text in it, however it is constructed."""
    try:
        return kind(SECRET)
    except TypeError:
        error = kind.__new__(kind)
        error.args = (SECRET,)
        return error


#: What asyncpg, sqlite3 and SQLAlchemy define. asyncpg's warnings are warned of, never raised.
VENDORS = sorted(
    {
        kind
        for module in (asyncpg.exceptions, sqlite3, sqlalchemy.exc)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
        if not issubclass(kind, Warning)
        if kind.__module__.startswith(("asyncpg", "sqlite3", "sqlalchemy"))
    }
    | set(family(sqlite3.Error)),
    key=lambda kind: (kind.__module__, kind.__name__),
)


def test_the_vendors_classes_are_found() -> None:
    names = {kind.__name__ for kind in VENDORS}

    assert {"DeadlockDetectedError", "InterfaceError", "OperationalError", "TimeoutError"} <= names
    assert len(VENDORS) > 250


@pytest.mark.parametrize("kind", VENDORS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_vendor_error_is_translated_without_its_text(kind: type[BaseException]) -> None:
    error = raisable(kind)

    with pytest.raises(StoreUnavailable) as caught, translated():
        raise error

    assert caught.value.__cause__ is error
    assert SECRET not in str(caught.value)
    assert "555" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError(), ConnectionResetError(), TimeoutError()],
)
def test_a_database_that_cannot_be_reached_is_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable), translated():
        raise error


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ValueError("x"), KeyError("x")])
def test_what_is_not_the_databases_passes(error: BaseException) -> None:
    with pytest.raises(type(error)), translated():
        raise error


class Driver(Exception):
    """An error as a driver raises it."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(SECRET)
        self.sqlstate = sqlstate


def wrapped(error: Exception, *, lost: bool = False) -> DBAPIError:
    """The error as SQLAlchemy raises it."""
    return DBAPIError("SELECT 1", {}, error, connection_invalidated=lost)


@pytest.mark.parametrize("state", ["40001", "40P01", "23505"])
def test_what_a_rival_caused_is_repeated(state: str) -> None:
    assert may_repeat(wrapped(Driver(state)))


@pytest.mark.parametrize("state", ["57014", "55P03", "22003", "42601", ""])
def test_what_would_fail_again_is_not_repeated(state: str) -> None:
    assert not may_repeat(wrapped(Driver(state)))


def test_a_lost_connection_is_replaced_and_the_transaction_repeated() -> None:
    assert may_repeat(wrapped(Driver(""), lost=True))


@pytest.mark.parametrize(
    ("driver", "is_fault"),
    [
        (Driver("22003"), True),
        (Driver("23502"), True),
        (Driver("54000"), True),
        (Driver("57P01"), False),
        (Driver("40001"), False),
        (sqlite3.IntegrityError(), True),
        (sqlite3.OperationalError("database is locked"), False),
    ],
)
def test_faults_of_data_are_told_from_faults_of_the_database(
    driver: Exception, *, is_fault: bool
) -> None:
    with pytest.raises(StoreUnavailable) as caught, translated():
        raise wrapped(driver)

    assert isinstance(caught.value, ValuesRefused) == is_fault


def test_a_timeout_is_no_fault_of_data() -> None:
    with pytest.raises(StoreUnavailable) as caught, translated():
        raise TimeoutError

    assert not isinstance(caught.value, ValuesRefused)


def test_a_mismatch_says_what_to_set_back_also_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(PartitionMismatch(16, 8)))  # noqa: S301

    assert (error.recorded, error.configured) == (16, 8)
    assert "VESTLUS_PARTITIONS=16" in str(error)
    assert "outbox" in str(pickle.loads(pickle.dumps(PartitionMismatch(4, 2, "outbox"))))  # noqa: S301
