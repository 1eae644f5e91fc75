"""What is kept of one conversation, in SQL: from the history, the events and the ledger."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, select, union_all

from vestlus.conversation.events import EventKind
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.rows import Kind, Origin, RecordedEvent
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_rows import REMOVED, is_in, picture_ids
from vestlus.store.sql_talk_rows import EVENT_COLUMNS, SAID_KINDS, recorded
from vestlus.store.talk_rows import HistoryLine, Sending, TranscriptPart

_CONVERSATION: Final = schema.conversation.c
_HISTORY: Final = schema.history.c
_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_READ: Final = schema.conversation_read.c

_SHOWN: Final = (*SAID_KINDS, EventKind.OPERATOR, EventKind.HANDOVER, EventKind.REFERRAL)
_ABOUT: Final = (EventKind.EDIT, EventKind.UNSEND, EventKind.REACTION)

_SENDING: Final = (
    _LEDGER.id,
    _LEDGER.position,
    _LEDGER.turn,
    _LEDGER.kind,
    _LEDGER.text,
    _LEDGER.pictures,
    _LEDGER.origin,
    _LEDGER.state,
    _LEDGER.reason,
    _LEDGER.created_ms,
    _LEDGER.changed_ms,
    _LEDGER.deadline_ms,
    _LEDGER.sent_mid,
    _LEDGER.echo_mid,
)


class SqlTranscripts(SqlPart):
    """See :class:`~vestlus.store.talk_port.Talks`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        of, account = bindparam("of", type_=Text()), bindparam("account", type_=Text())
        before = bindparam("before", type_=BigInteger())
        most = bindparam("most", type_=BigInteger())
        self._history_part = (
            select(
                _HISTORY.position,
                _HISTORY.role,
                _HISTORY.text,
                _HISTORY.at_ms,
                _HISTORY.mid,
                _HISTORY.turn,
            )
            .where(_HISTORY.conversation == of, _HISTORY.role != REMOVED, _HISTORY.at_ms < before)
            .order_by(_HISTORY.position.desc())
            .limit(most)
        )
        mine = _EVENT.conversation == of
        self._events_part = (
            select(*EVENT_COLUMNS)
            .where(mine, _EVENT.timestamp_ms < before, is_in(_EVENT.kind, _SHOWN))
            .order_by(_EVENT.timestamp_ms.desc(), _EVENT.seq.desc())
            .limit(most)
        )
        self._sends_part = (
            select(*_SENDING)
            .where(_LEDGER.conversation == of, _LEDGER.created_ms < before)
            .order_by(_LEDGER.created_ms.desc(), _LEDGER.position.desc(), _LEDGER.id.desc())
            .limit(most)
        )
        by_mid = (_EVENT.account == account, dialect.one_of(_EVENT.mid, "mids"), mine)
        self._about_part = (
            select(*EVENT_COLUMNS).where(*by_mid, is_in(_EVENT.kind, _ABOUT)).order_by(_EVENT.seq)
        )
        self._recorded_mids = select(_EVENT.mid).where(*by_mid, is_in(_EVENT.kind, SAID_KINDS))
        self._promised_turns = (
            select(_LEDGER.turn)
            .where(_LEDGER.conversation == of, dialect.one_of(_LEDGER.turn, "turns"))
            .distinct()
        )
        self._claimed_here = union_all(
            *(
                select(mid).where(_LEDGER.account == account, dialect.one_of(mid, "mids"))
                for mid in (_LEDGER.sent_mid, _LEDGER.echo_mid)
            )
        )
        self._seen_until = select(func.max(_EVENT.timestamp_ms)).where(
            mine, _EVENT.kind == str(EventKind.READ)
        )
        self._drafted_turns = (
            select(_LEDGER.turn)
            .where(_LEDGER.conversation == of, _LEDGER.state == str(SendState.DRAFT))
            .distinct()
        )
        self._one_event = select(*EVENT_COLUMNS).where(
            _EVENT.seq == bindparam("seq", type_=BigInteger()), mine
        )
        newest = select(func.max(_EVENT.timestamp_ms)).where(mine).scalar_subquery()
        step = (
            select(func.max(_LEDGER.changed_ms)).where(_LEDGER.conversation == of).scalar_subquery()
        )
        read = select(_READ.read_ms).where(_READ.conversation == of).scalar_subquery()
        # Who did something is written down right after it was handed in.
        done = (
            select(func.max(schema.audit.c.id)).where(schema.audit.c.target == of).scalar_subquery()
        )
        stands = ("version", "messages", "user_ms", "silence", "silent_until_ms", "waiting_ms")
        self._talk_stamp: Any = select(
            newest,
            step,
            read,
            done,
            *(_CONVERSATION[name] for name in (*stands, "language", "failures")),
        ).where(_CONVERSATION.id == of)
        waits = select(func.count(), func.max(_CONVERSATION.waiting_ms)).where(
            _CONVERSATION.waiting_ms > schema.ZERO
        )
        self._talks_stamps: tuple[Any, ...] = (
            select(func.max(_EVENT.seq)),
            waits,
            select(func.max(_READ.read_ms)),
        )

    async def transcript(
        self, conversation: str, account: str, *, before_ms: int, limit: int
    ) -> TranscriptPart:
        """See :meth:`vestlus.store.talk_port.Talks.transcript`."""
        whose = {"of": cleaned(conversation), "account": cleaned(account)}
        # One more of each kind tells whether there is something older.
        part = {**whose, "before": before_ms, "most": limit + 1}

        def work(connection: Connection) -> TranscriptPart:
            lines = connection.execute(self._history_part, part).all()
            history = [HistoryLine(**row._mapping) for row in lines]  # noqa: SLF001 - public
            events = [recorded(row) for row in connection.execute(self._events_part, part)]
            sends = [_sending(row) for row in connection.execute(self._sends_part, part)]
            said = {one.mid for one in history if one.mid}
            heard = {one.event.mid for one in events if one.event.mid}
            sent = {mid for one in sends for mid in (one.sent_mid, one.echo_mid) if mid}
            about = self._with_mids(connection, self._about_part, whose, said | heard | sent)
            return TranscriptPart(
                history=tuple(history[:limit]),
                events=tuple(events[:limit]),
                sends=tuple(sends[:limit]),
                about=tuple(recorded(row) for row in about),
                recorded=frozenset(
                    row[0] for row in self._with_mids(connection, self._recorded_mids, whose, said)
                ),
                promised=self._turns_promised(connection, whose, history),
                claimed=frozenset(
                    row[0]
                    for row in self._with_mids(connection, self._claimed_here, whose, said | heard)
                ),
                seen_ms=int(connection.execute(self._seen_until, whose).scalar() or 0),
                more=max(len(history), len(events), len(sends)) > limit,
            )

        return await self._database.read(work)

    async def drafts_of(self, conversation: str) -> frozenset[int]:
        """See :meth:`vestlus.store.talk_port.Talks.drafts_of`."""
        rows = await self._database.fetch(self._drafted_turns, {"of": cleaned(conversation)})
        return frozenset(row[0] for row in rows)

    async def recorded_event(self, conversation: str, seq: int) -> RecordedEvent | None:
        """See :meth:`vestlus.store.talk_port.Talks.recorded_event`."""
        values = {"of": cleaned(conversation), "seq": seq}
        rows = await self._database.fetch(self._one_event, values)
        return recorded(rows[0]) if rows else None

    async def talk_stamp(self, conversation: str) -> str:
        """See :meth:`vestlus.store.talk_port.Talks.talk_stamp`."""
        rows = await self._database.fetch(self._talk_stamp, {"of": cleaned(conversation)})
        return ".".join(map(str, rows[0])) if rows else ""

    async def talks_stamp(self) -> str:
        """See :meth:`vestlus.store.talk_port.Talks.talks_stamp`."""

        def work(connection: Connection) -> str:
            found = (connection.execute(one).one() for one in self._talks_stamps)
            return ".".join(str(value) for row in found for value in row)

        return await self._database.read(work)

    def _turns_promised(
        self, connection: Connection, whose: dict[str, str], history: list[HistoryLine]
    ) -> frozenset[int]:
        turns = {one.turn for one in history if one.turn is not None}
        if not turns:
            return frozenset()
        sets = {"of": whose["of"], "turns": self._dialect.value_set(turns)}
        return frozenset(connection.execute(self._promised_turns, sets).scalars())

    def _with_mids(
        self,
        connection: Connection,
        statement: Any,  # noqa: ANN401 - selects of several columns, and their union
        whose: dict[str, str],
        mids: set[str],
    ) -> list[Any]:
        if not mids:
            return []
        sets = {**whose, "mids": self._dialect.value_set(mids)}
        return list(connection.execute(statement, sets))


def _sending(row: Any) -> Sending:  # noqa: ANN401 - a row of our own columns
    values = dict(row._mapping)  # noqa: SLF001 - public in SQLAlchemy
    return Sending(
        **values
        | {
            "kind": Kind(values["kind"]),
            "origin": Origin(values["origin"]),
            "state": SendState(values["state"]),
            "pictures": picture_ids(values["pictures"]),
        }
    )
