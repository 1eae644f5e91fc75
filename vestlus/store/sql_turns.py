"""Conversations in SQL: loaded, taken over, postponed, given up."""

from __future__ import annotations

import json
from collections.abc import Collection
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from vestlus.errors import ConversationGone
from vestlus.store import schema
from vestlus.store.names import partition_number
from vestlus.store.rows import (
    EVENT_LETTER_PREFIX,
    EVENT_SOURCE,
    ConversationRow,
    DeadLetter,
    EventState,
    Lease,
    RecordedEvent,
)
from vestlus.store.sql_codec import cleaned, event_of
from vestlus.store.sql_dead_letters import SqlDeadLetters
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_rows import (
    CONVERSATION_COLUMNS,
    HISTORY_COLUMNS,
    REMOVED,
    conversation_row,
    history_message,
)
from vestlus.store.sql_trail import longer
from vestlus.store.trail import Moment, read, written

_EVENT: Final = schema.inbox_event.c
_CONVERSATION: Final = schema.conversation.c
_HISTORY: Final = schema.history.c

#: More than any conversation has.
_ALL: Final = 2**62

_first: Final = itemgetter(0)

_UNKNOWN: Final = "no such conversation"


class SqlTurns(SqlDeadLetters):
    """Conversations as they are. See :class:`~vestlus.store.port.Turns`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        is_pending = _EVENT.state == literal_column(schema.PENDING, Text)
        self._with_all = _with_all(dialect)
        self._unanswered = (
            select(_EVENT.conversation)
            .where(_EVENT.partition == bindparam("partition", type_=Integer()), is_pending)
            .group_by(_EVENT.conversation)
            .order_by(func.min(_EVENT.seq))
        )
        self._lock_conversations = (
            select(_CONVERSATION.id)
            .where(dialect.one_of(_CONVERSATION.id, "ids"))
            .order_by(_CONVERSATION.id)
            .with_for_update()
        )
        self._raise_takeovers = (
            update(schema.conversation)
            .where(
                dialect.one_of(_CONVERSATION.id, "ids"),
                # What waits for a person, for the end of a pause or for its next try has killed
                # nobody.
                _CONVERSATION.silent_until_ms <= dialect.now_ms(),
                _CONVERSATION.wake_ms <= dialect.now_ms(),
            )
            .values(takeovers=_CONVERSATION.takeovers + 1)
        )
        this = update(schema.conversation).where(
            _CONVERSATION.id == bindparam("conversation", type_=Text())
        )
        self._postpone = this.values(
            wake_ms=bindparam("until", type_=BigInteger()),
            failures=bindparam("failed", type_=BigInteger()),
            trail=longer(_CONVERSATION.trail, bindparam("moment", type_=Text())),
        ).returning(_CONVERSATION.id)
        self._probe = this.values(probes=_CONVERSATION.probes + 1).returning(_CONVERSATION.probes)
        self._absolve = this.values(takeovers=0, probes=0).returning(_CONVERSATION.id)
        self._lock_this = (
            select(_CONVERSATION.trail, _CONVERSATION.takeovers, _CONVERSATION.probes)
            .where(_CONVERSATION.id == bindparam("conversation", type_=Text()))
            .with_for_update()
        )
        self._start_anew = this.values(failures=0, wake_ms=0, takeovers=0, probes=0, trail="")
        self._bury_events = (
            update(schema.inbox_event)
            .where(_EVENT.conversation == bindparam("of", type_=Text()), is_pending)
            .values(state=str(EventState.DEAD))
            .returning(
                _EVENT.key, _EVENT.account, _EVENT.user_id, _EVENT.payload, _EVENT.recorded_ms
            )
        )

    async def take_over(self, lease: Lease) -> tuple[str, ...]:
        """See :meth:`vestlus.store.port.Turns.take_over`."""

        def work(connection: Connection) -> tuple[str, ...]:
            self._hold(connection, lease)
            partition = {"partition": partition_number(lease.name)}
            found = tuple(connection.execute(self._unanswered, partition).scalars())
            if found:
                ids = {"ids": self._dialect.value_set(found)}
                connection.execute(self._lock_conversations, ids)
                connection.execute(self._raise_takeovers, ids)
            return found

        return await self._database.write(work)

    async def load(
        self, conversations: Collection[str], history: int, *, unanswered: int | None = None
    ) -> dict[str, ConversationRow]:
        """See :meth:`vestlus.store.port.Turns.load`."""
        if not conversations:
            return {}
        rows = await self._database.fetch(
            self._with_all,
            {
                "ids": self._dialect.value_set(conversations),
                "newest": history,
                "unanswered": _ALL if unanswered is None else unanswered,
            },
        )
        return {row[0]: _loaded(*row) for row in rows}

    async def postpone(
        self,
        lease: Lease,
        conversation: str,
        *,
        wake_ms: int,
        failures: int,
        moment: Moment | None = None,
    ) -> None:
        """See :meth:`vestlus.store.port.Turns.postpone`."""
        values = {
            "conversation": conversation,
            "until": wake_ms,
            "failed": failures,
            "moment": cleaned(written([moment])) if moment else "",
        }

        def work(connection: Connection) -> None:
            self._hold(connection, lease)
            if connection.execute(self._postpone, values).scalar() is None:
                raise ConversationGone(_UNKNOWN)

        await self._database.write(work)

    async def probe(self, lease: Lease, conversation: str) -> int:
        """See :meth:`vestlus.store.port.Turns.probe`."""

        def work(connection: Connection) -> int:
            self._hold(connection, lease)
            probes = connection.execute(self._probe, {"conversation": conversation}).scalar()
            if probes is None:
                raise ConversationGone(_UNKNOWN)
            return int(probes)

        return await self._database.write(work)

    async def absolve(self, lease: Lease, conversation: str) -> None:
        """See :meth:`vestlus.store.port.Turns.absolve`."""

        def work(connection: Connection) -> None:
            self._hold(connection, lease)
            if connection.execute(self._absolve, {"conversation": conversation}).scalar() is None:
                raise ConversationGone(_UNKNOWN)

        await self._database.write(work)

    async def give_up(self, lease: Lease, conversation: str, *, reason: str, now_ms: int) -> int:
        """See :meth:`vestlus.store.port.Turns.give_up`."""

        def work(connection: Connection) -> int:
            self._hold(connection, lease)
            # First, because it locks the conversation against a turn's commit.
            here = {"conversation": conversation}
            past = connection.execute(self._lock_this, here).one_or_none()
            tried = _tries(past, now_ms) if past is not None else ()
            connection.execute(self._start_anew, here)
            found = connection.execute(self._bury_events, {"of": conversation})
            letters = [
                DeadLetter(
                    id=f"{EVENT_LETTER_PREFIX}{key}",
                    source=EVENT_SOURCE,
                    reason=reason,
                    body=payload.encode(),
                    at_ms=now_ms,
                    account=account,
                    user=user,
                    conversation=conversation,
                    history=(
                        Moment(recorded_ms, "taken_in"),
                        *tried,
                        Moment(now_ms, str(EventState.DEAD), reason),
                    ),
                )
                for key, account, user, payload, recorded_ms in found
            ]
            self._add_letters(connection, letters)
            return len(letters)

        return await self._database.write(work)


def _with_all(dialect: Dialect) -> Select[Any]:
    """Conversations with what was said and what is unanswered, each of these as one JSON text.

    One statement is one way there and back, and needs no transaction for all to be as of one
    moment; of three in a transaction there were five. Positions and numbers are given too,
    because the order within the lists is nobody's promise.
    """
    said = dialect.listed(_HISTORY.position, *HISTORY_COLUMNS).where(
        _HISTORY.conversation == _CONVERSATION.id,
        _HISTORY.position >= _CONVERSATION.messages - bindparam("newest", type_=BigInteger()),
        _HISTORY.role != REMOVED,
    )
    # By the index alone: of a flood, few payloads are read.
    first = schema.inbox_event.alias("waiting")
    numbers = (
        select(first.c.seq)
        .where(
            first.c.conversation == _CONVERSATION.id,
            first.c.state == literal_column(schema.PENDING, Text),
        )
        .order_by(first.c.seq)
        .limit(bindparam("unanswered", type_=BigInteger()))
        .correlate(schema.conversation)
    )
    waiting = dialect.listed(_EVENT.seq, _EVENT.payload, _EVENT.recorded_ms).where(
        _EVENT.seq.in_(numbers)
    )
    return select(
        *CONVERSATION_COLUMNS,
        said.correlate(schema.conversation).scalar_subquery(),
        waiting.correlate(schema.conversation).scalar_subquery(),
    ).where(dialect.one_of(_CONVERSATION.id, "ids"))


def _loaded(*row: Any) -> ConversationRow:  # noqa: ANN401 - columns of many types
    """A row of :func:`_with_all` as a value. The lists are missing where they would be empty."""
    *columns, said, waiting = row
    history = sorted(json.loads(said or "[]"), key=_first)
    pending = sorted(json.loads(waiting or "[]"), key=_first)
    return conversation_row(
        columns,
        tuple(history_message(*one) for _, *one in history),
        tuple(
            RecordedEvent(seq, event_of(payload), EventState.PENDING, at_ms)
            for seq, payload, at_ms in pending
        ),
    )


def _tries(past: Row[*tuple[Any, ...]], now_ms: int) -> tuple[Moment, ...]:
    """What a conversation's row tells of the tries to answer, in moments."""
    trail, takeovers, probes = past
    counted = [
        Moment(now_ms, what, str(number))
        for what, number in (("owners_that_took_over", takeovers), ("tries_set_apart", probes))
        if number
    ]
    return (*read(trail), *counted)
