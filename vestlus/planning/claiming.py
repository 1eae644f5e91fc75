"""What looking at a schedule comes to: which of its times are claimed, and how. Plain decisions.

A schedule is looked at half an hour before its next time, and all times up to half an hour ahead
are claimed then. How far it was looked at, its watermark, moves only forward. So a clock that goes
back claims nothing twice, and one that goes ahead passes over what its rule for missed times says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol
from uuid import uuid4

from vestlus.planning.definitions import AHEAD_MS, next_look_ms
from vestlus.planning.withdrawn import again_of
from vestlus.scheduling.missed import MissedRule, Recurrence, due_now
from vestlus.scheduling.recipe import Recipe
from vestlus.scheduling.recurrence import Occurrence, Once, Repeated
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Claim, NewOccurrence, OccurrenceRow, ScheduleRow, Trigger
from vestlus.tracing import begun

#: Of times that passed, at most so many are told, the newest.
MOST_TOLD: Final = 100
#: Of times of a pause, at most so many are looked at.
_MOST_PASSED: Final = 1_000
#: At most so many missed times are made up for in one look; the next look follows at once.
MOST_AT_ONCE: Final = 200

_HOUR_MS: Final = 3_600_000

MISSED: Final = "missed"
PAUSED: Final = "paused"

#: What is said of times that passed while their schedule was paused.
WHILE_PAUSED: Final = "its schedule was paused then; publish it by hand if it is still wanted"

#: What is said of times that were missed, and that their schedule does not have any more.
NOT_ITS_TIME: Final = (
    "the service did not run at that time, and the schedule has other times since: publish it by "
    "hand if it is still wanted"
)


class Plan(Protocol):
    """What is known of a schedule; :class:`vestlus.planning.definitions.Definition` is one."""

    @property
    def recurrence(self) -> Once | Repeated:
        """When it is due."""
        ...

    @property
    def missed(self) -> MissedRule:
        """What becomes of times that are seen too late."""
        ...

    @property
    def longest_ms(self) -> int:
        """Missed times older than this are not made up for, ms."""
        ...

    @property
    def recipe(self) -> Recipe:
        """What is posted."""
        ...


def claim_of(
    row: ScheduleRow, plan: Plan, now_ms: int, withdrawn: Iterable[OccurrenceRow] = ()
) -> Claim:
    """What is claimed of a schedule now.

    ``withdrawn`` are occurrences that were open when its definition changed. Of those that are
    before its watermark the ones that were missed go by the rule if they are still times of it,
    and are told if not; one that was worked at, or waits for a yes, is planned anew. No key is in
    the claim twice.
    """
    paused_ms = row.changed_ms if went_on(row) else 0
    again = again_of(row, plan.recurrence, now_ms, withdrawn, paused_ms=paused_ms)
    passed, since_ms = _passed_in_pause(row, plan, now_ms)
    due = due_now(
        _Chained(again.missed, plan.recurrence, since_ms),
        after_ms=min([since_ms, *(one.at_ms - 1 for one in again.missed)]),
        now_ms=now_ms,
        rule=plan.missed,
        longest_ms=plan.longest_ms,
    )
    anew = [of_time(row, plan, one) for one in again.anew]
    told = [
        skipped(of_time(row, plan, one), PAUSED, WHILE_PAUSED) for one in (*again.paused, *passed)
    ]
    told += [
        skipped(of_time(row, plan, one), MISSED, missed_words(plan)) for one in due.passed_over
    ]
    told += [skipped(_as_it_was(one), MISSED, NOT_ITS_TIME) for one in again.gone]
    run = [of_time(row, plan, one) for one in due.run[:MOST_AT_ONCE]]
    if len(due.run) > MOST_AT_ONCE:
        return Claim(
            of=row,
            watched_ms=run[-1].due_ms,
            look_ms=now_ms,
            occurrences=(*anew, *told[-MOST_TOLD:], *run),
        )
    watched_ms = max(row.watched_ms, now_ms + AHEAD_MS)
    ahead = [
        of_time(row, plan, one)
        for one in _until(watched_ms, plan.recurrence.after(max(row.watched_ms, now_ms)))
    ]
    return Claim(
        of=row,
        watched_ms=watched_ms,
        look_ms=next_look_ms(plan.recurrence, after_ms=watched_ms, now_ms=now_ms),
        occurrences=(*anew, *told[-MOST_TOLD:], *run, *ahead),
    )


def went_on(row: ScheduleRow) -> bool:
    """Whether the last that a person did with a schedule was to let it go on, or to pause it."""
    return row.changed_ms > row.created_ms


def missed_words(plan: Plan) -> str:
    """What is said of a time that was missed and is not made up for."""
    hours = plan.longest_ms / _HOUR_MS
    return (
        f"the service did not run at that time, and the schedule has missed = "
        f'"{plan.missed}" and missed_hours = {hours:g}: publish it by hand if it is still wanted'
    )


@dataclass(frozen=True, slots=True)
class _Chained:
    """Some times up to a moment, by their moments, and those of a recurrence after it."""

    first: list[Occurrence]
    rest: Recurrence
    since_ms: int

    def after(self, after_ms: int) -> Iterator[Occurrence]:
        """See :class:`~vestlus.scheduling.missed.Recurrence`."""
        first = (one for one in self.first if one.at_ms > after_ms)
        return itertools.chain(first, self.rest.after(max(after_ms, self.since_ms)))


def _passed_in_pause(
    row: ScheduleRow, plan: Plan, now_ms: int
) -> tuple[tuple[Occurrence, ...], int]:
    """Times of a pause that ended after the watermark, and from when on times count."""
    until_ms = min(row.changed_ms, now_ms)
    if until_ms <= row.watched_ms or not went_on(row):
        return (), row.watched_ms
    passed = _until(until_ms, plan.recurrence.after(row.watched_ms))
    return tuple(itertools.islice(passed, _MOST_PASSED)), until_ms


def _until(last_ms: int, times: Iterator[Occurrence]) -> Iterator[Occurrence]:
    return itertools.takewhile(lambda one: one.at_ms <= last_ms, times)


def _key(row: ScheduleRow, one: Occurrence) -> str:
    return f"{Trigger.SCHEDULE}:{row.name}:{one.key}"


def _as_it_was(old: OccurrenceRow) -> NewOccurrence:
    return NewOccurrence(
        id=uuid4().hex,
        key=old.key,
        trigger=old.trigger,
        name=old.name,
        account=old.account,
        recipe=old.recipe,
        due_ms=old.due_ms,
        wake_ms=0,
        traceparent=old.traceparent,
    )


def of_time(row: ScheduleRow, plan: Plan, one: Occurrence) -> NewOccurrence:
    """The occurrence of one time of a schedule, to be drafted when its time is near."""
    return NewOccurrence(
        id=uuid4().hex,
        key=_key(row, one),
        trigger=Trigger.SCHEDULE,
        name=row.name,
        account=row.account,
        recipe=plan.recipe,
        due_ms=one.at_ms,
        wake_ms=one.at_ms - AHEAD_MS,
        traceparent=begun("schedule", row.account),
    )


def skipped(new: NewOccurrence, reason: str, problem: str) -> NewOccurrence:
    """One that is only told: it was passed over, and why."""
    return replace(new, wake_ms=0, state=OccurrenceState.SKIPPED, reason=reason, problem=problem)
