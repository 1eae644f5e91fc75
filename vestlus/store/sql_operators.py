"""Sessions of the console and the audit, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.operator_rows import AuditEntry, AuditWanted, ConsoleSession
from vestlus.store.sql_audit import add_entry
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_AUDIT: Final = schema.audit.c
_SESSION: Final = schema.console_session.c
#: What the rest of the service is told of an entry: whose account it is about is for retention.
_TOLD: Final = tuple(column for column in _AUDIT if column is not _AUDIT.account)


class SqlOperators(SqlPart):
    """See :class:`~vestlus.store.operator_port.Operators`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
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
        self._session_replace = delete(schema.console_session).where(
            _SESSION.subject == bindparam("of", type_=Text()),
            or_(
                _SESSION.role != bindparam("may", type_=Text()),
                _SESSION.grounds != bindparam("on", type_=Text()),
            ),
        )

    async def begin_session(self, session: ConsoleSession, entry: AuditEntry) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.begin_session`."""

        def work(connection: Connection) -> None:
            connection.execute(self._session_forget, {"at": session.began_ms})
            if session.subject:
                same = {"of": session.subject, "may": session.role, "on": session.grounds}
                connection.execute(self._session_replace, same)
            connection.execute(self._session_add, asdict(session))
            add_entry(connection, entry)

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
            add_entry(connection, entry)

        await self._database.write(work)

    async def sessions(self, at_ms: int) -> tuple[ConsoleSession, ...]:
        """See :meth:`vestlus.store.operator_port.Operators.sessions`."""
        rows = await self._database.fetch(self._session_all, {"at": at_ms})
        return tuple(ConsoleSession(*row) for row in rows)

    async def audit(self, entry: AuditEntry) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.audit`."""
        await self._database.write(lambda connection: add_entry(connection, entry))

    async def audit_entries(
        self,
        *,
        before_id: int | None = None,
        target: str | None = None,
        action: str | None = None,
        person: str | None = None,
        limit: int = 100,
        wanted: AuditWanted | None = None,
    ) -> tuple[AuditEntry, ...]:
        """See :meth:`vestlus.store.operator_port.Operators.audit_entries`."""
        found = wanted or AuditWanted(target=target, action=action, person=person)
        statement = _listing(found).limit(limit)
        if before_id is not None:
            statement = statement.where(_AUDIT.id < before_id)
        rows = await self._database.fetch(statement)
        return tuple(
            AuditEntry(**row._mapping)  # noqa: SLF001 - public in SQLAlchemy
            for row in rows
        )


def _listing(wanted: AuditWanted) -> Select[Any]:
    """Newest first. Put together for each call: people look rarely."""
    listing = select(*_TOLD).order_by(_AUDIT.id.desc())
    for column, value in (
        (_AUDIT.target, wanted.target),
        (_AUDIT.person, wanted.person),
        (_AUDIT.way, wanted.way),
        (_AUDIT.outcome, wanted.outcome),
    ):
        if value is not None:
            listing = listing.where(column == cleaned(value))
    if wanted.action is not None:
        action = cleaned(wanted.action)
        begins = _AUDIT.action.startswith(action, autoescape=True)
        listing = listing.where(begins if action.endswith(".") else _AUDIT.action == action)
    if wanted.since_ms is not None:
        listing = listing.where(_AUDIT.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        listing = listing.where(_AUDIT.at_ms < wanted.until_ms)
    return listing
