"""Minutes as a series for a plot. Plain code."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from vestlus.store.measure_rows import ANSWER_BOUNDS, MINUTE_MS, NO_TIMES, MinuteRow, minute_of

#: A week is kept.
KEPT_MS: Final = 7 * 24 * 60 * MINUTE_MS

_BOUNDS: Final = (0.0, *ANSWER_BOUNDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What happened in so many minutes from ``at_ms`` on, of one account or of several together."""

    at_ms: int
    received: int = 0
    answered: int = 0
    failed: int = 0
    #: The most that was unanswered in any of the minutes.
    backlog: int = 0
    #: How long answers took that went out then, seconds; ``None`` where there was none. Read off a
    #: histogram: as exact as its steps, :data:`~vestlus.store.measure_rows.ANSWER_BOUNDS`.
    median_seconds: float | None = None
    p95_seconds: float | None = None


def series(
    rows: Iterable[MinuteRow], since_ms: int, until_ms: int, *, step_minutes: int = 1
) -> tuple[Point, ...]:
    """The points of a span, oldest first, without gaps: where no row is, nothing happened.

    The first point begins with the minute of ``since_ms``, the last one before ``until_ms``. Rows
    of several accounts are added up; rows outside the span do not count.
    """
    first, step = minute_of(since_ms), step_minutes * MINUTE_MS
    number = max(0, -((first - until_ms) // step))
    heaps: list[list[MinuteRow]] = [[] for _ in range(number)]
    for row in rows:
        place = (row.minute_ms - first) // step
        if 0 <= place < number and row.minute_ms < until_ms:
            heaps[place].append(row)
    return tuple(_point(first + place * step, heap) for place, heap in enumerate(heaps))


def quantile(times: Sequence[int], share: float) -> float | None:
    """How long the fastest ``share`` of answers took at most, seconds; ``None`` without answers.

    Between two bounds answers are taken to be spread evenly; of what took longer than the last
    bound it says the last bound.
    """
    rank, below = share * sum(times), 0
    if not sum(times):
        return None
    for count, (lower, upper) in zip(times, pairwise(_BOUNDS), strict=False):
        if count and below + count >= rank:
            return lower + (upper - lower) * max(0.0, rank - below) / count
        below += count
    return float(ANSWER_BOUNDS[-1])


def place_of(seconds: float) -> int:
    """Which of :attr:`~vestlus.store.measure_rows.MinuteRow.times` an answer counts in."""
    return bisect_left(ANSWER_BOUNDS, seconds)


def _point(at_ms: int, rows: Sequence[MinuteRow]) -> Point:
    if not rows:
        return Point(at_ms=at_ms)
    backlogs: Counter[int] = Counter()
    for row in rows:
        backlogs[row.minute_ms] += row.backlog
    times = [sum(column) for column in zip(NO_TIMES, *(row.times for row in rows), strict=True)]
    return Point(
        at_ms=at_ms,
        received=sum(row.received for row in rows),
        answered=sum(row.answered for row in rows),
        failed=sum(row.failed for row in rows),
        backlog=max(backlogs.values()),
        median_seconds=quantile(times, 0.5),
        p95_seconds=quantile(times, 0.95),
    )
