"""How long a comparison is to take, and how far it has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.comparison.contestants import OURS, OURS_EMBEDDED, RAY_ACTORS
from benchmarks.comparison.following import Times

#: Seconds to start a contestant and end it again, on two cores; whoever brings Ray takes longer,
#: and an actor for each user is a process that must be started.
START_AND_END = {OURS: 45.0, OURS_EMBEDDED: 40.0, RAY_ACTORS: 80.0}
OTHERS_START_AND_END = 12.0
#: Of `Times.drain`, how much is waited for in the middle: who keeps up needs little of it.
DRAINED = 0.4
#: After each row of the intake its queues are emptied.
EMPTYING_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Rounds:
    """How many there are. Those of the actor per user take longest and say the least."""

    intake: int
    answers: int
    actors: int


def intake_visit(title: str, rows: int, times: Times) -> float:
    """Seconds that one contestant is expected to take."""
    return _starting(title) + rows * (times.settle + times.seconds + EMPTYING_SECONDS)


def answers_visit(title: str, rows: int, times: Times) -> float:
    """Seconds that one contestant is expected to take."""
    return _starting(title) + rows * (times.settle + times.seconds + DRAINED * times.drain)


def _starting(title: str) -> float:
    return START_AND_END.get(title, OTHERS_START_AND_END)


class Progress:
    """Says what is begun, of how much, and how long the rest will take."""

    def __init__(
        self,
        expected: Sequence[float],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``expected`` are the seconds of every visit, in their order."""
        self._expected, self._say, self._clock = list(expected), say, clock
        self._began = clock()
        self._done = 0
        minutes = sum(self._expected) / 60
        say(f"{len(self._expected)} visits to contestants, about {minutes:.0f} min in all")

    @property
    def remaining(self) -> float:
        """Seconds, by what was expected and how much slower or faster it went so far."""
        behind, ahead = sum(self._expected[: self._done]), sum(self._expected[self._done :])
        pace = (self._clock() - self._began) / behind if behind else 1.0
        return ahead * pace

    def begin(self, what: str) -> None:
        """The next visit begins; the one before has ended."""
        left = f"about {self.remaining / 60:.0f} min left"
        self._done += 1
        self._say(f"[{self._done} of {len(self._expected)}, {left}] {what}")

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began
