"""Opens a store by its address."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from vestlus.store.port import Store
from vestlus.store.postgres import PostgresBackend
from vestlus.store.sql_dialect import Backend, Dialect
from vestlus.store.sql_store import SqlStore
from vestlus.store.sqlite import SqliteBackend

_KNOWN = "a store's address is postgresql://… or sqlite:///PATH"


def open_store(url: str, *, partitions: int, outbox_partitions: int) -> Store:
    """The store at ``postgresql://user:password@host:port/database`` or ``sqlite:///PATH``.

    ``sqlite:////absolute/path`` has four slashes. Nothing is connected before ``async with``.
    The numbers of partitions are recorded by the first who opens; others must name the same.
    Raises ValueError for an address of another kind; its message does not repeat the address,
    which may hold a password.
    """
    backend = open_backend(url)
    return _statements(type(backend.dialect), outbox_partitions).over(backend, partitions)


@cache
def _statements(language: type[Dialect], outbox_partitions: int) -> SqlStore:
    """What the stores of one language share: some two hundred statements take 0.07 s to make."""
    return SqlStore(language(), outbox_partitions)


def open_backend(url: str) -> Backend:
    """How to reach the database at an address of :func:`open_store`'s. Raises ValueError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(_KNOWN) from None
    if parsed.drivername in ("postgresql", "postgres"):
        return PostgresBackend(parsed)
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return SqliteBackend(Path(str(parsed.database)).expanduser())
    raise ValueError(_KNOWN)
