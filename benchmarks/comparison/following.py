"""What is common to all runs: a place, its processes, the generator's lines, and what it cost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.comparison.figures import MEASURING
from benchmarks.comparison.ground import Ground, Place, place
from benchmarks.comparison.quiet import Surrounded
from vestlus.loadtest.children import Child
from vestlus.loadtest.options import LoadTestError
from vestlus.loadtest.parts import Parts
from vestlus.loadtest.recording import Recording
from vestlus.loadtest.result import mean

START_SECONDS = 180.0
SILENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds: before it is measured, while it is, and for what is under way at the end."""

    settle: float
    seconds: float
    drain: float


@contextmanager
def visited(on: Ground) -> Iterator[tuple[Place, ExitStack]]:
    """A place of one's own, and what is ended before it is given up."""
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="comparison-", ignore_cleanup_errors=True)
            )
        )
        yield stack.enter_context(place(on, folder)), stack


def parts_of(on: Ground, children: Mapping[str, Child], measuring: Mapping[str, int]) -> Surrounded:
    """Trees of processes to be looked at: what measures, the servers, the contestant."""
    own = {name: child.pid for name, child in children.items()}
    return Surrounded({**measuring, **on.roots, **own})


def costs(parts: Surrounded) -> dict[str, Any]:
    """Cores and memory of the contestant, of the servers, of what measures; cores of others."""
    found: dict[str, dict[str, float]] = {}
    for name, cost in parts.costs.items():
        group = name if name in MEASURING | {"RabbitMQ", "PostgreSQL"} else "contestant"
        sums = found.setdefault(group, {"cores": 0.0, "megabytes": 0.0})
        sums["cores"] += mean(cost.cores)
        sums["megabytes"] += cost.memory_most / 1e6
    return {"costs": found, "others": parts.others()}


@dataclass(frozen=True, slots=True)
class Watch:
    """What is written down while the generator measures: for so long, after so long, in seconds."""

    parts: Parts
    seconds: float
    recording: Recording
    after: int = 0


def heard(
    generator: Child, kind: str, children: Mapping[str, Child], watch: Watch | None = None
) -> dict[str, Any]:
    """Wait for a line of this kind."""
    began = latest = looked = time.monotonic()
    first, seen = 0 if watch is None else watch.after, 0
    while True:
        line = generator.line(0.25)
        now = time.monotonic()
        measured = watch is not None and first <= now - began <= first + watch.seconds
        if watch is not None and measured and now - looked >= 1:
            watch.parts.look(now)
            looked = now
        for name, child in children.items():
            if child.process.poll() is not None:
                raise LoadTestError(f"{name} has ended by itself:\n{child.tail()}")
        if line is None:
            if now - latest > SILENCE_SECONDS:
                raise LoadTestError(f"the generator says nothing:\n{generator.tail()}")
            continue
        latest = now
        if line["kind"] == kind:
            return line
        if line["kind"] == "second" and watch is not None:
            seen += 1
            if seen > first:
                watch.recording.add(line)
        else:
            raise LoadTestError(str(line.get("problem", line)))
