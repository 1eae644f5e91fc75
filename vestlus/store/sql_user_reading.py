"""All rows that hold something of one user, as they are read and counted.

Which tables and columns these are is declared in :mod:`vestlus.privacy.inventory`; a test holds the
two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, LargeBinary, Text, bindparam, func, select, text

from vestlus.store import schema
from vestlus.store.erasing import UserData
from vestlus.store.sql_dialect import Dialect

_CONVERSATION: Final = schema.conversation.c
_HISTORY: Final = schema.history.c
_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_LETTER: Final = schema.dead_letter.c

#: A dead letter that nobody could read is looked through for the user's id, in the database.
_NAMES_USER: Final = {
    "postgresql": text("conversation IS NULL AND position(:id IN body) > 0"),
    "sqlite": text("conversation IS NULL AND instr(body, :id) > 0"),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Whose rows."""

    account: str
    user: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest of a user's events: by number, and Meta's latest time."""

    seq: int
    timestamp_ms: int


class UserReading:
    """Statements that read one user's rows."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        of = bindparam("of", type_=Text())
        self._tables = {
            table.name: (table, column == of)
            for table, column in (
                (schema.conversation, _CONVERSATION.id),
                (schema.history, _HISTORY.conversation),
                (schema.inbox_event, _EVENT.conversation),
                (schema.ledger, _LEDGER.conversation),
                (schema.dead_letter, _LETTER.conversation),
                (schema.preservation, schema.preservation.c.conversation),
                (schema.conversation_read, schema.conversation_read.c.conversation),
            )
        }
        self._newest = select(
            func.coalesce(func.max(_EVENT.seq), 0), func.coalesce(func.max(_EVENT.timestamp_ms), 0)
        ).where(_EVENT.conversation == of)

    def read(self, connection: Connection, whose: Kept) -> UserData:
        """Every row of the user's, whole, by table."""
        found: dict[str, list[dict[str, Any]]] = {}
        for name, (table, is_mine) in self._tables.items():
            rows = connection.execute(select(table).where(is_mine), {"of": whose.conversation})
            found[name] = [dict(row._mapping) for row in rows]  # noqa: SLF001 - public in SQLAlchemy
        named = self._letters_that_name(connection, whose)
        if named:
            letters = select(schema.dead_letter).where(self._dialect.one_of(_LETTER.id, "ids"))
            rows = connection.execute(letters, {"ids": self._dialect.value_set(named)})
            found["dead_letter"] += [dict(row._mapping) for row in rows]  # noqa: SLF001
        return {name: rows for name, rows in found.items() if rows}

    def count(self, connection: Connection, conversation: str) -> dict[str, int]:
        """How many rows there are, by table."""
        found = {
            name: int(
                connection.execute(
                    select(func.count()).select_from(table).where(is_mine), {"of": conversation}
                ).scalar_one()
            )
            for name, (table, is_mine) in self._tables.items()
        }
        return {name: rows for name, rows in found.items() if rows}

    def newest(self, connection: Connection, whose: Kept) -> Newest:
        """The newest of the user's events."""
        return Newest(*connection.execute(self._newest, {"of": whose.conversation}).one())

    def _letters_that_name(self, connection: Connection, whose: Kept) -> list[str]:
        """Letters of no conversation in whose raw body the user's id stands, whole."""
        condition = _NAMES_USER[connection.dialect.name].bindparams(
            bindparam("id", whose.user.encode(), type_=LargeBinary())
        )
        found = connection.execute(select(_LETTER.id, _LETTER.body).where(condition))
        whole = re.compile(rb"(?<![0-9A-Za-z_-])" + re.escape(whose.user.encode()) + rb"(?![\w-])")
        return [row.id for row in found if whole.search(row.body)]
