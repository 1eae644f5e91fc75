"""Members and their assignment in SQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import BigInteger, Connection, Text, bindparam, delete, exists, select, update

from vestlus.store import schema
from vestlus.store.rows import Lease, Member, MemberKind
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

#: The database gives all signs of life their time; a little for a clock that is adjusted.
LATEST_SIGN_MS = 10_000

_MEMBER = schema.member.c
_ASSIGNMENT = schema.assignment.c
_LEASE = schema.lease.c


class SqlMembers(SqlPart):
    """Who is there, and who should serve what. See :class:`~vestlus.store.port.Members`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        beat = dialect.insert(schema.member).values(heartbeat_ms=dialect.now_ms())
        self._beat = beat.on_conflict_do_update(
            index_elements=["id"],
            set_={name: beat.excluded[name] for name in schema.member.c.keys() if name != "id"},  # noqa: SIM118
        )
        self._assigned = select(_ASSIGNMENT.lease).where(
            _ASSIGNMENT.member_id == bindparam("of_member", type_=Text())
        )
        self._live = (
            select(_MEMBER.id, _MEMBER.kind, _MEMBER.incarnation, _MEMBER.host, _MEMBER.pid)
            .where(_MEMBER.kind == bindparam("kind", type_=Text()))
            .where(_MEMBER.heartbeat_ms >= dialect.now_ms() - bindparam("ms", type_=BigInteger()))
            # A sign of life from the future was given before the clock was put back.
            .where(_MEMBER.heartbeat_ms <= dialect.now_ms() + LATEST_SIGN_MS)
            .order_by(_MEMBER.id)
        )
        self._assignment = select(_ASSIGNMENT.lease, _ASSIGNMENT.member_id)
        rows = dialect.rows({"lease": Text(), "member_id": Text()})
        assign = dialect.insert(schema.assignment).from_select(
            ["lease", "member_id"], select(rows.c.lease, rows.c.member_id).order_by(rows.c.lease)
        )
        self._assign = assign.on_conflict_do_update(
            index_elements=["lease"], set_={"member_id": assign.excluded.member_id}
        )
        self._forget = delete(schema.member).where(
            _MEMBER.id == bindparam("of_member", type_=Text()),
            _MEMBER.incarnation == bindparam("started", type_=Text()),
        )
        is_its = (
            _LEASE.member_id == bindparam("of_member", type_=Text()),
            _LEASE.incarnation == bindparam("started", type_=Text()),
        )
        # In the order of names, as everybody locks leases; then freed as a release frees them.
        self._lock_leases = (
            select(_LEASE.name).where(*is_its).order_by(_LEASE.name).with_for_update()
        )
        self._free_leases = (
            update(schema.lease)
            .where(*is_its)
            .values(member_id=None, incarnation=None, expires_ms=0, epoch=_LEASE.epoch + 1)
        )
        # A newer incarnation keeps what it was assigned.
        self._unassign = delete(schema.assignment).where(
            _ASSIGNMENT.member_id == bindparam("of_member", type_=Text()),
            ~exists().where(_MEMBER.id == bindparam("of_member", type_=Text())),
        )

    async def heartbeat(self, member: Member) -> frozenset[str]:
        """See :meth:`vestlus.store.port.Members.heartbeat`."""
        values = {
            "id": member.id,
            "kind": str(member.kind),
            "incarnation": member.incarnation,
            "host": member.host,
            "pid": member.pid,
        }

        def work(connection: Connection) -> frozenset[str]:
            connection.execute(self._beat, values)
            return frozenset(connection.execute(self._assigned, {"of_member": member.id}).scalars())

        return await self._database.write(work)

    async def live(self, kind: MemberKind, within_seconds: float) -> tuple[Member, ...]:
        """See :meth:`vestlus.store.port.Members.live`."""
        rows = await self._database.fetch(
            self._live, {"kind": str(kind), "ms": int(within_seconds * 1000)}
        )
        return tuple(
            Member(id_, MemberKind(kind), incarnation, host, pid)
            for id_, kind, incarnation, host, pid in rows
        )

    async def assignment(self, prefix: str) -> dict[str, str]:
        """See :meth:`vestlus.store.port.Members.assignment`."""
        rows = await self._database.fetch(self._assignment)
        return {lease: member for lease, member in rows if lease.startswith(prefix)}

    async def assign(self, registry: Lease, assignment: Mapping[str, str]) -> None:
        """See :meth:`vestlus.store.port.Members.assign`."""
        rows = rows_parameter(
            [{"lease": lease, "member_id": member} for lease, member in assignment.items()]
        )

        def work(connection: Connection) -> None:
            self._hold(connection, registry)
            connection.execute(self._assign, {"rows": rows})

        await self._database.write(work)

    async def retire(self, member: Member) -> None:
        """See :meth:`vestlus.store.port.Members.retire`."""

        def work(connection: Connection) -> None:
            itself = {"of_member": member.id, "started": member.incarnation}
            connection.execute(self._forget, itself)
            connection.execute(self._unassign, {"of_member": member.id})

        await self._database.write(work)

    async def leave(self, member: Member) -> None:
        """See :meth:`vestlus.store.port.Members.leave`."""

        def work(connection: Connection) -> None:
            itself = {"of_member": member.id, "started": member.incarnation}
            connection.execute(self._lock_leases, itself)
            connection.execute(self._free_leases, itself)
            connection.execute(self._forget, itself)
            connection.execute(self._unassign, {"of_member": member.id})

        await self._database.write(work)
