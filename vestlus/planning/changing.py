"""What a change in the file makes of a schedule's times until then. Plain decisions.

Nobody looked at the times after its watermark. Where the times stayed, the watermark stays too, so
that the rule for missed times holds as if nothing had changed. Where they did not, nobody knows
which of the old ones are still meant: they are told, each once.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from vestlus.planning.claiming import (
    MISSED,
    MOST_TOLD,
    NOT_ITS_TIME,
    PAUSED,
    WHILE_PAUSED,
    of_time,
    skipped,
    went_on,
)
from vestlus.planning.definitions import Definition, read_definition
from vestlus.scheduling.recurrence import Occurrence
from vestlus.store.plan_rows import Keeper, NewOccurrence, ScheduleRow

#: Of the old times, at most so many are looked at.
_MOST_PASSED = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """A schedule as it is to be kept, and times of the one before that are told with it."""

    row: ScheduleRow
    told: tuple[NewOccurrence, ...] = ()


def change_of(known: ScheduleRow | None, row: ScheduleRow, now_ms: int) -> Change:
    """What becomes of a schedule that is known when the file has it as ``row``, which is new.

    A row that is the same, or that a person keeps, is left to the store as it is.
    """
    if known is None or known.keeper is not Keeper.FILE or known.definition == row.definition:
        return Change(row)
    old, new = read_definition(known), read_definition(row)
    if not isinstance(old, Definition) or not isinstance(new, Definition):
        # Nobody here knows what its times were.
        return Change(row)
    paused_ms = _paused_until(known, now_ms)
    if _times(old) == _times(new):
        since_ms = known.watched_ms if known.paused else max(known.watched_ms, paused_ms)
        told = [] if known.paused else _passed(known, old, paused_ms)
        kept = replace(row, watched_ms=min(since_ms, now_ms))
    else:
        told, kept = _passed(known, old, now_ms), row
    return Change(
        kept,
        tuple(
            skipped(of_time(known, old, one), PAUSED, WHILE_PAUSED)
            if one.at_ms <= paused_ms
            else skipped(of_time(known, old, one), MISSED, NOT_ITS_TIME)
            for one in told[-MOST_TOLD:]
        ),
    )


def _paused_until(known: ScheduleRow, now_ms: int) -> int:
    """Until when the times after its watermark passed in a pause; 0 for none of them."""
    if known.paused:
        return now_ms
    return min(known.changed_ms, now_ms) if went_on(known) else 0


def _passed(known: ScheduleRow, old: Definition, until_ms: int) -> list[Occurrence]:
    times = old.recurrence.after(known.watched_ms)
    passed = itertools.takewhile(lambda one: one.at_ms <= until_ms, times)
    return list(itertools.islice(passed, _MOST_PASSED))


def _times(of: Definition) -> tuple[object, ...]:
    one = of.schedule
    return (one.at, one.cron, of.timezone, one.start, one.end, one.without)
