"""What was said, read: parts of histories, single messages, summaries kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
    update,
)

from vestlus.conversation.events import EventKind
from vestlus.conversation.history import HistoryMessage
from vestlus.store import schema
from vestlus.store.rows import Lease
from vestlus.store.sql_codec import cleaned, event_of
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_rows import HISTORY_COLUMNS, REMOVED, history_message, is_in

_EVENT: Final = schema.inbox_event.c
_CONVERSATION: Final = schema.conversation.c
_HISTORY: Final = schema.history.c
_LEDGER: Final = schema.ledger.c

#: Where a text was found.
_SAID, _SENT, _RECORDED = range(3)

_WITH_TEXT: Final = (EventKind.MESSAGE, EventKind.ECHO, EventKind.STANDBY)


class SqlHistory(SqlPart):
    """What was said. See :class:`~vestlus.store.port.Turns`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        of = bindparam("of", type_=Text())
        first = bindparam("first", type_=BigInteger())
        in_sight = (_HISTORY.conversation == of, _HISTORY.role != REMOVED)
        self._part = (
            select(*HISTORY_COLUMNS)
            .where(
                *in_sight,
                _HISTORY.position >= first,
                _HISTORY.position < first + bindparam("most", type_=BigInteger()),
            )
            .order_by(_HISTORY.position)
        )
        self._keep_summary = (
            update(schema.conversation)
            .where(
                _CONVERSATION.id == of,
                _CONVERSATION.summarised < bindparam("until", type_=BigInteger()),
                _CONVERSATION.version
                == func.coalesce(bindparam("as_of", type_=BigInteger()), _CONVERSATION.version),
            )
            .values(
                summary=bindparam("said", type_=Text()),
                summarised=bindparam("until", type_=BigInteger()),
            )
            .returning(_CONVERSATION.id)
        )
        account = bindparam("account", type_=Text())
        # Conversations are compared afterwards: their indexes lead to more rows than those of mids.
        self._texts = union_all(
            select(_place(_SAID), _HISTORY.conversation, _HISTORY.mid, _HISTORY.text).where(
                *in_sight, dialect.one_of(_HISTORY.mid, "mids")
            ),
            *(
                select(_place(_SENT), _LEDGER.conversation, mid, _LEDGER.text).where(
                    _LEDGER.account == account, dialect.one_of(mid, "mids")
                )
                for mid in (_LEDGER.sent_mid, _LEDGER.echo_mid)
            ),
            select(_place(_RECORDED), _EVENT.conversation, _EVENT.mid, _EVENT.payload).where(
                _EVENT.account == account,
                dialect.one_of(_EVENT.mid, "mids"),
                is_in(_EVENT.kind, _WITH_TEXT),
            ),
        )

    async def part_of_history(
        self, conversation: str, first: int, count: int
    ) -> tuple[HistoryMessage, ...]:
        """See :meth:`vestlus.store.port.Turns.part_of_history`."""
        rows = await self._database.fetch(
            self._part, {"of": conversation, "first": first, "most": count}
        )
        return tuple(history_message(*row) for row in rows)

    async def keep_summary(
        self,
        lease: Lease,
        conversation: str,
        *,
        summary: str,
        summarised: int,
        version: int | None = None,
    ) -> bool:
        """See :meth:`vestlus.store.port.Turns.keep_summary`."""
        values = {
            "of": conversation,
            "said": cleaned(summary),
            "until": summarised,
            "as_of": version,
        }

        def work(connection: Connection) -> bool:
            self._hold(connection, lease)
            return connection.execute(self._keep_summary, values).scalar() is not None

        return await self._database.write(work)

    async def texts_of(
        self, account: str, conversation: str, mids: Collection[str]
    ) -> dict[str, str]:
        """See :meth:`vestlus.store.port.Turns.texts_of`.

        What the history says of a message counts before what was sent or recorded.
        """
        if not mids:
            return {}
        values = {
            "account": cleaned(account),
            "of": conversation,
            "mids": self._dialect.value_set(mids),
        }
        texts: dict[str, str] = {}
        rows = await self._database.fetch(self._texts, values)
        for place, owner, mid, text in sorted(rows, key=lambda row: int(row[0])):
            if owner == conversation:
                found = (event_of(text).text or "") if place == _RECORDED else text
                if found:
                    texts.setdefault(mid, found)
        return texts


def _place(number: int) -> ColumnElement[int]:
    """Written out: a literal would become another parameter."""
    return literal_column(str(number), Integer)
