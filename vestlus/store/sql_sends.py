"""What events make of ledger rows that are not sent yet, and whose echoes they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    bindparam,
    func,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.ledger import UNSEEN, SendState
from vestlus.store.rows import MOST_SENDS, Kind, NewSend, Origin, SendRow
from vestlus.store.sql_codec import cleaned, rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_promises import Promises
from vestlus.store.sql_rows import SEND_COLUMNS, is_in, send_row
from vestlus.store.sql_trail import longer
from vestlus.store.trail import Moment, written

_CONVERSATION: Final = schema.conversation.c
_LEDGER: Final = schema.ledger.c

#: Why rows are cancelled, in the column ``reason``.
REJECTED: Final = "rejected"
REWORDED: Final = "reworded"

#: Why a draft is to be sent after all, in its history.
APPROVED: Final = "approved"


@dataclass(frozen=True, slots=True)
class Mark:
    """That an echo is a send's."""

    conversation: str
    mid: str


class Sends:
    """Statements on ledger rows. Whoever uses them holds the conversations' rows."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        self._dialect = dialect
        self._promises = Promises(dialect, outbox_partitions)
        of, turn = bindparam("of", type_=Text()), bindparam("of_turn", type_=BigInteger())
        self._seen = (
            select(_LEDGER.turn)
            .where(
                _LEDGER.conversation == of,
                _LEDGER.origin == str(Origin.BOT),
                dialect.one_of(_LEDGER.turn, "turns"),
                ~is_in(_LEDGER.state, sorted(UNSEEN)),
            )
            .distinct()
        )
        is_turns = (_LEDGER.conversation == of, _LEDGER.turn == turn)
        self._drafts = (
            select(*SEND_COLUMNS)
            .where(*is_turns, _LEDGER.state == str(SendState.DRAFT))
            .order_by(_LEDGER.position, _LEDGER.id)
        )
        self._last_place = select(func.max(_LEDGER.position)).where(*is_turns)
        these = update(schema.ledger).where(dialect.one_of(_LEDGER.id, "ids"))
        changed = {"changed_ms": bindparam("at", type_=BigInteger())}
        self._cancel = these.values(
            state=str(SendState.CANCELLED), reason=bindparam("why", type_=Text()), **changed
        )
        self._release = these.where(_LEDGER.state == str(SendState.DRAFT)).values(
            state=str(SendState.PENDING),
            due_ms=bindparam("due", type_=BigInteger()),
            trail=longer(_LEDGER.trail, bindparam("moment", type_=Text())),
            **changed,
        )
        # Locks in the order of ids, in the same statement: there is a mark for every send.
        locked = (
            select(_LEDGER.id, _LEDGER.conversation)
            .where(dialect.one_of(_LEDGER.id, "ids"), _LEDGER.echo_mid.is_(None))
            .order_by(_LEDGER.id)
            .with_for_update()
            .cte("locked")
        )
        marks = dialect.rows({"id": Text(), "conversation": Text(), "mid": Text()})
        self._mark = (
            update(schema.ledger)
            .where(
                dialect.one_of(_LEDGER.id, "ids"),
                _LEDGER.id == locked.c.id,
                marks.c.id == locked.c.id,
                marks.c.conversation == locked.c.conversation,
            )
            .values(echo_mid=marks.c.mid)
        )

    def mark_echoes(self, connection: Connection, marks: Mapping[str, Mark]) -> None:
        """Notes, by id, whose echoes these are. The first echo of a row stays its echo."""
        if not marks:
            return
        rows: list[dict[str, str | int | None]] = [
            {"id": id_, "conversation": mark.conversation, "mid": mark.mid}
            for id_, mark in marks.items()
        ]
        sets = {"rows": rows_parameter(rows), "ids": self._dialect.value_set(marks)}
        connection.execute(self._mark, sets)

    def seen(
        self, connection: Connection, conversation: str, turns: Collection[int]
    ) -> frozenset[int]:
        """Those of the turns of which the user saw something, or may see it."""
        if not turns:
            return frozenset()
        sets = {"of": conversation, "turns": self._dialect.value_set(turns)}
        return frozenset(connection.execute(self._seen, sets).scalars())

    def reject(self, connection: Connection, conversation: str, turn: int, now_ms: int) -> bool:
        """Cancels the drafts of a turn; False when there are none."""
        drafts = self._drafts_of(connection, conversation, turn)
        self._cancel_all(connection, drafts, REJECTED, now_ms)
        return bool(drafts)

    def approve(
        self,
        connection: Connection,
        conversation: str,
        turn: int,
        texts: Sequence[str],
        now_ms: int,
    ) -> bool:
        """Lets the drafts of a turn be sent, with these texts in place of theirs if there are any.

        False when there are no drafts: too late, or not this turn.
        """
        drafts = self._drafts_of(connection, conversation, turn)
        if not drafts:
            return False
        replaced = [draft for draft in drafts if texts and draft.kind is Kind.TEXT]
        kept = [draft.id for draft in drafts if draft not in replaced]
        self._cancel_all(connection, replaced, REWORDED, now_ms)
        if kept:
            moment = written([Moment(now_ms, str(SendState.PENDING), APPROVED)])
            times = {"due": now_ms, "at": now_ms, "moment": moment}
            connection.execute(self._release, {"ids": self._dialect.value_set(kept)} | times)
        if texts:
            # Where a picture was the last of the answer, it still is.
            asked_ms = max((draft.asked_ms for draft in replaced), default=0)
            new = self._reworded(connection, drafts[0], texts, now_ms, asked_ms)
            self._promises.add(connection, new, now_ms)
        return True

    def _reworded(
        self,
        connection: Connection,
        draft: SendRow,
        texts: Sequence[str],
        now_ms: int,
        asked_ms: int,
    ) -> list[NewSend]:
        its = {"of": draft.conversation, "of_turn": draft.turn}
        last = int(connection.execute(self._last_place, its).scalar_one())
        first = last + 1 - draft.turn * MOST_SENDS
        return [
            NewSend(
                id=f"{draft.conversation}.{draft.turn}.{index}",
                account=draft.account,
                user=draft.user,
                conversation=draft.conversation,
                position=draft.turn * MOST_SENDS + index,
                text=text,
                answers=draft.answers,
                due_ms=now_ms,
                deadline_ms=draft.deadline_ms,
                traceparent=draft.traceparent,
                turn=draft.turn,
                asked_ms=asked_ms if index == first + len(texts) - 1 else 0,
            )
            for index, text in enumerate(texts, first)
        ]

    def _drafts_of(self, connection: Connection, conversation: str, turn: int) -> list[SendRow]:
        rows = connection.execute(self._drafts, {"of": cleaned(conversation), "of_turn": turn})
        return [send_row(row) for row in rows]

    def _cancel_all(
        self, connection: Connection, sends: Sequence[SendRow], reason: str, now_ms: int
    ) -> None:
        if sends:
            ids = self._dialect.value_set([send.id for send in sends])
            connection.execute(self._cancel, {"ids": ids, "why": reason, "at": now_ms})
