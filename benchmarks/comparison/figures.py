"""Whose turn it is, and what many rounds say together."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


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
