"""Missed messages in SQL: how far they were looked for, and what is recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Row, Text, bindparam, select

from vestlus.conversation.events import EventKind
from vestlus.store import schema
from vestlus.store.names import RESTORED
from vestlus.store.rows import Lease, RecordedMessage
from vestlus.store.sql_codec import cleaned, event_of, indexed
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_rows import is_in

_EVENT: Final = schema.inbox_event.c
_LOOKED: Final = schema.looked_for_missed.c

#: Kinds that bring a message. A reaction or a reading only names one; who takes one back has
#: written it.
_FROM_USER: Final = (EventKind.MESSAGE, EventKind.POSTBACK, EventKind.STANDBY, EventKind.UNSEND)
_BRINGING: Final = (*_FROM_USER, EventKind.ECHO)


class SqlMissed(SqlPart):
    """See :class:`~vestlus.store.port.MissedMessages`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        account = bindparam("account", type_=Text())
        self._looked_until = select(_LOOKED.until_ms).where(_LOOKED.account == account)
        self._restored = select(schema.meta.c.value).where(schema.meta.c.name == RESTORED)
        note = dialect.insert(schema.looked_for_missed).values(
            account=account, until_ms=bindparam("until", type_=BigInteger())
        )
        self._note_looked = note.on_conflict_do_update(
            index_elements=["account"],
            set_={"until_ms": note.excluded.until_ms},
            where=_LOOKED.until_ms < note.excluded.until_ms,
        )
        columns = (_EVENT.seq, _EVENT.kind, _EVENT.mid, _EVENT.timestamp_ms, _EVENT.payload)
        brings = is_in(_EVENT.kind, _BRINGING)
        self._messages_named = select(*columns).where(
            _EVENT.account == account, dialect.one_of(_EVENT.mid, "mids"), brings
        )
        self._messages_since = select(*columns).where(
            _EVENT.conversation == bindparam("of", type_=Text()),
            _EVENT.timestamp_ms >= bindparam("since", type_=BigInteger()),
            brings,
        )

    async def looked_until(self, account: str) -> int:
        """See :meth:`vestlus.store.port.MissedMessages.looked_until`."""
        rows = await self._database.fetch(self._looked_until, {"account": cleaned(account)})
        return int(rows[0][0]) if rows else 0

    async def note_looked(self, lease: Lease, account: str, until_ms: int) -> None:
        """See :meth:`vestlus.store.port.MissedMessages.note_looked`."""

        def work(connection: Connection) -> None:
            self._hold(connection, lease)
            connection.execute(self._note_looked, {"account": cleaned(account), "until": until_ms})

        await self._database.write(work)

    async def restored(self) -> int:
        """See :meth:`vestlus.store.port.MissedMessages.restored`."""
        rows = await self._database.fetch(self._restored, {})
        return int(rows[0][0]) if rows else 0

    async def known_messages(
        self, account: str, conversation: str, mids: Collection[str], since_ms: int
    ) -> tuple[RecordedMessage, ...]:
        """See :meth:`vestlus.store.port.MissedMessages.known_messages`."""
        wanted = {name for mid in mids if (name := indexed(mid, account)) is not None}
        named = {"account": cleaned(account), "mids": self._dialect.value_set(wanted)}
        found = list(await self._database.fetch(self._messages_named, named)) if wanted else []
        recent = {"of": conversation, "since": since_ms}
        found += await self._database.fetch(self._messages_since, recent)
        return _messages(found)


def _messages(found: Sequence[Row[*tuple[Any, ...]]]) -> tuple[RecordedMessage, ...]:
    rows = {row.seq: row for row in found}
    taken_back = {row.mid for row in rows.values() if row.kind == EventKind.UNSEND}
    return tuple(
        RecordedMessage(
            mid=row.mid,
            text=event_of(row.payload).text or "",
            timestamp_ms=row.timestamp_ms,
            from_user=row.kind in _FROM_USER,
            taken_back=row.mid is not None and row.mid in taken_back,
        )
        for _, row in sorted(rows.items())
    )
