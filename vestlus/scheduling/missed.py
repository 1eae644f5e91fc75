"""What becomes of occurrences that nobody was there to run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from vestlus.scheduling.recurrence import Occurrence

#: An occurrence that is seen within this time is on time: a restart or a takeover takes as long.
ON_TIME_MS = 60_000

#: How many of those that are too old are looked at, so that a schedule of every minute that
#: nobody ran for a year is passed over at once.
_MOST_TOO_OLD = 1_000


class MissedRule(StrEnum):
    """What to do with occurrences that are seen later than :data:`ON_TIME_MS`."""

    #: None is run.
    SKIP = "skip"
    #: The newest is run, unless one on time is run anyway.
    LATEST = "latest"
    #: All are run, oldest first.
    ALL = "all"


class Recurrence(Protocol):
    """When something is due."""

    def after(self, after_ms: int) -> Iterator[Occurrence]:
        """The occurrences after a moment, by their moments; without end, perhaps."""
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now. ``passed_over`` were missed and are not run; each is told, but of
    those that are older than the rule's longest age the first thousand only.
    """

    run: tuple[Occurrence, ...]
    passed_over: tuple[Occurrence, ...]


def due_now(
    recurrence: Recurrence, *, after_ms: int, now_ms: int, rule: MissedRule, longest_ms: int
) -> Due:
    """The occurrences after ``after_ms`` and not after ``now_ms``, which are run or passed over.

    ``after_ms`` is when this was asked last: so each occurrence is told exactly once, however
    long nobody asked. Missed ones older than ``longest_ms`` are never run. A clock that went back
    behind ``after_ms`` tells none again.
    """
    oldest_ms = max(after_ms, now_ms - max(longest_ms, ON_TIME_MS) - 1)
    too_old = itertools.takewhile(lambda one: one.at_ms <= oldest_ms, recurrence.after(after_ms))
    passed_over = list(itertools.islice(too_old, _MOST_TOO_OLD)) if oldest_ms > after_ms else []
    found = itertools.takewhile(lambda one: one.at_ms <= now_ms, recurrence.after(oldest_ms))
    missed: list[Occurrence] = []
    on_time: list[Occurrence] = []
    for one in found:
        (on_time if one.at_ms >= now_ms - ON_TIME_MS else missed).append(one)
    match rule:
        case MissedRule.ALL:
            kept = missed
        case MissedRule.LATEST if not on_time:
            kept = missed[-1:]
        case MissedRule.LATEST | MissedRule.SKIP:
            kept = []
    passed_over += missed[: len(missed) - len(kept)]
    return Due((*kept, *on_time), tuple(passed_over))
