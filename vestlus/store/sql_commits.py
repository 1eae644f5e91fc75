"""Turns committed, many in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, Text, literal_column, select, update

from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import StoreUnavailable
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.rows import CommitResult, EventState, TurnCommit
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_database import Database
from vestlus.store.sql_errors import is_fault_of_data
from vestlus.store.sql_part import SqlPart

_EVENT: Final = schema.inbox_event.c
_CONVERSATION: Final = schema.conversation.c

Row = dict[str, str | int | None]

_HISTORY_COLUMNS: Final[dict[str, Any]] = {
    "conversation": Text(),
    "position": BigInteger(),
    "role": Text(),
    "text": Text(),
    "at_ms": BigInteger(),
    "mid": Text(),
}
_SEND_COLUMNS: Final[dict[str, Any]] = {
    "id": Text(),
    "outbox": Integer(),
    "account": Text(),
    "user_id": Text(),
    "conversation": Text(),
    "position": BigInteger(),
    "text": Text(),
    "answers": Text(),
    "state": Text(),
    "due_ms": BigInteger(),
    "deadline_ms": BigInteger(),
    "traceparent": Text(),
    "created_ms": BigInteger(),
}


@dataclass(slots=True)
class _Group:
    """What the turns of a group rely on, locked, and what the accepted ones add up to."""

    outbox_partitions: int
    now_ms: int
    versions: dict[str, int]
    messages: dict[str, int]
    #: The unanswered events, and whose they are.
    pending: dict[int, str]
    changed: set[str] = field(default_factory=set)
    answered: list[int] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    sends: list[Row] = field(default_factory=list)

    def add(self, turn: TurnCommit) -> CommitResult:
        """Accepts a turn wholly, or leaves everything as it is."""
        mine = turn.conversation
        if self.versions.get(mine) != turn.version:
            return CommitResult.CONFLICT
        answered = set(turn.answered)
        if any(self.pending.get(seq) != mine for seq in answered):
            return CommitResult.CONFLICT
        for seq in answered:
            del self.pending[seq]
        self.answered += answered
        self.history += [
            {
                "conversation": mine,
                "position": position,
                "role": str(message.role),
                "text": message.text,
                "at_ms": message.at_ms,
                "mid": message.mid,
            }
            for position, message in enumerate(turn.history, self.messages[mine])
        ]
        self.sends += [
            {
                "id": send.id,
                "outbox": outbox_partition_of(send.account, self.outbox_partitions),
                "account": send.account,
                "user_id": send.user,
                "conversation": send.conversation,
                "position": send.position,
                "text": send.text,
                "answers": json.dumps(send.answers),
                "state": str(SendState.PENDING),
                "due_ms": send.due_ms,
                "deadline_ms": send.deadline_ms,
                "traceparent": send.traceparent,
                "created_ms": self.now_ms,
            }
            for send in turn.sends
        ]
        self.versions[mine] += 1
        self.messages[mine] += len(turn.history)
        self.changed.add(mine)
        return CommitResult.COMMITTED

    def conversations(self) -> list[Row]:
        """The conversations that the accepted turns change, as they become."""
        return [
            {"id": id_, "version": self.versions[id_], "messages": self.messages[id_]}
            for id_ in sorted(self.changed)
        ]


class SqlCommits(SqlPart):
    """Commits turns. See :class:`~vestlus.store.port.Turns`."""

    def __init__(self, database: Database, outbox_partitions: int) -> None:
        super().__init__(database, outbox_partitions)
        dialect = database.dialect
        self._lock_versions = (
            select(_CONVERSATION.id, _CONVERSATION.version, _CONVERSATION.messages)
            .where(dialect.one_of(_CONVERSATION.id, "ids"))
            .order_by(_CONVERSATION.id)
            .with_for_update()
        )
        # Whoever changes an event's state has locked its conversation first.
        self._still_pending = select(_EVENT.seq, _EVENT.conversation).where(
            dialect.one_of(_EVENT.seq, "seqs"),
            _EVENT.state == literal_column(schema.PENDING, Text),
        )
        changed = dialect.rows({"id": Text(), "version": BigInteger(), "messages": BigInteger()})
        self._advance = (
            update(schema.conversation)
            # The second condition keeps the planner to the index however few rows it has seen.
            .where(_CONVERSATION.id == changed.c.id, dialect.one_of(_CONVERSATION.id, "ids"))
            .values(
                version=changed.c.version,
                messages=changed.c.messages,
                failures=0,
                wake_ms=0,
                takeovers=0,
                probes=0,
            )
        )
        self._answer = (
            update(schema.inbox_event)
            .where(dialect.one_of(_EVENT.seq, "seqs"))
            .values(state=str(EventState.ANSWERED))
        )
        messages = dialect.rows(_HISTORY_COLUMNS)
        self._remember = dialect.insert(schema.history).from_select(
            list(_HISTORY_COLUMNS), select(*(messages.c[name] for name in _HISTORY_COLUMNS))
        )
        sends = dialect.rows(_SEND_COLUMNS)
        self._promise = (
            dialect.insert(schema.ledger)
            .from_select(
                list(_SEND_COLUMNS),
                select(*(sends.c[name] for name in _SEND_COLUMNS)).order_by(sends.c.id),
            )
            .on_conflict_do_nothing(index_elements=["id"])
        )

    async def commit_turns(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        """See :meth:`vestlus.store.port.Turns.commit_turns`.

        Turns that the database refuses for their values are found by committing one by one.
        """
        if not turns:
            return []
        try:
            return await self._commit(turns, now_ms)
        except StoreUnavailable as error:
            if not is_fault_of_data(error):
                raise
        return [await self._commit_alone(turn, now_ms) for turn in turns]

    async def _commit_alone(self, turn: TurnCommit, now_ms: int) -> CommitResult:
        try:
            return (await self._commit((turn,), now_ms))[0]
        except StoreUnavailable as error:
            if not is_fault_of_data(error):
                raise
            return CommitResult.REFUSED

    async def _commit(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        def work(connection: Connection) -> list[CommitResult]:
            held = self._held(connection, (turn.lease for turn in turns))
            mine = [turn for turn in turns if turn.lease in held]
            group = self._group(connection, mine, now_ms)
            results = [
                group.add(turn) if turn.lease in held else CommitResult.LEASE_LOST for turn in turns
            ]
            self._write(connection, group)
            return results

        return await self._database.write(work)

    def _group(self, connection: Connection, turns: Sequence[TurnCommit], now_ms: int) -> _Group:
        versions: dict[str, int] = {}
        messages: dict[str, int] = {}
        pending: dict[int, str] = {}
        if turns:
            ids = self._dialect.value_set({turn.conversation for turn in turns})
            locked = connection.execute(self._lock_versions, {"ids": ids}).all()
            versions = {row.id: row.version for row in locked}
            messages = {row.id: row.messages for row in locked}
            seqs = self._dialect.value_set({seq for turn in turns for seq in turn.answered})
            found = connection.execute(self._still_pending, {"seqs": seqs})
            pending = {row.seq: row.conversation for row in found}
        return _Group(self._outbox_partitions, now_ms, versions, messages, pending)

    def _write(self, connection: Connection, group: _Group) -> None:
        if group.changed:
            rows = rows_parameter(group.conversations())
            ids = self._dialect.value_set(group.changed)
            connection.execute(self._advance, {"rows": rows, "ids": ids})
        if group.answered:
            seqs = self._dialect.value_set(group.answered)
            connection.execute(self._answer, {"seqs": seqs})
        if group.history:
            connection.execute(self._remember, {"rows": rows_parameter(group.history)})
        if group.sends:
            connection.execute(self._promise, {"rows": rows_parameter(group.sends)})
