"""All rows that hold something of one user, as they are read and counted.

Which tables and columns these are is declared in :mod:`vestlus.privacy.inventory`; a test holds the
two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, LargeBinary, Text, bindparam, func, select, text

from vestlus.store import schema
from vestlus.store.erasing import UserData
from vestlus.store.sql_dialect import Dialect
from vestlus.store.user_letters import Kept, Parts, naming, parts_of

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
        """Every row of the user's by table: whole, but for letters with others in them."""
        found: dict[str, list[dict[str, Any]]] = {}
        for name, (table, is_mine) in self._tables.items():
            rows = connection.execute(select(table).where(is_mine), {"of": whose.conversation})
            found[name] = [dict(row._mapping) for row in rows]  # noqa: SLF001 - public in SQLAlchemy
        bodies = {
            id_: b"" if parts is None else parts.mine
            for id_, parts in self._letters_that_name(connection, whose).items()
            if parts is None or parts.mine
        }
        if bodies:
            letters = select(schema.dead_letter).where(self._dialect.one_of(_LETTER.id, "ids"))
            rows = connection.execute(letters, {"ids": self._dialect.value_set(bodies)})
            found["dead_letter"] += [
                dict(row._mapping) | {"body": bodies[row.id]}  # noqa: SLF001
                for row in rows
            ]
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

    def _letters_that_name(self, connection: Connection, whose: Kept) -> dict[str, Parts | None]:
        """Letters of no conversation in whose raw body the user's id stands, whole, by id; ``None``
        for those that cannot be taken apart.
        """
        condition = _NAMES_USER[connection.dialect.name].bindparams(
            bindparam("id", whose.user.encode(), type_=LargeBinary())
        )
        found = connection.execute(select(_LETTER.id, _LETTER.body).where(condition))
        stands_in = naming(whose.user).search
        return {row.id: parts_of(row.body, whose) for row in found if stands_in(row.body)}
