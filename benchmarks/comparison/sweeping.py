"""Celery's pool, concurrency and web processes: tried, and the best taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.comparison.contestants import CeleryWay, Contestant
from benchmarks.comparison.figures import limits
from benchmarks.comparison.following import Times
from benchmarks.comparison.pipeline import Row
from vestlus.loadtest.verdict import BREACHES

#: Sweeps are shorter than what is compared: a half of the time tells which is the best.
SHARE = 0.5
#: Seconds at most that are waited for what is under way at the end of one.
DRAIN = 5.0

#: Measures one contestant in one row; None where it broke.
Measure = Callable[[Contestant, Row, Times], dict[str, Any] | None]

#: What Celery is tried with, for a model that answers at once and for one that takes 2 s. Prefork
#: has a process for each answer in flight, so it cannot have hundreds: 64 are as many as there are
#: connections to PostgreSQL.
INSTANT_SWEEP = (
    *(CeleryWay("prefork", 1, 4), CeleryWay("prefork", 1, 8)),
    *(CeleryWay("threads", 2, 8), CeleryWay("threads", 2, 32)),
    *(CeleryWay("gevent", 1, 50), CeleryWay("gevent", 2, 50)),
)
SLOW_SWEEP = (
    CeleryWay("prefork", 1, 64),
    *(CeleryWay("threads", 2, 160), CeleryWay("gevent", 2, 160), CeleryWay("gevent", 2, 320)),
)


def told(words: str) -> CeleryWay:
    """Of ``pool,workers,concurrency`` or ``…,web``. Raises ValueError for anything else."""
    pool, *numbers = words.split(",")
    if len(numbers) not in {2, 3}:
        raise ValueError(f"{words}: must read pool,workers,concurrency or one more, web")
    return CeleryWay(pool, *(int(each) for each in numbers))


def tries(ways: Sequence[CeleryWay]) -> int:
    """How many are measured: the best of them once more, with two web processes."""
    return len(ways) + 1 if len(ways) > 1 else 0


def best(
    row: Row, ways: Sequence[CeleryWay], times: Times, measure: Measure, sweeps: dict[str, Any]
) -> Contestant:
    """The best way of a row; what was tried goes into ``sweeps``. One way alone is not measured."""
    if len(ways) == 1:
        return ways[0].contestant()
    shorter = replace(times, seconds=times.seconds * SHARE, drain=min(times.drain, DRAIN))
    tried: list[dict[str, Any]] = []
    known: dict[str, CeleryWay] = {}

    def attempt(way: CeleryWay) -> None:
        contestant = way.contestant()
        known[contestant.how] = way
        if (figures := measure(contestant, row, shorter)) is not None:
            kept = ("rate", "costs", "late_p99_ms", *BREACHES)
            tried.append(
                {"how": contestant.how} | {key: figures[key] for key in kept if key in figures}
            )

    for way in ways:
        attempt(way)
    # The web process is one for all pools; whether it is the limit shows with the best of them.
    if tried:
        attempt(replace(known[_fastest(tried)["how"]], web=2))
    sweeps[row.name] = tried
    if not tried:
        return ways[0].contestant()
    taken = _fastest(tried)
    taken["taken"] = True
    return known[taken["how"]].contestant()


def _fastest(tried: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of those with a result, if there are any."""
    return max(
        [each for each in tried if not limits(each)] or tried, key=lambda each: float(each["rate"])
    )
