"""Marks of preserved conversations, in SQL. See :mod:`vestlus.store.preserving`.

The reason lies in a table of its own. The conversation's row, which each of its messages writes
anew, has a number that says whether it is marked: pruning looks at that one.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, case, delete, select, update

from vestlus.store import schema
from vestlus.store.preserving import Preservation
from vestlus.store.sql_codec import cleaned, within_range
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_CONVERSATION: Final = schema.conversation.c
_MARK: Final = schema.preservation.c

_OF: Final = bindparam("of", type_=Text())


def is_preserved(connection: Connection, dialect: Dialect, conversation: str) -> bool:
    """Whether nothing of it may go now; locks its row, so that no mark is set until the commit.

    For whoever erases, in the transaction that does it.
    """
    of = {"of": cleaned(conversation)}
    locked = select(_CONVERSATION.preserved_ms).where(_CONVERSATION.id == _OF).with_for_update()
    if not connection.execute(locked, of).scalar():
        return False
    until = select(_MARK.until_ms, dialect.now_ms()).where(_MARK.conversation == _OF)
    # Marked by a version that noted no reason: until somebody releases it.
    until_ms, now_ms = connection.execute(until, of).one_or_none() or (0, 0)
    return until_ms == 0 or now_ms < until_ms


class SqlPreserving(SqlPart):
    """See :class:`~vestlus.store.preserving.Preserving`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        #: Keeps the time of a mark that is there.
        self._set_mark = (
            update(schema.conversation)
            .where(_CONVERSATION.id == _OF)
            .values(
                preserved_ms=case(
                    (_CONVERSATION.preserved_ms > schema.ZERO, _CONVERSATION.preserved_ms),
                    else_=dialect.now_ms(),
                )
            )
            .returning(_CONVERSATION.preserved_ms)
        )
        self._take_mark = (
            update(schema.conversation)
            .where(_CONVERSATION.id == _OF)
            .values(preserved_ms=0)
            .returning(_CONVERSATION.id)
        )
        added = dialect.insert(schema.preservation).values(
            conversation=_OF,
            reason=bindparam("why", type_=Text()),
            by_whom=bindparam("by", type_=Text()),
            since_ms=bindparam("since", type_=BigInteger()),
            until_ms=bindparam("until", type_=BigInteger()),
        )
        self._note = added.on_conflict_do_update(
            index_elements=[_MARK.conversation],
            set_={name: added.excluded[name] for name in ("reason", "by_whom", "until_ms")},
        )
        self._forget_note = delete(schema.preservation).where(_MARK.conversation == _OF)
        self._begin_anew = delete(schema.pruning_mark)
        self._noted = select(schema.preservation, dialect.now_ms().label("now")).where(
            _MARK.conversation == _OF
        )
        self._ended = (
            select(_MARK.conversation)
            .where(_MARK.until_ms > schema.ZERO, _MARK.until_ms <= dialect.now_ms())
            .order_by(_MARK.conversation)
        )

    async def preserve(self, conversation: str, *, reason: str, by: str, until_ms: int = 0) -> bool:
        """See :meth:`vestlus.store.preserving.Preserving.preserve`."""
        of = cleaned(conversation)
        note: dict[str, Any] = {
            "of": of,
            "why": cleaned(reason),
            "by": cleaned(by),
            "until": within_range(until_ms),
        }

        def work(connection: Connection) -> bool:
            since = connection.execute(self._set_mark, {"of": of}).scalar()
            if since is None:
                return False
            connection.execute(self._note, note | {"since": since})
            return True

        return await self._database.write(work)

    async def release_conversation(self, conversation: str) -> bool:
        """See :meth:`vestlus.store.preserving.Preserving.release_conversation`."""
        of = cleaned(conversation)
        return await self._database.write(lambda connection: self._release(connection, of))

    async def preservation(self, conversation: str) -> Preservation | None:
        """See :meth:`vestlus.store.preserving.Preserving.preservation`."""
        for row in await self._database.fetch(self._noted, {"of": cleaned(conversation)}):
            mark = Preservation(
                row.conversation, row.reason, row.by_whom, row.since_ms, row.until_ms
            )
            return mark if mark.holds(row.now) else None
        return None

    async def end_preservations(self) -> int:
        """See :meth:`vestlus.store.preserving.Preserving.end_preservations`."""

        def work(connection: Connection) -> int:
            ended = connection.execute(self._ended).scalars().all()
            return sum(
                self._release(connection, one)
                for one in ended
                # Renewed since it was read.
                if not is_preserved(connection, self._dialect, one)
            )

        return await self._database.write(work)

    def _release(self, connection: Connection, conversation: str) -> bool:
        of = {"of": conversation}
        known = connection.execute(self._take_mark, of).scalar() is not None
        connection.execute(self._forget_note, of)
        # What was kept of it lies behind the marks.
        connection.execute(self._begin_anew)
        return known
