"""The ledger's steps, made on rows in memory: what :mod:`vestlus.store.sql_transitions` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import TypeAdapter

from vestlus.store.ledger import TRANSITIONS, SendState
from vestlus.store.rows import (
    LEDGER_SOURCE,
    DeadLetter,
    Origin,
    SendRow,
    Transition,
    TransitionResult,
)
from vestlus.store.sql_codec import cleaned
from vestlus.store.trail import Moment, written

_SEND: Final = TypeAdapter(SendRow)

#: What the ids of ledger rows' dead letters begin with.
LETTER_PREFIX: Final = "ledger:"

#: Steps after which the user will never see what was decided.
NEVER_SAID: Final = frozenset(
    {
        (SendState.PENDING, SendState.CANCELLED),
        (SendState.DRAFT, SendState.DEAD),
        (SendState.PENDING, SendState.DEAD),
        (SendState.SENDING, SendState.DEAD),
    }
)

#: These need a reason.
_REASONED: Final = frozenset({SendState.DEAD, SendState.UNKNOWN, SendState.CANCELLED})

#: The step before a request is written.
BEGINNING: Final = (SendState.PENDING, SendState.SENDING)


@dataclass(frozen=True, slots=True)
class Fence:
    """What keeps the bot's sends of a conversation back."""

    silenced_turn: int
    held_until_ms: int

    def stops(self, row: SendRow, at_ms: int) -> TransitionResult | None:
        """Why a request for the row must not begin then; ``None`` when it may."""
        if self.silenced_turn > row.turn:
            return TransitionResult.SILENCED
        return TransitionResult.HELD if self.held_until_ms > at_ms else None


@dataclass(slots=True)
class Walk:
    """Locked rows, walked step by step, and what is to be written in the end."""

    rows: dict[str, SendRow]
    #: By conversation.
    fences: Mapping[str, Fence]
    #: Account and mid of what is proved already.
    taken: set[tuple[str, str]]
    changes: dict[str, dict[str, str | int | None]] = field(default_factory=dict)
    #: By row id, the lines to be added to its trail.
    trails: dict[str, list[Moment]] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)
    #: By conversation, the turns of which something will never be said.
    unsaid: dict[str, set[int]] = field(default_factory=dict)

    def make(self, step: Transition) -> TransitionResult:
        """Makes one step, or leaves everything as it is."""
        row = self.rows.get(step.id)
        if row is None or row.state is not step.before:
            return TransitionResult.STALE
        if (step.before, step.after) == BEGINNING and row.origin is Origin.BOT:
            fence = self.fences.get(row.conversation)
            stopped = fence.stops(row, step.at_ms) if fence else None
            if stopped is not None:
                return stopped
        if step.after is SendState.SENT:
            proof = (row.account, cleaned(step.sent_mid or ""))
            if proof in self.taken:
                return TransitionResult.MID_TAKEN
            self.taken.add(proof)
        row = self.rows[step.id] = _stepped(row, step)
        steps = self.trails.setdefault(step.id, [])
        steps.append(Moment(step.at_ms, str(step.after), step.reason))
        self.changes[step.id] = {**_change(row, step), "trail": written(steps)}
        if row.state in (SendState.DEAD, SendState.UNKNOWN):
            self.letters.append(_letter(row, step))
        if (step.before, step.after) in NEVER_SAID and row.origin is Origin.BOT:
            self.unsaid.setdefault(row.conversation, set()).add(row.turn)
        return TransitionResult.DONE


def check(step: Transition) -> None:
    """Raises ValueError for a step that does not exist or lacks what it needs."""
    problem = ""
    if (step.before, step.after) not in TRANSITIONS:
        problem = f"the ledger has no step from {step.before} to {step.after}"
    elif step.after is SendState.SENT and not step.sent_mid:
        problem = "a step to sent needs sent_mid"
    elif step.after in _REASONED and not step.reason:
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
        id=f"{LETTER_PREFIX}{row.id}",
        source=LEDGER_SOURCE,
        reason=step.reason,
        body=_SEND.dump_json(row),
        at_ms=step.at_ms,
        account=row.account,
        user=row.user,
        conversation=row.conversation,
        doubtful=row.state is SendState.UNKNOWN,
    )
