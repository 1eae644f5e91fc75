"""What becomes of occurrences that were open when their schedule changed. Plain decisions.

Which time of the schedule such a one is of, its key alone says: that is its wall time, whatever
zone the schedule is in by now, and whenever a person had it go out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from vestlus.scheduling.missed import ON_TIME_MS
from vestlus.scheduling.recurrence import Occurrence, Once, Repeated, wall_of
from vestlus.store.occurrences import CHANGED
from vestlus.store.plan_rows import OccurrenceRow, ScheduleRow, Trigger

_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Again:
    """What becomes of what was open when the definition changed.

    No time is in it twice, and none that is after the schedule's watermark: those are claimed like
    any other.
    """

    #: Were worked at, or wait for a yes: planned anew.
    anew: list[Occurrence] = field(default_factory=list)
    #: Passed in a pause that is over.
    paused: list[Occurrence] = field(default_factory=list)
    #: Go by the rule for missed times; by their moments.
    missed: list[Occurrence] = field(default_factory=list)
    #: Were missed, and are no times of the schedule any more that count.
    gone: list[OccurrenceRow] = field(default_factory=list)


def again_of(
    row: ScheduleRow,
    recurrence: Once | Repeated,
    now_ms: int,
    withdrawn: Iterable[OccurrenceRow],
    *,
    paused_ms: int,
) -> Again:
    """What becomes of a schedule's withdrawn occurrences when it is looked at. ``paused_ms`` is
    when its pause ended; 0 without one since it changed.
    """
    again = Again()
    for old in withdrawn:
        # Others were withdrawn by a change before that was claimed: no later one brings them back.
        is_of_change = old.reason == CHANGED and old.changed_ms == row.created_ms
        if not is_of_change or old.trigger is not Trigger.SCHEDULE:
            continue
        was_missed = _seen_ms(old) + ON_TIME_MS < now_ms
        found = _time_of(recurrence, old)
        if found is not None and found.at_ms > row.watched_ms:
            continue  # claimed like any other time
        if found is None or not _is_at_its_moment(found, old):
            # One that was not over at the change is withdrawn without a word.
            if was_missed and old.due_ms <= row.watched_ms:
                again.gone.append(old)
        elif not was_missed:
            again.anew.append(found)
        elif found.at_ms < paused_ms:
            again.paused.append(found)
        else:
            again.missed.append(found)
    again.missed.sort(key=lambda one: one.at_ms)
    return again


def _time_of(recurrence: Once | Repeated, old: OccurrenceRow) -> Occurrence | None:
    """The time of the schedule that has the key of an occurrence, if there is one still."""
    return recurrence.at(wall_of(old.key.removeprefix(f"{old.trigger}:{old.name}:")))


def _is_at_its_moment(found: Occurrence, old: OccurrenceRow) -> bool:
    """Whether a time is the moment still for which an occurrence was claimed.

    In another zone it is another one, and counts only from the watermark on. A person who has one
    go out at once makes that its moment, sooner or later than its time; as schedules are due at
    whole minutes, it tells itself apart.
    """
    is_moved = old.due_ms == old.decided_ms or old.due_ms % _MINUTE_MS != 0
    return found.at_ms == old.due_ms or is_moved


def _seen_ms(old: OccurrenceRow) -> int:
    """When the last was done with an occurrence that was withdrawn, or was to be."""
    return max(old.due_ms, old.wake_ms, old.drafted_ms, old.decided_ms)
