"""How long the model takes, and how long it took for whom."""

import math
import random
from collections import deque
from dataclasses import dataclass
from itertools import takewhile

from vestlus.simulator.jsontypes import Json, JsonObject, get_number, get_range
from vestlus.simulator.markers import find_markers
from vestlus.simulator.model_request import Prompt

KEPT_TURNS = 20_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds before the model answers: any between two, or by a log-normal distribution.

    With `sigma` the median is `least`, and `sigma` the standard deviation of the logarithm.
    """

    least: float = 0.0
    most: float = 0.0
    sigma: float | None = None

    @classmethod
    def changed(cls, now: "Latency", body: JsonObject) -> "Latency":
        """Return what the `latency_seconds` of a request asks for: a number, two, or an object.

        Raises:
            BadInputError: If it is none of these.

        """
        value = body.get("latency_seconds")
        if isinstance(value, dict):
            median = get_number(value, "median", 0)
            return cls(median, median, get_number(value, "sigma", 0))
        if value is None:
            return now
        return cls(*get_range(body, "latency_seconds", (0, 0)))

    def draw(self, rng: random.Random) -> float:
        """Return the seconds of one call."""
        if self.sigma is None:
            return rng.uniform(self.least, self.most)
        return self.least * math.exp(rng.gauss(0, self.sigma))

    def to_json(self) -> Json:
        """Return the form of the control API."""
        if self.sigma is None:
            return [self.least, self.most]
        return {"median": self.least, "sigma": self.sigma}


@dataclass(frozen=True, slots=True)
class Turn:
    """One call that was answered: for which markers, and from when until when (Unix seconds)."""

    seq: int
    markers: tuple[str, ...]
    began: float
    ended: float


class TurnLog:
    """The last 20,000 calls that were answered for messages with markers."""

    def __init__(self) -> None:
        self._turns: deque[Turn] = deque(maxlen=KEPT_TURNS)
        self._count = 0

    def add(self, prompt: Prompt, began: float, ended: float) -> None:
        """Note a call that was answered."""
        markers = tuple(mark for text in prompt.unanswered for mark in find_markers(text))
        if markers:
            self._count += 1
            self._turns.append(Turn(self._count, markers, began, ended))

    def after(self, seq: int) -> list[Json]:
        """Return the calls numbered above `seq`, oldest first."""
        newer = list(takewhile(lambda turn: turn.seq > seq, reversed(self._turns)))
        return [
            {
                "seq": turn.seq,
                "markers": list(turn.markers),
                "began": turn.began,
                "ended": turn.ended,
            }
            for turn in reversed(newer)
        ]
