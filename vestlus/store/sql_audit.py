"""Entries of the audit, as they are written: with the account that each is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Column, Connection, Insert, Text, bindparam, func, insert, select

from vestlus.store import schema
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.sql_codec import cleaned

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


def add_entry(connection: Connection, entry: AuditEntry) -> None:
    """Writes an entry in the transaction of whoever acts."""
    word, _, _ = entry.action.partition(".")
    connection.execute(_ADDING.get(word, _ADDING_NOBODYS), _values(entry))


def _values(entry: AuditEntry) -> dict[str, Any]:
    values = {
        name: cleaned(value) if isinstance(value, str) else value
        for name, value in asdict(entry).items()
    }
    del values["id"]
    # The name of a column is no name for a parameter of ours.
    return values | {"of": values["target"], "whose": values.pop("account")}


def _adding(named: tuple[Column[Any], ...]) -> Insert:
    """Adds an entry: its account is the one that is given, or that of the first row of its name."""
    given = bindparam("whose", type_=Text())
    found = (
        select(one.table.c.account).where(one == bindparam("of", type_=Text())).scalar_subquery()
        for one in named
    )
    return insert(schema.audit).values(account=func.coalesce(func.nullif(given, ""), *found, ""))


_ADDING: Final[Mapping[str, Insert]] = {
    word: _adding(named) for word, named in _OF_ACCOUNTS.items()
}
_ADDING_NOBODYS: Final = _adding(())
