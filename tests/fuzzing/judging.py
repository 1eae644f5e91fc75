"""What of a run is wrong: errors, slow answers, memory that grows. Plain code."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from tests.fuzzing.throwing import Outcomes

#: An answer that takes longer is a slow path, whatever was thrown: rightful ones take some
#: milliseconds, and 16 at a time wait for each other.
SLOW_SECONDS: Final = 2.0

#: Requests over which growth can be told from the allocator's leavings.
ENOUGH_REQUESTS: Final = 10_000

#: One that keeps that much of each request has a leak: at ten requests a second, 170 MB a day.
MOST_BYTES_A_REQUEST: Final = 200


@dataclass(frozen=True, slots=True)
class Weight:
    """What a replica had in memory after so many requests."""

    requests: int
    bytes: float


def growth(weights: Sequence[Weight]) -> float | None:
    """Bytes that each request left behind; ``None`` for too few requests to tell.

    The median of the slopes between any two (Theil and Sen), of the later half: what is loaded at
    first and the odd leap of an allocator weigh little in it, what comes steadily does.
    """
    later = weights[len(weights) // 2 :]
    if len(later) < 2 or later[-1].requests - later[0].requests < ENOUGH_REQUESTS:
        return None
    return statistics.median(
        (other.bytes - one.bytes) / (other.requests - one.requests)
        for one, other in combinations(later, 2)
    )


def problems(
    outcomes: Outcomes, weights: Sequence[Weight], *, slow_seconds: float = SLOW_SECONDS
) -> Iterator[str]:
    """A line for each thing that is wrong."""
    if outcomes.errors:
        yield f"{len(outcomes.errors)} answered with a server error"
    for surface in sorted(outcomes.seconds):
        slowest = outcomes.slowest(surface)
        if slowest > slow_seconds:
            yield f"{surface}: an answer took {slowest:.3f} s, more than {slow_seconds:g} s"
    grown = growth(weights)
    if grown is not None and grown > MOST_BYTES_A_REQUEST:
        yield f"memory grows by {grown:.0f} bytes a request, more than {MOST_BYTES_A_REQUEST}"
