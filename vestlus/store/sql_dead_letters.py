"""Dead letters in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, select

from vestlus.store import schema
from vestlus.store.rows import DeadLetter
from vestlus.store.sql_codec import LARGEST, cleaned
from vestlus.store.sql_database import Database
from vestlus.store.sql_part import SqlPart

_LETTER: Final = schema.dead_letter.c


class SqlDeadLetters(SqlPart):
    """What was given up. See :class:`~vestlus.store.port.DeadLetters`."""

    def __init__(self, database: Database, outbox_partitions: int) -> None:
        super().__init__(database, outbox_partitions)
        # By themselves: JSON has no bytes, and letters are rare.
        self._add = database.dialect.insert(schema.dead_letter).on_conflict_do_nothing()
        self._newest_letters = (
            select(
                _LETTER.id,
                _LETTER.source,
                _LETTER.reason,
                _LETTER.body,
                _LETTER.at_ms,
                _LETTER.account,
                _LETTER.user_id,
                _LETTER.conversation,
            )
            .where(_LETTER.at_ms < bindparam("before", type_=BigInteger()))
            .order_by(_LETTER.at_ms.desc(), _LETTER.id.desc())
            .limit(bindparam("most", type_=BigInteger()))
        )

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See :meth:`vestlus.store.port.DeadLetters.bury`."""
        if letters:
            await self._database.write(lambda connection: self._add_letters(connection, letters))

    def _add_letters(self, connection: Connection, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        rows = [
            {
                "id": cleaned(letter.id),
                "source": cleaned(letter.source),
                "reason": cleaned(letter.reason),
                "body": letter.body,
                "at_ms": letter.at_ms,
                "account": _cleaned(letter.account),
                "user_id": _cleaned(letter.user),
                "conversation": _cleaned(letter.conversation),
            }
            for letter in sorted(letters, key=lambda letter: letter.id)
        ]
        connection.execute(self._add, rows)

    async def dead_letters(
        self, *, limit: int, before_ms: int | None = None
    ) -> tuple[DeadLetter, ...]:
        """See :meth:`vestlus.store.port.DeadLetters.dead_letters`."""
        before = LARGEST if before_ms is None else before_ms
        rows = await self._database.fetch(self._newest_letters, {"before": before, "most": limit})
        return tuple(
            DeadLetter(
                id=row.id,
                source=row.source,
                reason=row.reason,
                body=row.body,
                at_ms=row.at_ms,
                account=row.account,
                user=row.user_id,
                conversation=row.conversation,
            )
            for row in rows
        )


def _cleaned(value: str | None) -> str | None:
    return None if value is None else cleaned(value)
