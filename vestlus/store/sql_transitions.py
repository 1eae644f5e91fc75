"""Steps of the ledger in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Connection, Integer, Text, bindparam, select, update

from vestlus.store import schema
from vestlus.store.ledger import TRANSITIONS, SendState
from vestlus.store.names import partition_number
from vestlus.store.rows import DeadLetter, Lease, SendRow, Transition, TransitionResult
from vestlus.store.sql_codec import cleaned, rows_parameter
from vestlus.store.sql_database import Database
from vestlus.store.sql_dead_letters import SqlDeadLetters
from vestlus.store.sql_ledger import SEND_COLUMNS, send_row

_LEDGER: Final = schema.ledger.c
_SEND: Final = TypeAdapter(SendRow)

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


@dataclass(slots=True)
class _Walk:
    """Locked rows, walked step by step, and what is to be written in the end."""

    rows: dict[str, SendRow]
    #: Account and mid of what is proved already.
    taken: set[tuple[str, str]]
    changes: dict[str, dict[str, str | int | None]] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)

    def make(self, step: Transition) -> TransitionResult:
        """Makes one step, or leaves everything as it is."""
        row = self.rows.get(step.id)
        if row is None or row.state is not step.before:
            return TransitionResult.STALE
        if step.after is SendState.SENT:
            proof = (row.account, cleaned(step.sent_mid or ""))
            if proof in self.taken:
                return TransitionResult.MID_TAKEN
            self.taken.add(proof)
        row = self.rows[step.id] = _stepped(row, step)
        self.changes[step.id] = _change(row, step)
        if row.state is SendState.DEAD:
            self.letters.append(_letter(row, step))
        return TransitionResult.DONE


class SqlTransitions(SqlDeadLetters):
    """Makes the ledger's steps. See :class:`~vestlus.store.port.Ledger`."""

    def __init__(self, database: Database, outbox_partitions: int) -> None:
        super().__init__(database, outbox_partitions)
        dialect = database.dialect
        self._lock_rows = (
            select(*SEND_COLUMNS)
            .where(
                dialect.one_of(_LEDGER.id, "ids"),
                _LEDGER.outbox == bindparam("of", type_=Integer()),
            )
            .order_by(_LEDGER.id)
            .with_for_update()
        )
        self._taken = select(_LEDGER.account, _LEDGER.sent_mid).where(
            dialect.one_of(_LEDGER.account, "accounts"), dialect.one_of(_LEDGER.sent_mid, "mids")
        )
        rows = dialect.rows({"id": Text(), **_CHANGES})
        self._change = (
            update(schema.ledger)
            .where(_LEDGER.id == rows.c.id, dialect.one_of(_LEDGER.id, "ids"))
            .values({name: rows.c[name] for name in _CHANGES})
        )

    async def transition(
        self, lease: Lease, transitions: Sequence[Transition]
    ) -> list[TransitionResult]:
        """See :meth:`vestlus.store.port.Ledger.transition`.

        Raises ValueError for a step that does not exist or lacks what it needs.
        """
        for step in transitions:
            _check(step)
        if not transitions:
            return []

        def work(connection: Connection) -> list[TransitionResult]:
            if lease not in self._held(connection, (lease,)):
                return [TransitionResult.LEASE_LOST] * len(transitions)
            ids = self._dialect.value_set({step.id for step in transitions})
            found = connection.execute(
                self._lock_rows, {"ids": ids, "of": partition_number(lease.name)}
            )
            rows = {row.id: send_row(row) for row in found}
            walk = _Walk(rows, self._mids_taken(connection, rows, transitions))
            results = [walk.make(step) for step in transitions]
            if walk.changes:
                changes = rows_parameter(list(walk.changes.values()))
                connection.execute(self._change, {"rows": changes, "ids": ids})
            self._add_letters(connection, walk.letters)
            return results

        return await self._database.write(work)

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
        return {(row.account, row.sent_mid) for row in taken}


def _check(step: Transition) -> None:
    problem = ""
    if (step.before, step.after) not in TRANSITIONS:
        problem = f"the ledger has no step from {step.before} to {step.after}"
    elif step.after is SendState.SENT and not step.sent_mid:
        problem = "a step to sent needs sent_mid"
    elif step.after in (SendState.DEAD, SendState.UNKNOWN) and not step.reason:
        problem = f"a step to {step.after} needs a reason"
    if problem:
        raise ValueError(problem)


def _stepped(row: SendRow, step: Transition) -> SendRow:
    """The row after the step."""
    if step.after is SendState.SENDING:
        return replace(row, state=step.after, attempts=row.attempts + 1, attempted_ms=step.at_ms)
    if step.after in (SendState.PENDING, SendState.LOOKING):
        is_resend = (step.before, step.after) == (SendState.LOOKING, SendState.PENDING)
        return replace(
            row, state=step.after, due_ms=step.due_ms, resends=row.resends + int(is_resend)
        )
    return replace(row, state=step.after)


def _change(row: SendRow, step: Transition) -> dict[str, str | int | None]:
    return {
        "id": row.id,
        "state": str(row.state),
        "due_ms": row.due_ms,
        "attempts": row.attempts,
        "resends": row.resends,
        "attempted_ms": row.attempted_ms,
        "sent_mid": step.sent_mid if row.state is SendState.SENT else None,
        "reason": step.reason,
        "changed_ms": step.at_ms,
    }


def _letter(row: SendRow, step: Transition) -> DeadLetter:
    return DeadLetter(
        id=f"ledger:{row.id}",
        source="ledger",
        reason=step.reason,
        body=_SEND.dump_json(row),
        at_ms=step.at_ms,
        account=row.account,
        user=row.user,
        conversation=row.conversation,
    )
