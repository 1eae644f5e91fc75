"""Steps of the ledger in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    and_,
    case,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.ledger import FINISHED, SendState
from vestlus.store.names import partition_number
from vestlus.store.rows import DeadLetter, Lease, SendRow, Transition, TransitionResult
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dead_letters import SqlDeadLetters
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_memory import Memory
from vestlus.store.sql_rows import SEND_COLUMNS, is_in, send_row
from vestlus.store.sql_steps import BEGINNING, LETTER_PREFIX, NEVER_SAID, Fence, Walk, check
from vestlus.store.sql_trail import longer
from vestlus.store.trail import Moment, read

_CONVERSATION: Final = schema.conversation.c
_LEDGER: Final = schema.ledger.c
_CHANGES: Final[dict[str, Any]] = {
    "state": Text(),
    "due_ms": BigInteger(),
    "attempts": BigInteger(),
    "resends": BigInteger(),
    "attempted_ms": BigInteger(),
    "sent_mid": Text(),
    "reason": Text(),
    "changed_ms": BigInteger(),
}


class SqlTransitions(SqlDeadLetters):
    """Makes the ledger's steps. See :class:`~vestlus.store.port.Ledger`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._lock_rows = (
            select(_LEDGER.outbox, *SEND_COLUMNS)
            .where(dialect.one_of(_LEDGER.id, "ids"))
            .order_by(_LEDGER.id)
            .with_for_update()
        )
        self._memory_of_sends = Memory(dialect)
        whose = (
            select(_CONVERSATION.id, _CONVERSATION.silenced_turn, _CONVERSATION.held_until_ms)
            .where(
                _CONVERSATION.id.in_(
                    select(_LEDGER.conversation).where(dialect.one_of(_LEDGER.id, "ids"))
                )
            )
            .order_by(_CONVERSATION.id)
        )
        # Whoever silences or holds a conversation waits for the commit, or is waited for.
        self._share_fences = whose.with_for_update(read=True, of=schema.conversation)
        self._lock_fences = whose.with_for_update(of=schema.conversation)
        self._rethink = (
            update(schema.conversation)
            .where(dialect.one_of(_CONVERSATION.id, "ids"))
            .values(version=_CONVERSATION.version + 1)
        )
        self._taken = select(_LEDGER.account, _LEDGER.sent_mid).where(
            dialect.one_of(_LEDGER.account, "accounts"), dialect.one_of(_LEDGER.sent_mid, "mids")
        )
        rows = dialect.rows({"id": Text(), **_CHANGES, "trail": Text()})
        self._change = (
            update(schema.ledger)
            .where(_LEDGER.id == rows.c.id, dialect.joined_by(_LEDGER.id, "ids"))
            .values(
                {name: rows.c[name] for name in _CHANGES}
                | {
                    "trail": longer(_LEDGER.trail, rows.c.trail),
                    "text": case(
                        (and_(_LEDGER.erased == 1, is_in(rows.c.state, sorted(FINISHED))), ""),
                        else_=_LEDGER.text,
                    ),
                }
            )
        )
        self._pasts = select(_LEDGER.id, _LEDGER.created_ms, _LEDGER.trail, _LEDGER.erased).where(
            dialect.one_of(_LEDGER.id, "ids")
        )

    async def transition(
        self, lease: Lease, transitions: Sequence[Transition]
    ) -> list[TransitionResult]:
        """See :meth:`vestlus.store.port.Ledger.transition`.

        Raises ValueError for a step that does not exist or lacks what it needs.
        """
        (results,) = await self.transitions([(lease, transitions)])
        return results

    async def transitions(
        self, groups: Sequence[tuple[Lease, Sequence[Transition]]]
    ) -> list[list[TransitionResult]]:
        """See :meth:`vestlus.store.port.Ledger.transitions`.

        Raises ValueError for a step that does not exist or lacks what it needs.
        """
        transitions = [step for _, steps in groups for step in steps]
        for step in transitions:
            check(step)
        if not transitions:
            return [[] for _ in groups]

        def work(connection: Connection) -> list[list[TransitionResult]]:
            held = self._held(connection, [lease for lease, _ in groups])
            wanted = [step for lease, steps in groups if lease in held for step in steps]
            if not wanted:
                return [[TransitionResult.LEASE_LOST] * len(steps) for _, steps in groups]
            ids = self._dialect.value_set({step.id for step in wanted})
            fences = self._fences(connection, wanted)
            rows: dict[str, SendRow] = {}
            outboxes: dict[str, int] = {}
            for outbox, *columns in connection.execute(self._lock_rows, {"ids": ids}):
                row = send_row(columns)
                rows[row.id], outboxes[row.id] = row, outbox
            walk = Walk(rows, fences, self._mids_taken(connection, rows, wanted))

            def made(lease: Lease, step: Transition) -> TransitionResult:
                if lease not in held:
                    return TransitionResult.LEASE_LOST
                # A row of another partition stands under another lease.
                if outboxes.get(step.id) != partition_number(lease.name):
                    return TransitionResult.STALE
                return walk.make(step)

            results = [[made(lease, step) for step in steps] for lease, steps in groups]
            if walk.changes:
                changes = rows_parameter(list(walk.changes.values()))
                connection.execute(self._change, {"rows": changes, "ids": ids})
            self._add_letters(connection, self._whole(connection, walk.letters))
            self._unsay(connection, walk.unsaid)
            return results

        return await self._database.write(work)

    def _whole(self, connection: Connection, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """The letters with the history of their rows; without the content of those rows whose
        content is to be erased.
        """
        if not letters:
            return []
        ids = self._dialect.value_set([one.id.removeprefix(LETTER_PREFIX) for one in letters])
        pasts = {row.id: row for row in connection.execute(self._pasts, {"ids": ids})}
        whole = []
        for one in letters:
            past = pasts[one.id.removeprefix(LETTER_PREFIX)]
            history = (Moment(past.created_ms, "decided"), *read(past.trail))
            whole.append(replace(one, history=history, body=b"" if past.erased else one.body))
        return whole

    def _fences(
        self, connection: Connection, transitions: Sequence[Transition]
    ) -> dict[str, Fence]:
        """What keeps sends back, and stays so until the commit; locked before ledger rows are.

        Locked for writing where histories may have to change.
        """
        begun = {step.id for step in transitions if (step.before, step.after) == BEGINNING}
        unsaid = {step.id for step in transitions if (step.before, step.after) in NEVER_SAID}
        concerned = begun | unsaid
        if not concerned:
            return {}
        statement = self._lock_fences if unsaid else self._share_fences
        rows = connection.execute(statement, {"ids": self._dialect.value_set(concerned)})
        return {id_: Fence(silenced, held) for id_, silenced, held in rows}

    def _unsay(self, connection: Connection, unsaid: Mapping[str, set[int]]) -> None:
        """Takes from histories what will never be said, so that no prompt believes it was."""
        changed = [
            conversation
            for conversation, turns in unsaid.items()
            if self._memory_of_sends.unsay(connection, conversation, turns)
        ]
        if changed:
            connection.execute(self._rethink, {"ids": self._dialect.value_set(changed)})

    def _mids_taken(
        self,
        connection: Connection,
        rows: Mapping[str, SendRow],
        transitions: Sequence[Transition],
    ) -> set[tuple[str, str]]:
        """Which accounts' mids prove a row already.

        A rival's that appears between this and the update breaks the unique index, and the
        transaction is repeated.
        """
        mids = {
            step.sent_mid
            for step in transitions
            if step.after is SendState.SENT and step.sent_mid is not None
        }
        if not mids:
            return set()
        parameters = {
            "accounts": self._dialect.value_set({row.account for row in rows.values()}),
            "mids": self._dialect.value_set(mids),
        }
        taken = connection.execute(self._taken, parameters)
        return {(account, mid) for account, mid in taken}
