"""The store's ports for schedules, their occurrences, and events.

The guarantees of :mod:`vestlus.store.port` hold: each method is one transaction, and those with a
lease compare its epoch in it and raise LeaseLost where it was lost. All raise StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import (
    Claim,
    Decision,
    NewOccurrence,
    NewTrigger,
    OccurrenceRow,
    OccurrenceStep,
    RuleFiring,
    RuleOutcome,
    ScheduleRow,
    Taken,
    Trigger,
    TriggerRow,
)
from vestlus.store.rows import Lease


class Schedules(Protocol):
    """What is due again and again, or once."""

    async def sync_schedules(
        self,
        lease: Lease,
        kept: Sequence[ScheduleRow],
        now_ms: int,
        *,
        told: Sequence[NewOccurrence] = (),
    ) -> frozenset[str]:
        """Makes the schedules kept by the file exactly these, and returns the names of those that
        were added or whose definition changed.

        A new or changed one is watched from its ``watched_ms`` and looked at from its ``look_ms``
        on; an unchanged one keeps where it was; ``paused`` is kept. One whose name is a person's
        is left out of it (the caller refuses such a file). Occurrences of those that are gone or
        changed, and are still open, are withdrawn, at ``now_ms``, with the ``wake_ms`` that they
        had: a claim plans the times that stayed anew. What the change before withdrew is marked as
        withdrawn by this one, where no claim came between
        (:func:`vestlus.store.occurrences.is_unclaimed`). ``told`` are times that passed before the
        change; those whose keys are not known are added.
        """
        ...

    async def add_schedule(self, row: ScheduleRow) -> bool:
        """Adds one kept by a person; False where the name is taken."""
        ...

    async def remove_schedule(self, name: str, now_ms: int) -> bool:
        """Removes one kept by a person and withdraws its open occurrences; False where there is
        none, or the file keeps it.
        """
        ...

    async def pause_schedule(self, name: str, now_ms: int, *, paused: bool) -> bool:
        """Pauses a schedule or lets it go on, whoever keeps it; False where there is none.

        While it is paused its times pass: they are claimed as skipped when it goes on. Its
        occurrences that are open already wait too, but for those that a person let go out
        meanwhile (:func:`vestlus.store.plan_rows.is_held`).
        """
        ...

    async def schedule(self, name: str) -> ScheduleRow | None:
        """One schedule."""
        ...

    async def schedules(self, *, account: str | None = None) -> tuple[ScheduleRow, ...]:
        """All of them, by name."""
        ...

    async def due_schedules(self, now_ms: int, *, limit: int) -> tuple[ScheduleRow, ...]:
        """Those to be looked at, the longest due first; none that is paused. By an index: it
        costs as much as what it returns.
        """
        ...

    async def claim(self, lease: Lease, claim: Claim, now_ms: int) -> bool:
        """Adds the occurrences whose keys are not known and notes how far the schedule was looked
        at; False where the schedule is not as ``claim.of`` shows it any more.

        An occurrence that was withdrawn with its schedule is planned anew, and so is one that ended
        without a post before the schedule was added or changed
        (:func:`vestlus.store.occurrences.comes_again`). One that became a post stays that one.
        """
        ...

    async def next_look_ms(self) -> int | None:
        """The earliest moment for which a schedule or an open occurrence waits; ``None`` without
        any. By an index.
        """
        ...


class Occurrences(Protocol):
    """Times that are due, and what they come to."""

    async def due_occurrences(
        self,
        states: Collection[OccurrenceState],
        now_ms: int,
        *,
        limit: int,
        trigger: Trigger | None = None,
    ) -> tuple[OccurrenceRow, ...]:
        """Open ones of these states whose ``wake_ms`` has come, the longest due first; none that
        the pause of its schedule holds back. Of schedules and of events, where neither is named.
        """
        ...

    async def occurrence_step(self, lease: Lease, step: OccurrenceStep) -> bool:
        """Makes a step, and adds the post of one to HANDED in the same transaction; False where
        the occurrence is not as ``step.of`` shows it any more. Raises ValueError for a step that
        does not exist or lacks what it needs. A step to PLANNED forgets a person's yes.
        """
        ...

    async def decide(self, id_: str, decision: Decision) -> bool:
        """What a person says of a draft; False where none waits. One that is READY by it wakes
        when it is due. Raises ValueError for a state that is no decision.
        """
        ...

    async def cancel_occurrence(self, id_: str, now_ms: int) -> bool:
        """Takes an open one back; False when it is too late for that."""
        ...

    async def occurrence(self, id_: str) -> OccurrenceRow | None:
        """One occurrence."""
        ...

    async def occurrences(
        self,
        *,
        limit: int,
        account: str | None = None,
        states: Collection[OccurrenceState] = (),
        name: str | None = None,
    ) -> tuple[OccurrenceRow, ...]:
        """Those with the latest ``due_ms``, latest first; of all states where none is named."""
        ...

    async def pictures_used(self, account: str, since_ms: int) -> Mapping[str, int]:
        """Picture id → when it was last planned for: in posts that were not given up or cancelled,
        and in drafts of open occurrences, planned since then.
        """
        ...


class Triggers(Protocol):
    """Events that other systems sent."""

    async def take_event(
        self, event: NewTrigger, passed: Sequence[RuleOutcome], firings: Sequence[RuleFiring]
    ) -> Taken:
        """Records an event and what its rules made of it, all in one transaction.

        ``passed`` are rules that do not apply, ``firings`` those that do: each adds its
        occurrence, or is recorded with ``cool_down`` or ``daily_limit``. An event that is known by
        its key changes nothing and is given back as it was recorded; the caller compares the
        digest. However many hand in the same key at once, one is recorded.
        """
        ...

    async def event(self, id_: str) -> TriggerRow | None:
        """One event."""
        ...

    async def event_of_key(self, source: str, name: str, key: str) -> TriggerRow | None:
        """The event that a source handed in with this key."""
        ...

    async def events(self, *, limit: int, name: str | None = None) -> tuple[TriggerRow, ...]:
        """The newest, newest first."""
        ...

    async def forget_events(self, before_ms: int, *, limit: int) -> int:
        """Removes events received before then, and returns how many: keys are kept 7 days."""
        ...
