"""What the parts of the SQL store share: the database, and the check of leases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, select

from vestlus.errors import LeaseLost
from vestlus.store import schema
from vestlus.store.rows import Lease
from vestlus.store.sql_database import Database
from vestlus.store.sql_dialect import Dialect


class SqlPart:
    """One of the store's ports over a :class:`Database`.

    To make one is to make its statements, which depend on the database's language and on the
    partitions, and on nothing else. It holds nothing that changes.

    Locks are taken in one order everywhere, so that transactions wait for each other and never
    in a ring: leases by name, then conversations by id, then events, then ledger rows by id.
    """

    #: Not there before :meth:`~vestlus.store.sql_store.SqlStore.over`.
    _database: Database

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        self._dialect = dialect
        self._outbox_partitions = outbox_partitions
        lease = schema.lease.c
        # Locks leases as they are: whoever wants to take one over waits for the commit.
        # PostgreSQL's FOR SHARE; SQLite, which knows no such clause, holds the whole file.
        self._epochs: Select[Any] = (
            select(lease.name, lease.epoch)
            .where(dialect.one_of(lease.name, "names"))
            .order_by(lease.name)
            .with_for_update(read=True)
        )

    def _held(self, connection: Connection, leases: Iterable[Lease]) -> frozenset[Lease]:
        """Those of the leases that nobody else has taken; they stay so until the commit.

        An expired lease that nobody took is held: the epoch is the fence, not the clock.
        """
        asked = frozenset(leases)
        names = self._dialect.value_set({lease.name for lease in asked})
        rows = connection.execute(self._epochs, {"names": names})
        return asked & frozenset(Lease(name, epoch) for name, epoch in rows)

    def _hold(self, connection: Connection, lease: Lease) -> None:
        """Like :meth:`_held`, for one lease; raises LeaseLost."""
        if lease not in self._held(connection, (lease,)):
            raise LeaseLost(lease.name)
