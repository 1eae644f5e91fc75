"""Sessions of the console and the audit, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ScalarSelect,
    Select,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.operator_rows import AuditEntry, AuditWanted, ConsoleSession
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_AUDIT: Final = schema.audit.c
_SESSION: Final = schema.console_session.c
#: What the rest of the service is told of an entry: whose account it is about is for retention.
_TOLD: Final = tuple(column for column in _AUDIT if column is not _AUDIT.account)
#: What acts are done to that belongs to an account, by the first word of what the audit calls the
#: act. Of others no target is an account's, though it may read like the name of a schedule.
_OF_ACCOUNTS: Final[Mapping[str, tuple[Column[Any], ...]]] = {
    "account": (schema.account_token.c.account,),
    "conversation": (schema.conversation.c.id,),
    "dead_letter": (schema.dead_letter.c.id,),
    # The command that plans one names the account.
    "post": (schema.post.c.id, schema.occurrence.c.id, schema.account_token.c.account),
    "schedule": (schema.schedule.c.name,),
    # An export names the conversation; an erasure its code.
    "user": (schema.conversation.c.id,),
}


class SqlOperators(SqlPart):
    """See :class:`~vestlus.store.operator_port.Operators`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._audit_nobodys = insert(schema.audit)
        self._audit_accounts = {
            word: insert(schema.audit).values(
                account=func.coalesce(*(_account_of(one) for one in named), "")
            )
            for word, named in _OF_ACCOUNTS.items()
        }
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
            self._add_entry(connection, entry)

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
            self._add_entry(connection, entry)

        await self._database.write(work)

    async def sessions(self, at_ms: int) -> tuple[ConsoleSession, ...]:
        """See :meth:`vestlus.store.operator_port.Operators.sessions`."""
        rows = await self._database.fetch(self._session_all, {"at": at_ms})
        return tuple(ConsoleSession(*row) for row in rows)

    async def audit(self, entry: AuditEntry) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.audit`."""
        await self._database.write(lambda connection: self._add_entry(connection, entry))

    def _add_entry(self, connection: Connection, entry: AuditEntry) -> None:
        word, _, _ = entry.action.partition(".")
        adding = self._audit_accounts.get(word, self._audit_nobodys)
        connection.execute(adding, audit_values(entry))

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


def audit_values(entry: AuditEntry) -> dict[str, Any]:
    """An entry as parameters of an insert."""
    values = {
        name: cleaned(value) if isinstance(value, str) else value
        for name, value in asdict(entry).items()
    }
    del values["id"]
    # The name of a column is no name for a parameter of ours.
    return values | {"of": values["target"]}


def _account_of(named: Column[Any]) -> ScalarSelect[Any]:
    """The account of the row of that name, if there is one."""
    return (
        select(named.table.c.account)
        .where(named == bindparam("of", type_=Text()))
        .scalar_subquery()
    )
