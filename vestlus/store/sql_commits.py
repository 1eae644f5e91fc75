"""Turns committed, many in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    func,
    literal_column,
    select,
    update,
)

from vestlus.conversation import allowance
from vestlus.errors import ValuesRefused
from vestlus.store import schema
from vestlus.store.rows import After, CommitResult, EventState, NewSend, TurnCommit
from vestlus.store.sql_cancelling import Cancelling
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_memory import HistoryRow, Memory, history_rows
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_promises import Promises

_EVENT: Final = schema.inbox_event.c
_CONVERSATION: Final = schema.conversation.c

Row = dict[str, str | int | None]

#: What :class:`~vestlus.store.rows.After` may change; absent in a row where it does not.
_AFTER_COLUMNS: Final[dict[str, Any]] = {
    "language": Text(),
    "silence": Text(),
    "silent_until_ms": BigInteger(),
    "waiting_ms": BigInteger(),
    "note": Text(),
    "answered_ms": BigInteger(),
    "disclosed_ms": BigInteger(),
    "apology_ms": BigInteger(),
    "erase_asked_ms": BigInteger(),
    "pictures": Text(),
    "usage": Text(),
}


@dataclass(slots=True)
class _Group:
    """What the turns of a group rely on, locked, and what the accepted ones add up to."""

    versions: dict[str, int]
    messages: dict[str, int]
    #: The unanswered events, and whose they are.
    pending: dict[int, str]
    changed: dict[str, Row] = field(default_factory=dict)
    answered: list[int] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    sends: list[NewSend] = field(default_factory=list)
    #: Whose earlier sends are cancelled, and by which turns.
    stopped: dict[str, int] = field(default_factory=dict)
    #: Sends of turns of this group that a later one cancels.
    outdone: list[NewSend] = field(default_factory=list)

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
        if turn.after.cancel_sends:
            self._stop(mine, turn.version)
        self.answered += answered
        self.history += history_rows(mine, self.messages[mine], turn.history, turn.version)
        self.sends += turn.sends
        self.versions[mine] += 1
        self.messages[mine] += len(turn.history)
        self.changed.setdefault(mine, {}).update(_changed_by(turn.after))
        return CommitResult.COMMITTED

    def _stop(self, conversation: str, turn: int) -> None:
        """Nothing that the conversation's turns before this one decided is sent, but for the text
        for an emergency.
        """
        self.stopped[conversation] = turn
        self.outdone += [one for one in self.sends if one.conversation == conversation]
        self.sends = [one for one in self.sends if one.conversation != conversation]
        for name in ("disclosed_ms", "pictures"):
            self.changed.get(conversation, {}).pop(name, None)

    def conversations(self) -> list[Row]:
        """The conversations that the accepted turns change, as they become."""
        return [
            {"id": id_, "version": self.versions[id_], "messages": self.messages[id_], **after}
            for id_, after in sorted(self.changed.items())
        ]


def _changed_by(after: After) -> Row:
    """The columns that the turn changes, with their values."""
    values: Row = {
        "language": after.language,
        "waiting_ms": after.waiting_ms,
        "note": after.note,
        "answered_ms": after.answered_ms,
        "disclosed_ms": after.disclosed_ms,
        "apology_ms": after.apology_ms,
        # Whatever else a turn is about, it is no answer to the question any more.
        "erase_asked_ms": after.erase_asked_ms or 0,
    }
    if after.silence is not None:
        values |= {"silence": str(after.silence), "silent_until_ms": after.silent_until_ms}
    if after.pictures is not None:
        values["pictures"] = json.dumps(after.pictures)
    if after.usage is not None:
        values["usage"] = allowance.written(after.usage)
    return {name: value for name, value in values.items() if value is not None}


class SqlCommits(SqlPart):
    """Commits turns. See :class:`~vestlus.store.port.Turns`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
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
        changed = dialect.rows(
            {"id": Text(), "version": BigInteger(), "messages": BigInteger(), **_AFTER_COLUMNS}
        )
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
                trail="",
                **{
                    name: func.coalesce(changed.c[name], _CONVERSATION[name])
                    for name in _AFTER_COLUMNS
                },
            )
        )
        self._answer = (
            update(schema.inbox_event)
            .where(dialect.one_of(_EVENT.seq, "seqs"))
            .values(state=str(EventState.ANSWERED))
        )
        self._memory = Memory(dialect)
        self._earlier_sends = Cancelling(dialect)
        self._promises = Promises(dialect, outbox_partitions)

    async def commit_turns(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        """See :meth:`vestlus.store.port.Turns.commit_turns`.

        Turns that the database refuses for their values are found by committing one by one.
        """
        if not turns:
            return []
        try:
            return await self._commit(turns, now_ms)
        except ValuesRefused:
            return [await self._commit_alone(turn, now_ms) for turn in turns]

    async def _commit_alone(self, turn: TurnCommit, now_ms: int) -> CommitResult:
        try:
            return (await self._commit((turn,), now_ms))[0]
        except ValuesRefused:
            return CommitResult.REFUSED

    async def _commit(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        def work(connection: Connection) -> list[CommitResult]:
            held = self._held(connection, (turn.lease for turn in turns))
            mine = [turn for turn in turns if turn.lease in held]
            group = self._group(connection, mine)
            results = [
                group.add(turn) if turn.lease in held else CommitResult.LEASE_LOST for turn in turns
            ]
            self._write(connection, group, now_ms)
            return results

        return await self._database.write(work)

    def _group(self, connection: Connection, turns: Sequence[TurnCommit]) -> _Group:
        versions: dict[str, int] = {}
        messages: dict[str, int] = {}
        pending: dict[int, str] = {}
        if turns:
            ids = self._dialect.value_set({turn.conversation for turn in turns})
            locked = connection.execute(self._lock_versions, {"ids": ids}).all()
            versions = {id_: version for id_, version, _ in locked}
            messages = {id_: count for id_, _, count in locked}
            seqs = self._dialect.value_set({seq for turn in turns for seq in turn.answered})
            found = connection.execute(self._still_pending, {"seqs": seqs})
            pending = dict(found.all())
        return _Group(versions, messages, pending)

    def _write(self, connection: Connection, group: _Group, now_ms: int) -> None:
        self._memory.append(connection, group.history)
        if group.stopped:
            self._stop_earlier(connection, group, now_ms)
        if group.changed:
            rows = rows_parameter(group.conversations())
            ids = self._dialect.value_set(group.changed)
            connection.execute(self._advance, {"rows": rows, "ids": ids})
        if group.answered:
            seqs = self._dialect.value_set(group.answered)
            connection.execute(self._answer, {"seqs": seqs})
        self._promises.add(connection, group.sends, now_ms)

    def _stop_earlier(self, connection: Connection, group: _Group, now_ms: int) -> None:
        """Cancels what earlier turns decided; before the turns' own values are written."""
        self._promises.add(connection, group.outdone, now_ms)
        self._earlier_sends.lock(connection, group.stopped, ())
        for conversation, turn in sorted(group.stopped.items()):
            cancelled = self._earlier_sends.stop_bots(connection, conversation, turn, now_ms)
            self._memory.unsay(connection, conversation, cancelled)
