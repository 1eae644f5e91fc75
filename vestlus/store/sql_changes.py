"""What events change of their conversations: applied one by one, written together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from sqlalchemy import Connection, Text, select, update

from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.transcript import as_history
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS
from vestlus.store import schema
from vestlus.store.rows import MOST_SENDS, Change, EventState, NewSend, Origin
from vestlus.store.sql_cancelling import SILENCED, Cancelling
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_memory import Memory, history_rows
from vestlus.store.sql_promises import Promises
from vestlus.store.sql_questions import Questions
from vestlus.store.sql_replays import Replays
from vestlus.store.sql_sends import Mark, Sends
from vestlus.store.sql_standing import WRITTEN, Occasion, Standing

_CONVERSATION: Final = schema.conversation.c


class Changes:
    """Applies changes, in the transaction that records their events.

    The order of locks: :meth:`lock` the conversations first, then :meth:`apply`, which locks ledger
    rows before it changes any, then :meth:`write`.
    """

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        self._dialect = dialect
        self._memory = Memory(dialect)
        self._questions = Questions(dialect)
        self._sends = Sends(dialect, outbox_partitions)
        self._cancelling = Cancelling(dialect)
        self._promises = Promises(dialect, outbox_partitions)
        self._replays = Replays(dialect, outbox_partitions)
        columns = [_CONVERSATION[name] for name in ("id", "account", "user_id", *WRITTEN)]
        self._lock = (
            select(*columns)
            .where(dialect.one_of(_CONVERSATION.id, "ids"))
            .order_by(_CONVERSATION.id)
            .with_for_update()
        )
        rows = dialect.rows({"id": Text(), **WRITTEN})
        self._write = (
            update(schema.conversation)
            .where(_CONVERSATION.id == rows.c.id, dialect.one_of(_CONVERSATION.id, "ids"))
            .values({name: rows.c[name] for name in WRITTEN})
        )

    def lock(self, connection: Connection, conversations: Collection[str]) -> dict[str, Standing]:
        """Locks conversations and reads how they stand; unknown ones are left out."""
        ids = {"ids": self._dialect.value_set(conversations)}
        rows = connection.execute(self._lock, ids)
        return {row.id: Standing(*row) for row in rows}

    def apply(
        self,
        connection: Connection,
        standings: Mapping[str, Standing],
        occasions: Sequence[Occasion],
        marks: Mapping[str, Mark],
        now_ms: int,
    ) -> dict[int, EventState]:
        """Applies changes in order and notes whose echoes were recorded.

        Returns which events, by number, call for an answer now or did until now, and what they
        are.
        """
        touched = {one.conversation for one in occasions if _touches_sends(one.change)}
        if touched:
            self._cancelling.lock(connection, touched, marks)
        self._sends.mark_echoes(connection, marks)
        became: dict[int, EventState] = {}
        for occasion in occasions:
            standing = standings.get(occasion.conversation)
            if standing is not None:
                became |= self._apply(connection, standing, occasion, now_ms)
        return became

    def write(self, connection: Connection, standings: Collection[Standing]) -> None:
        """Writes how conversations stand now."""
        if standings:
            rows = []
            for standing in standings:
                row = asdict(standing)
                del row["account"], row["user_id"]
                rows.append(row)
            ids = self._dialect.value_set([standing.id for standing in standings])
            connection.execute(self._write, {"rows": rows_parameter(rows), "ids": ids})

    def _apply(
        self, connection: Connection, standing: Standing, occasion: Occasion, now_ms: int
    ) -> dict[int, EventState]:
        change, turn = occasion.change, standing.version
        standing.take(change)
        became = self._apply_to_sends(connection, standing, occasion, now_ms)
        if change.answers_all:
            answered = self._questions.answer(
                connection, standing.id, occasion.seq, until_ms=change.answers_until_ms
            )
            self._append(connection, standing, [as_history(event) for event in answered.values()])
            became |= dict.fromkeys(answered, EventState.ANSWERED)
        self._append(connection, standing, change.history)
        if change.edited is not None:
            mid, text = change.edited
            self._memory.edit(connection, standing.id, standing.account, mid, text)
        if change.removed_mid is not None:
            unasked = self._memory.remove(
                connection, standing.id, standing.account, change.removed_mid
            )
            became |= dict.fromkeys(unasked, EventState.NOTED)
        if change.replay is not None:
            again = self._replays.replay(
                connection,
                standing,
                change.replay,
                turn=turn,
                traceparent=occasion.traceparent,
                now_ms=now_ms,
            )
            became |= dict.fromkeys(again, EventState.PENDING)
        written = _persons_sends(standing, occasion, turn, now_ms)
        self._promises.add(connection, written, now_ms)
        return became

    def _append(
        self, connection: Connection, standing: Standing, messages: Sequence[HistoryMessage]
    ) -> None:
        rows = history_rows(standing.id, standing.messages, messages)
        self._memory.append(connection, rows)
        standing.messages += len(rows)

    def _apply_to_sends(
        self, connection: Connection, standing: Standing, occasion: Occasion, now_ms: int
    ) -> dict[int, EventState]:
        change = occasion.change
        became: dict[int, EventState] = {}
        unsaid: set[int] = set()
        if change.cancel_sends:
            cancelled = self._cancelling.cancel_bots(connection, standing.id, SILENCED, now_ms)
            unsaid.update(cancelled)
            became = self._ask_again(connection, standing, occasion, cancelled)
        turn = change.rejected_turn
        if turn is not None and self._sends.reject(connection, standing.id, turn, now_ms):
            unsaid.add(turn)
        turn, texts = change.approved_turn, change.approved_texts
        if turn is not None:
            is_there = self._sends.approve(connection, standing.id, turn, texts, now_ms)
            if is_there and texts:
                self._memory.reword(connection, standing.id, turn, "\n\n".join(texts))
        if self._memory.unsay(connection, standing.id, unsaid):
            standing.disclosed_ms = 0
        return became

    def _ask_again(
        self,
        connection: Connection,
        standing: Standing,
        occasion: Occasion,
        cancelled: Mapping[int, Collection[str]],
    ) -> dict[int, EventState]:
        """What cancelled turns answered is unanswered again, if the user saw nothing of them.

        Whoever answers everything has answered what was asked before. Of what was asked later
        than a limit for that, nothing is answered: it waits again.
        """
        seen = self._sends.seen(connection, standing.id, cancelled)
        mids = {mid for turn, asked in cancelled.items() if turn not in seen for mid in asked}
        change = occasion.change
        answers_all = change.answers_all and change.answers_until_ms is None
        after = occasion.seq if answers_all else 0
        again = self._questions.ask_again(
            connection, standing.id, standing.account, mids, after=after
        )
        return dict.fromkeys(again, EventState.PENDING)


def _touches_sends(change: Change) -> bool:
    """Whether the change changes rows that publishers may be locking."""
    decided = change.approved_turn is not None or change.rejected_turn is not None
    return change.cancel_sends or decided


def _persons_sends(standing: Standing, occasion: Occasion, turn: int, now_ms: int) -> list[NewSend]:
    """What a person wrote. No turn can have been built from ``turn`` and committed."""
    return [
        NewSend(
            id=f"{standing.id}.{turn}.{index}",
            account=standing.account,
            user=standing.user_id,
            conversation=standing.id,
            position=turn * MOST_SENDS + index,
            text=send.text,
            answers=(),
            due_ms=now_ms,
            deadline_ms=standing.user_ms + HUMAN_AGENT_WINDOW_MS,
            traceparent=occasion.traceparent,
            origin=Origin.PERSON,
            turn=turn,
        )
        for index, send in enumerate(occasion.change.sends)
    ]
