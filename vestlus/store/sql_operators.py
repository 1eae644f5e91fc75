"""Sessions of the console and the audit, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, delete, insert, select, update

from vestlus.store import schema
from vestlus.store.operator_rows import AuditEntry, ConsoleSession
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_AUDIT: Final = schema.audit.c
_SESSION: Final = schema.console_session.c


class SqlOperators(SqlPart):
    """See :class:`~vestlus.store.operator_port.Operators`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._audit_add = insert(schema.audit)
        self._session_add = insert(schema.console_session)
        its = _SESSION.digest == bindparam("of", type_=Text())
        now = bindparam("at", type_=BigInteger())
        self._session_one = select(*_SESSION).where(its, _SESSION.ends_ms > now)
        self._session_all = (
            select(*_SESSION).where(_SESSION.ends_ms > now).order_by(_SESSION.began_ms.desc())
        )
        self._session_touch = (
            update(schema.console_session)
            .where(its)
            .values(
                seen_ms=bindparam("seen", type_=BigInteger()),
                ends_ms=bindparam("ends", type_=BigInteger()),
            )
        )
        self._session_end = delete(schema.console_session).where(its)
        self._session_forget = delete(schema.console_session).where(_SESSION.ends_ms <= now)

    async def begin_session(self, session: ConsoleSession, entry: AuditEntry) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.begin_session`."""

        def work(connection: Connection) -> None:
            connection.execute(self._session_forget, {"at": session.began_ms})
            connection.execute(self._session_add, asdict(session))
            connection.execute(self._audit_add, _values(entry))

        await self._database.write(work)

    async def session(self, digest: str, at_ms: int) -> ConsoleSession | None:
        """See :meth:`vestlus.store.operator_port.Operators.session`."""
        rows = await self._database.fetch(self._session_one, {"of": digest, "at": at_ms})
        return ConsoleSession(*rows[0]) if rows else None

    async def touch_session(self, digest: str, seen_ms: int, ends_ms: int) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.touch_session`."""
        values = {"of": digest, "seen": seen_ms, "ends": ends_ms}
        await self._database.write(
            lambda connection: connection.execute(self._session_touch, values)
        )

    async def end_sessions(self, digests: Sequence[str], entry: AuditEntry) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.end_sessions`."""

        def work(connection: Connection) -> None:
            for digest in digests:
                connection.execute(self._session_end, {"of": digest})
            connection.execute(self._audit_add, _values(entry))

        await self._database.write(work)

    async def sessions(self, at_ms: int) -> tuple[ConsoleSession, ...]:
        """See :meth:`vestlus.store.operator_port.Operators.sessions`."""
        rows = await self._database.fetch(self._session_all, {"at": at_ms})
        return tuple(ConsoleSession(*row) for row in rows)

    async def audit(self, entry: AuditEntry) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.audit`."""
        await self._database.write(
            lambda connection: connection.execute(self._audit_add, _values(entry))
        )

    async def audit_entries(
        self,
        *,
        before_id: int | None = None,
        target: str | None = None,
        action: str | None = None,
        person: str | None = None,
        limit: int = 100,
    ) -> tuple[AuditEntry, ...]:
        """See :meth:`vestlus.store.operator_port.Operators.audit_entries`."""
        wanted = select(*_AUDIT).order_by(_AUDIT.id.desc()).limit(limit)
        if before_id is not None:
            wanted = wanted.where(_AUDIT.id < before_id)
        if target is not None:
            wanted = wanted.where(_AUDIT.target == target)
        if person is not None:
            wanted = wanted.where(_AUDIT.person == person)
        if action is not None and action.endswith("."):
            wanted = wanted.where(_AUDIT.action.startswith(action, autoescape=True))
        elif action is not None:
            wanted = wanted.where(_AUDIT.action == action)
        rows = await self._database.fetch(wanted)
        return tuple(
            AuditEntry(**row._mapping)  # noqa: SLF001 - public in SQLAlchemy
            for row in rows
        )


def _values(entry: AuditEntry) -> dict[str, Any]:
    values = asdict(entry)
    del values["id"]
    return values
