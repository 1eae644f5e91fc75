"""Leases in SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, and_, bindparam, case, or_, select, update

from vestlus.store import schema
from vestlus.store.rows import Lease, Member
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_LEASE = schema.lease.c


#: No lease is taken for so long. One that seems to last longer was taken before the database's
#: clock was put back, and need not be waited for.
LONGEST_LEASE_MS: Final = 15 * 60 * 1000


class SqlLeases(SqlPart):
    """Who may act for what. See :class:`~vestlus.store.port.Leases`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        names = dialect.rows({"name": Text()})
        self._make = (
            dialect.insert(schema.lease)
            .from_select(
                ["name", "epoch", "expires_ms"],
                # Written out: a literal would become another parameter.
                select(names.c.name, schema.ZERO, schema.ZERO).order_by(names.c.name),
            )
            .on_conflict_do_nothing()
        )
        # Locks in the order of names before anything is changed: an update would lock in any.
        self._lock = (
            select(_LEASE.name)
            .where(dialect.one_of(_LEASE.name, "names"))
            .order_by(_LEASE.name)
            .with_for_update()
        )
        until = dialect.now_ms() + bindparam("ms", type_=BigInteger())
        is_members = _LEASE.member_id == bindparam("of_member", type_=Text())
        is_incarnations = and_(
            is_members, _LEASE.incarnation == bindparam("of_incarnation", type_=Text())
        )
        self._take = (
            update(schema.lease)
            .where(dialect.one_of(_LEASE.name, "names"))
            .where(
                or_(
                    _LEASE.member_id.is_(None),
                    is_members,
                    _LEASE.expires_ms <= dialect.now_ms(),
                    # The clock was put back since; a holder that lives has renewed it by now.
                    _LEASE.expires_ms > dialect.now_ms() + LONGEST_LEASE_MS,
                )
            )
            .values(
                epoch=case((is_incarnations, _LEASE.epoch), else_=_LEASE.epoch + 1),
                member_id=bindparam("of_member", type_=Text()),
                incarnation=bindparam("of_incarnation", type_=Text()),
                expires_ms=until,
            )
            .returning(_LEASE.name, _LEASE.epoch)
        )
        held = dialect.rows({"name": Text(), "epoch": BigInteger()})
        is_held = and_(_LEASE.name == held.c.name, _LEASE.epoch == held.c.epoch, is_incarnations)
        self._extend = (
            update(schema.lease).where(is_held).values(expires_ms=until).returning(_LEASE.name)
        )
        # The epoch rises so that the lease is void at once, and not only when it is taken.
        self._free = (
            update(schema.lease)
            .where(is_held)
            .values(member_id=None, incarnation=None, expires_ms=0, epoch=_LEASE.epoch + 1)
        )

    async def acquire(
        self, names: Collection[str], member: Member, seconds: float
    ) -> dict[str, Lease]:
        """See :meth:`vestlus.store.port.Leases.acquire`."""
        if not names:
            return {}
        asked = {"names": self._dialect.value_set(names)}
        rows = rows_parameter([{"name": name} for name in names])

        def work(connection: Connection) -> dict[str, Lease]:
            connection.execute(self._make, {"rows": rows})
            connection.execute(self._lock, asked)
            taken = connection.execute(
                self._take, asked | _identity(member) | {"ms": int(seconds * 1000)}
            )
            return {name: Lease(name, epoch) for name, epoch in taken}

        return await self._database.write(work)

    async def renew(
        self, leases: Collection[Lease], member: Member, seconds: float
    ) -> frozenset[str]:
        """See :meth:`vestlus.store.port.Leases.renew`."""
        if not leases:
            return frozenset()
        parameters = _held_rows(leases) | _identity(member) | {"ms": int(seconds * 1000)}

        def work(connection: Connection) -> frozenset[str]:
            self._lock_all(connection, leases)
            return frozenset(connection.execute(self._extend, parameters).scalars())

        return await self._database.write(work)

    async def release(self, leases: Collection[Lease], member: Member) -> None:
        """See :meth:`vestlus.store.port.Leases.release`."""
        if not leases:
            return
        parameters = _held_rows(leases) | _identity(member)

        def work(connection: Connection) -> None:
            self._lock_all(connection, leases)
            connection.execute(self._free, parameters)

        await self._database.write(work)

    def _lock_all(self, connection: Connection, leases: Collection[Lease]) -> None:
        names = self._dialect.value_set({lease.name for lease in leases})
        connection.execute(self._lock, {"names": names})


def _identity(member: Member) -> dict[str, object]:
    return {"of_member": member.id, "of_incarnation": member.incarnation}


def _held_rows(leases: Collection[Lease]) -> dict[str, object]:
    return {"rows": rows_parameter([{"name": x.name, "epoch": x.epoch} for x in leases])}
