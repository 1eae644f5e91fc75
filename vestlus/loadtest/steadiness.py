"""Whether a long run ended as it began: memory, latency and files, early against late.

*Early* is the second quarter of the time with arrivals, *late* the last: the first quarter warms
caches up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from vestlus.loadtest.recording import Window, milliseconds

#: Seconds below which two quarters say nothing.
SHORTEST = 8
_LATENCIES = ("ack", "answer")
_PERCENTILES = ("p50", "p99")


def quarters(values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """The second quarter and the last."""
    quarter = len(values) // 4
    return values[quarter : 2 * quarter], values[len(values) - quarter :]


def steadiness(
    seconds: int,
    memory: Mapping[str, Sequence[int]],
    files: Mapping[str, Sequence[int]],
    windows: Sequence[Window],
) -> dict[str, Any]:
    """Medians of the two quarters; empty for a run that was too short to say.

    ``memory`` and ``files`` have a value a second and may go on after the ``seconds`` with
    arrivals; a part that came later has fewer values and counts from its end.
    """
    if seconds < SHORTEST:
        return {}
    during = [each for each in windows if each.until <= seconds]
    latency = {
        f"{kind}_{percentile}_ms": _pair(
            [milliseconds(getattr(each, kind))[percentile] for each in during]
        )
        for kind in _LATENCIES
        for percentile in _PERCENTILES
    }
    return {
        "memory_bytes": {name: _pair(values[:seconds]) for name, values in memory.items()},
        "file_bytes": {
            name: _pair(values[:seconds]) | {"most": max(values, default=0)}
            for name, values in files.items()
        },
        **latency,
    }


def rows(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, float], float]]:
    """What is shown of it: words, the pair, and what its values are divided by."""
    said = {"ack": "webhook answered", "answer": "message answered"}
    latencies = [
        (f"{said[kind]}, {percentile}, ms", found[f"{kind}_{percentile}_ms"], 1.0)
        for kind in _LATENCIES
        for percentile in _PERCENTILES
    ]
    memory = [(f"memory, {name}, MB", pair, 1e6) for name, pair in found["memory_bytes"].items()]
    files = [(f"file {name}, MB", pair, 1e6) for name, pair in found["file_bytes"].items()]
    return [*latencies, *memory, *files]


def _pair(values: Sequence[float]) -> dict[str, float]:
    early, late = quarters(values)
    return {"early": _median(early), "late": _median(late)}


def _median(values: Sequence[float]) -> float:
    return round(median(values), 3) if values else 0.0
