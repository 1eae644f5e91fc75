"""What is not done yet, counted in SQL by the indexes of just that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Text,
    case,
    func,
    literal_column,
    or_,
    select,
    union,
)

from vestlus.conversation.window import WINDOW_MS
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.measure_rows import OpenWork
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_tokens import SqlTokens

#: A window that closes so soon is worth a look by whoever watches the measures.
CLOSING_SOON_MS: Final = 2 * 60 * 60 * 1000

_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_TALK: Final = schema.conversation.c
_LETTER: Final = schema.dead_letter.c


class SqlOpenWork(SqlTokens):
    """See :class:`~vestlus.store.measure_port.Backlogs`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        now = dialect.now_ms()
        pending = _EVENT.state == literal_column(schema.PENDING, Text)
        undetermined = _EVENT.state == literal_column(schema.UNDETERMINED, Text)
        # Left to people: somebody else sees to that conversation.
        ours = or_(_TALK.silence == "", _TALK.silent_until_ms <= now)
        self._open_pending = (
            select(
                _EVENT.kind, func.count(), func.min(case((ours, _EVENT.recorded_ms), else_=None))
            )
            .join_from(
                schema.inbox_event,
                schema.conversation,
                _TALK.id == _EVENT.conversation,
                isouter=True,
            )
            .where(pending)
            .group_by(_EVENT.kind)
        )
        self._open_undetermined = (
            select(_EVENT.kind, func.count(), func.min(_EVENT.recorded_ms))
            .where(undetermined)
            .group_by(_EVENT.kind)
        )
        unfinished = _LEDGER.state.bool_op("IN")(literal_column(schema.UNFINISHED))
        draft = _LEDGER.state == literal_column(schema.DRAFT, Text)
        # Most are due at once and have no time of their own.
        since = case(
            (_LEDGER.due_ms > _LEDGER.created_ms, _LEDGER.due_ms), else_=_LEDGER.created_ms
        )
        is_due = (_LEDGER.state == str(SendState.PENDING)) & (_LEDGER.due_ms <= now)
        self._open_sends = (
            select(
                _LEDGER.state,
                func.count(),
                func.min(case((is_due, since), else_=None)),
                func.min(_LEDGER.deadline_ms),
            )
            .where(unfinished)
            .group_by(_LEDGER.state)
        )
        self._open_drafts = select(func.count()).select_from(schema.ledger).where(draft)
        is_waiting = _TALK.waiting_ms > schema.ZERO
        self._open_waiting = select(func.count(), func.min(_TALK.waiting_ms)).where(is_waiting)
        # From what is open to its conversations, and not the other way round: most have nothing.
        waiting = schema.conversation.alias("waiting").c
        something = union(
            select(_EVENT.conversation.label("id")).where(pending),
            select(_LEDGER.conversation).where(unfinished),
            select(_LEDGER.conversation).where(draft),
            select(waiting.id).where(waiting.waiting_ms > schema.ZERO),
        ).subquery("something")
        self._open_closing = (
            select(func.count())
            .join_from(something, schema.conversation, _TALK.id == something.c.id)
            .where(
                _TALK.user_ms > now - literal_column(str(WINDOW_MS), BigInteger),
                _TALK.user_ms <= now - literal_column(str(WINDOW_MS - CLOSING_SOON_MS), BigInteger),
            )
        )
        self._open_letters = (
            select(_LETTER.reason, func.count())
            .where(_LETTER.state == literal_column(schema.OPEN, Text))
            .group_by(_LETTER.reason)
        )
        of_post, of_occurrence = schema.post.c.state, schema.occurrence.c.state
        self._post_states = select(of_post, func.count()).group_by(of_post)
        self._occurrence_states = select(of_occurrence, func.count()).group_by(of_occurrence)

    async def open_work(self) -> OpenWork:
        """See :meth:`vestlus.store.measure_port.Backlogs.open_work`."""

        def work(connection: Connection) -> OpenWork:
            pending = connection.execute(self._open_pending).all()
            undetermined = connection.execute(self._open_undetermined).all()
            sends = connection.execute(self._open_sends).all()
            drafts = connection.execute(self._open_drafts).scalar_one()
            waiting, waiting_since = connection.execute(self._open_waiting).one()
            return OpenWork(
                events={f"{kind}/pending": number for kind, number, _ in pending}
                | {f"{kind}/undetermined": number for kind, number, _ in undetermined},
                unanswered_since_ms=_earliest(since for _, _, since in pending),
                undetermined_since_ms=_earliest(since for _, _, since in undetermined),
                sends={state: number for state, number, _, _ in sends}
                | ({str(SendState.DRAFT): drafts} if drafts else {}),
                due_since_ms=_earliest(since for _, _, since, _ in sends),
                deadline_ms=_earliest(deadline for _, _, _, deadline in sends),
                waiting=waiting,
                waiting_since_ms=waiting_since,
                closing=connection.execute(self._open_closing).scalar_one(),
                dead_letters=_numbers(connection.execute(self._open_letters).all()),
                posts=_numbers(connection.execute(self._post_states).all()),
                occurrences=_numbers(connection.execute(self._occurrence_states).all()),
            )

        found = await self._database.read(work)
        return replace(found, tokens=await self.tokens())


def _earliest(times: Iterable[int | None]) -> int | None:
    return min((time for time in times if time is not None), default=None)


def _numbers(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}
