"""Gathers the lines of the generator into histograms and series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vestlus.conversation.turn import BurstPolicy
from vestlus.loadtest.histogram import Histogram

#: Latencies over time are drawn from so many seconds each at the least.
WINDOW_SECONDS = 5
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
#: What is measured, and what it is.
KINDS = {
    "ack": "from when a webhook was due until it was answered 200",
    "answer": "from when a message was due until its answer arrived at Graph",
    "overhead": "of a turn's newest message: its answer without the model and the wait for a burst",
    "before_model": "from when a turn's newest message was due until the model was asked",
    "model": "in the model",
    "after_model": "from the model's answer until it arrived at Graph",
    "late": "how much later than due the generator itself was",
}


@dataclass(slots=True)
class Series:
    """One value for each second."""

    due: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)
    backlog: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Window:
    """The latencies of some seconds."""

    until: int
    ack: Histogram = field(default_factory=Histogram)
    answer: Histogram = field(default_factory=Histogram)


class Recording:
    """Everything that was measured so far."""

    def __init__(self, burst_wait_seconds: float, *, window_seconds: int = WINDOW_SECONDS) -> None:
        self.histograms = {kind: Histogram() for kind in KINDS}
        self.series = Series()
        self.windows: list[Window] = []
        self.statuses: dict[str, int] = {}
        self.in_model = self.not_taken_in = 0
        self._policy = BurstPolicy(longest_ms=round(burst_wait_seconds * 1000))
        self._window_seconds = window_seconds

    @property
    def seconds(self) -> int:
        """How many lines there were."""
        return len(self.series.due)

    def add(self, line: dict[str, Any]) -> None:
        """Takes a ``second`` of the generator's."""
        if not self.windows or self.seconds >= self.windows[-1].until:
            self.windows.append(Window(self.seconds + self._window_seconds))
        for name, values in (("ack", line["ack_us"]), ("answer", line["answer_us"])):
            self._count(name, values)
        self.windows[-1].ack.record_all(line["ack_us"])
        self.windows[-1].answer.record_all(line["answer_us"])
        self._count("late", line["late_us"])
        for before, model, after, spread in line["turns_us"]:
            self._count("before_model", [before])
            self._count("model", [model])
            self._count("after_model", [after])
            self._count("overhead", [max(0, before + after - self._burst_wait(spread))])
        self.in_model = line["in_model"]
        self.not_taken_in = line["not_taken_in"]
        self.statuses = dict(line["statuses"])
        self.series.due.append(line["due"])
        self.series.answered.append(len(line["answer_us"]))
        self.series.in_flight.append(line["in_flight"])
        self.series.backlog.append(max(0, line["in_flight"] - self.in_model))

    def _count(self, kind: str, values: Sequence[int]) -> None:
        self.histograms[kind].record_all(values)

    def _burst_wait(self, spread: int) -> int:
        """How long a turn waits on purpose for more, microseconds: the users' texts end like
        sentences. ``spread`` is the time between its first and its newest message.
        """
        quiet, longest = self._policy.after_sentence_ms, self._policy.longest_ms
        return max(0, min(quiet * 1000, longest * 1000 - spread))


def milliseconds(histogram: Histogram) -> dict[str, float]:
    """Count and percentiles as the JSON has them."""
    found: dict[str, float] = {"count": histogram.count}
    for percent in PERCENTILES:
        found[f"p{percent:g}"] = round(histogram.percentile(percent) / 1000, 3)
    return found | {"max": round(histogram.most / 1000, 3)}
