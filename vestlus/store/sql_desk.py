"""What people who look after conversations read, in SQL."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    literal_column,
    or_,
    select,
)

from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.rows import ConversationRow, Draft, Kind
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_rows import CONVERSATION_COLUMNS, conversation_row, is_in, picture_ids

_CONVERSATION: Final = schema.conversation.c
_LEDGER: Final = schema.ledger.c
_EVENT: Final = schema.inbox_event.c

_NOT_SENT: Final = (
    SendState.DRAFT,
    SendState.PENDING,
    SendState.SENDING,
    SendState.LOOKING,
)


def has_something_open() -> ColumnElement[bool]:
    """Whether a conversation has a message unanswered, an answer that is not sent, or waits for a
    person.
    """
    unanswered = select(_EVENT.conversation).where(
        _EVENT.state == literal_column(schema.PENDING, Text)
    )
    unsent = select(_LEDGER.conversation).where(is_in(_LEDGER.state, _NOT_SENT))
    return or_(
        _CONVERSATION.waiting_ms > schema.ZERO,
        _CONVERSATION.id.in_(unanswered),
        _CONVERSATION.id.in_(unsent),
    )


class SqlDesk(SqlPart):
    """Conversations and drafts for people. See :class:`~vestlus.store.port.Desk`.

    The newest conversations are found by reading all of them: an index of the times at which users
    wrote would cost every message more than people who look save.
    """

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        most = bindparam("most", type_=BigInteger())
        every = select(*CONVERSATION_COLUMNS).limit(most)
        newest = every.order_by(_CONVERSATION.user_ms.desc(), _CONVERSATION.id)
        is_waiting = _CONVERSATION.waiting_ms > schema.ZERO
        longest = every.where(is_waiting).order_by(_CONVERSATION.waiting_ms, _CONVERSATION.id)
        is_accounts = _CONVERSATION.account == bindparam("account", type_=Text())
        #: By whether they wait, and whether they are of one account.
        self._listings: dict[tuple[bool, bool], Select[Any]] = {
            (False, False): newest,
            (False, True): newest.where(is_accounts),
            (True, False): longest,
            (True, True): longest.where(is_accounts),
        }
        closing = every.where(
            _CONVERSATION.user_ms > bindparam("after", type_=BigInteger()),
            _CONVERSATION.user_ms <= bindparam("before", type_=BigInteger()),
        ).order_by(_CONVERSATION.user_ms, _CONVERSATION.id)
        unfinished, waiting = closing.where(has_something_open()), closing.where(is_waiting)
        self._open_by_window: dict[tuple[bool, bool], Select[Any]] = {
            (False, False): unfinished,
            (False, True): unfinished.where(is_accounts),
            (True, False): waiting,
            (True, True): waiting.where(is_accounts),
        }
        self._all_drafts = (
            select(
                _LEDGER.id,
                _LEDGER.account,
                _LEDGER.user_id,
                _LEDGER.conversation,
                _LEDGER.turn,
                _LEDGER.kind,
                _LEDGER.text,
                _LEDGER.pictures,
                _LEDGER.created_ms,
                _LEDGER.deadline_ms,
            )
            .where(_LEDGER.state == literal_column(schema.DRAFT, Text))
            .order_by(_LEDGER.deadline_ms, _LEDGER.conversation, _LEDGER.position, _LEDGER.id)
            .limit(most)
        )

    async def conversations(
        self, *, limit: int, waiting: bool = False, account: str | None = None
    ) -> tuple[ConversationRow, ...]:
        """See :meth:`vestlus.store.port.Desk.conversations`."""
        values = {"most": limit} | _whose(account)
        statement = self._listings[waiting, account is not None]
        return tuple(conversation_row(row) for row in await self._database.fetch(statement, values))

    async def unfinished_conversations(
        self,
        *,
        after_ms: int,
        before_ms: int,
        limit: int,
        account: str | None = None,
        waiting: bool = False,
    ) -> tuple[ConversationRow, ...]:
        """See :meth:`vestlus.store.port.Desk.unfinished_conversations`."""
        values = {"after": after_ms, "before": before_ms, "most": limit} | _whose(account)
        statement = self._open_by_window[waiting, account is not None]
        return tuple(conversation_row(row) for row in await self._database.fetch(statement, values))

    async def drafts(self, *, limit: int) -> tuple[Draft, ...]:
        """See :meth:`vestlus.store.port.Desk.drafts`."""
        return tuple(
            Draft(
                id=row.id,
                account=row.account,
                user=row.user_id,
                conversation=row.conversation,
                turn=row.turn,
                kind=Kind(row.kind),
                text=row.text,
                pictures=picture_ids(row.pictures),
                created_ms=row.created_ms,
                deadline_ms=row.deadline_ms,
            )
            for row in await self._database.fetch(self._all_drafts, {"most": limit})
        )


def _whose(account: str | None) -> dict[str, object]:
    """The parameter of statements about one account."""
    return {} if account is None else {"account": cleaned(account)}
