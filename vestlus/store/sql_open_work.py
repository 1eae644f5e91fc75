"""What is not done yet, counted in SQL by the indexes of just that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
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
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_tokens import SqlTokens

#: A window that closes so soon is worth a look by whoever watches the measures.
CLOSING_SOON_MS: Final = 2 * 60 * 60 * 1000

_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_TALK: Final = schema.conversation.c
_LETTER: Final = schema.dead_letter.c


class OpenQuestions:
    """The statements, of every account or, with ``account``, of the one that is given to them."""

    def __init__(self, dialect: Dialect, account: BindParameter[str] | None = None) -> None:
        def of(column: ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
            # Not the bare column: by an index of accounts all that is kept would be read.
            return () if account is None else (column.concat("") == account,)

        now = dialect.now_ms()
        pending = _EVENT.state == literal_column(schema.PENDING, Text)
        undetermined = _EVENT.state == literal_column(schema.UNDETERMINED, Text)
        # Left to people: somebody else sees to that conversation.
        ours = or_(_TALK.silence == "", _TALK.silent_until_ms <= now)
        self.pending = (
            select(
                _EVENT.kind, func.count(), func.min(case((ours, _EVENT.recorded_ms), else_=None))
            )
            .join_from(
                schema.inbox_event,
                schema.conversation,
                _TALK.id == _EVENT.conversation,
                isouter=True,
            )
            .where(pending, *of(_EVENT.account))
            .group_by(_EVENT.kind)
        )
        self.undetermined = (
            select(_EVENT.kind, func.count(), func.min(_EVENT.recorded_ms))
            .where(undetermined, *of(_EVENT.account))
            .group_by(_EVENT.kind)
        )
        unfinished = _LEDGER.state.bool_op("IN")(literal_column(schema.UNFINISHED))
        draft = _LEDGER.state == literal_column(schema.DRAFT, Text)
        # Most are due at once and have no time of their own.
        since = case(
            (_LEDGER.due_ms > _LEDGER.created_ms, _LEDGER.due_ms), else_=_LEDGER.created_ms
        )
        is_due = (_LEDGER.state == str(SendState.PENDING)) & (_LEDGER.due_ms <= now)
        self.sends = (
            select(
                _LEDGER.state,
                func.count(),
                func.min(case((is_due, since), else_=None)),
                func.min(_LEDGER.deadline_ms),
            )
            .where(unfinished, *of(_LEDGER.account))
            .group_by(_LEDGER.state)
        )
        self.drafts = select(func.count(), func.min(_LEDGER.deadline_ms))
        self.drafts = self.drafts.where(draft, *of(_LEDGER.account))
        is_waiting = _TALK.waiting_ms > schema.ZERO
        self.waiting = select(func.count(), func.min(_TALK.waiting_ms))
        self.waiting = self.waiting.where(is_waiting, *of(_TALK.account))
        # From what is open to its conversations, and not the other way round: most have nothing.
        waiting = schema.conversation.alias("waiting").c
        something = union(
            select(_EVENT.conversation.label("id")).where(pending),
            select(_LEDGER.conversation).where(unfinished),
            select(_LEDGER.conversation).where(draft),
            select(waiting.id).where(waiting.waiting_ms > schema.ZERO),
        ).subquery("something")
        self.closing = (
            select(func.count())
            .join_from(something, schema.conversation, _TALK.id == something.c.id)
            .where(
                _TALK.user_ms > now - literal_column(str(WINDOW_MS), BigInteger),
                _TALK.user_ms <= now - literal_column(str(WINDOW_MS - CLOSING_SOON_MS), BigInteger),
                *of(_TALK.account),
            )
        )
        is_open = _LETTER.state == literal_column(schema.OPEN, Text)
        self.letters = select(_LETTER.reason, func.count()).group_by(_LETTER.reason)
        self.letters = self.letters.where(is_open, *of(_LETTER.account))
        of_post, of_occurrence = schema.post.c, schema.occurrence.c
        self.posts = select(of_post.state, func.count()).group_by(of_post.state)
        self.posts = self.posts.where(*of(of_post.account))
        self.occurrences = select(of_occurrence.state, func.count()).group_by(of_occurrence.state)
        self.occurrences = self.occurrences.where(*of(of_occurrence.account))


class SqlOpenWork(SqlTokens):
    """See :class:`~vestlus.store.measure_port.Backlogs`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._open = OpenQuestions(dialect)
        self._open_of_one = OpenQuestions(dialect, bindparam("of", type_=Text()))

    async def open_work(self, *, account: str | None = None) -> OpenWork:
        """See :meth:`vestlus.store.measure_port.Backlogs.open_work`."""
        ask = self._open if account is None else self._open_of_one
        values = {} if account is None else {"of": cleaned(account)}

        def work(connection: Connection) -> OpenWork:
            def rows(statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
                return connection.execute(statement, values).all()

            pending, undetermined = rows(ask.pending), rows(ask.undetermined)
            sends, [[drafts, draft_deadline]] = rows(ask.sends), rows(ask.drafts)
            [[waiting, waiting_since]], [[closing]] = rows(ask.waiting), rows(ask.closing)
            return OpenWork(
                events={f"{kind}/pending": number for kind, number, _ in pending}
                | {f"{kind}/undetermined": number for kind, number, _ in undetermined},
                unanswered_since_ms=_earliest(since for _, _, since in pending),
                undetermined_since_ms=_earliest(since for _, _, since in undetermined),
                sends={state: number for state, number, _, _ in sends}
                | ({str(SendState.DRAFT): drafts} if drafts else {}),
                due_since_ms=_earliest(since for _, _, since, _ in sends),
                deadline_ms=_earliest(deadline for _, _, _, deadline in sends),
                draft_deadline_ms=draft_deadline,
                waiting=waiting,
                waiting_since_ms=waiting_since,
                closing=closing,
                dead_letters=_numbers(rows(ask.letters)),
                posts=_numbers(rows(ask.posts)),
                occurrences=_numbers(rows(ask.occurrences)),
            )

        found = await self._database.read(work)
        tokens = await self.tokens()
        return replace(found, tokens=tuple(one for one in tokens if account in (None, one.account)))


def _earliest(times: Iterable[int | None]) -> int | None:
    return min((time for time in times if time is not None), default=None)


def _numbers(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}
