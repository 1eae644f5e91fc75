"""Whose turn it is, and what many rounds say together."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from vestlus.loadtest.verdict import own_limits

T = TypeVar("T")

#: Processes of the measurement: neither the contestant's nor the servers'.
MEASURING = frozenset({"generator", "pretend Graph", "pretend model"})


def in_turn(contestants: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """A B C A B C …: the number of the round, from 0, and whose turn it is."""
    for number in range(rounds):
        for each in contestants:
            yield number, each


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some values and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Raises ValueError where there are none."""
        if not values:
            raise ValueError("no value, so no median")
        return cls(statistics.median(values), min(values), max(values))


def ratios(ours: Sequence[float | None], theirs: Sequence[float | None]) -> list[float]:
    """Round by round, how many times theirs ours is; rounds that lack one of them are left out.

    The ratio of two runs that followed each other tells more than that of two medians: the machine
    was the same. One that theirs is nothing in says nothing.
    """
    return [
        mine / other for mine, other in zip(ours, theirs, strict=True) if mine is not None and other
    ]


def limits(run: Mapping[str, Any]) -> list[str]:
    """Why a run is no result, by the rule of ``vestlus loadtest``; nothing where it is one."""
    cores = {
        name: cost["cores"] for name, cost in run.get("costs", {}).items() if name in MEASURING
    }
    return own_limits(float(run.get("late_p99_ms", 0.0)), cores)


def best_of_each(by_how: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Of one title's ways, "title [how]", the one with the best middle, as who tunes takes it."""
    best: dict[str, list[dict[str, Any]]] = {}
    for key, runs in by_how.items():
        title = key.partition(" [")[0]
        if title not in best or _worth(runs) > _worth(best[title]):
            best[title] = runs
    return best


def _worth(runs: Sequence[Mapping[str, Any]]) -> tuple[bool, float]:
    """The middle of what counts. A way that has no result is worth less than any that has one."""
    results = [run for run in runs if not limits(run)]
    return bool(results), statistics.median(float(run["rate"]) for run in results or runs)
