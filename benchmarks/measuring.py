"""What benchmarks share: figures of repeated rounds, and the machine they were seen on.

Speed is judged by processor time, which a busy machine changes little; times by the clock say how
long somebody waits, and only on a quiet machine.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: Whose versions change the figures.
_LIBRARIES = ("aio-pika", "aiohttp", "asyncpg", "openai", "ray", "sqlalchemy", "uvloop")

MICRO = 1e6
MILLI = 1e3


@dataclass(slots=True)
class Round:
    """One round of something: how much of it, and what it took.

    ``seconds`` by the clock, ``cpu_seconds`` of this process, all its threads, user and system;
    ``waits`` in seconds, of single operations where they were timed one by one.
    """

    operations: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    waits: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figures:
    """What several rounds came to: medians of the rounds, and how far apart these were.

    ``spread`` is the range of the rounds' processor time, as a part of its median.
    """

    name: str
    operations: int
    per_second: float
    cpu_us: float
    spread: float
    p50_us: float | None = None
    p99_us: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is measured by itself; ``run`` does one round of it."""

    name: str
    run: Callable[[], Awaitable[Round]]


@contextmanager
def measured(into: Round, operations: int) -> Iterator[None]:
    """Adds what the block took, and that it was so many operations."""
    began, worked = time.perf_counter(), time.process_time()
    yield
    into.seconds += time.perf_counter() - began
    into.cpu_seconds += time.process_time() - worked
    into.operations += operations


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them, 0 < share ≤ 1, does not exceed.

    Raises ValueError where there are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    # Whole steps first: 0.99 * 100 is a little more than 99.
    place = -(-round(share * len(ordered) * MICRO) // int(MICRO))
    return ordered[min(max(place, 1), len(ordered)) - 1]


def spread(values: Sequence[float]) -> float:
    """The range of the values as a part of their median; 0 where the median is 0."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def figures(name: str, rounds: Sequence[Round]) -> Figures:
    """Sums up rounds of the same thing. Raises ValueError where nothing was done in one."""
    if not rounds or not all(one.operations for one in rounds):
        raise ValueError(f"{name}: a round without operations")
    cpu = [one.cpu_seconds / one.operations * MICRO for one in rounds]
    rates = [one.operations / one.seconds if one.seconds else 0.0 for one in rounds]
    timed = [one.waits for one in rounds if one.waits]
    return Figures(
        name=name,
        operations=sum(one.operations for one in rounds),
        per_second=statistics.median(rates),
        cpu_us=statistics.median(cpu),
        spread=spread(cpu),
        p50_us=_of_rounds(timed, 0.5),
        p99_us=_of_rounds(timed, 0.99),
    )


def _of_rounds(timed: Sequence[Sequence[float]], share: float) -> float | None:
    if not timed:
        return None
    return statistics.median(percentile(waits, share) for waits in timed) * MICRO


def as_json(figure: Figures) -> dict[str, Any]:
    """The figures, rounded as far as they are worth."""
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in asdict(figure).items()
    }


def table(rows: Sequence[Figures]) -> list[str]:
    """The figures as lines of a Markdown table."""
    lines = [
        "| part | a second | CPU µs each | spread | p50 µs | p99 µs |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        waits = (_thousands(one) for one in (row.p50_us, row.p99_us))
        cells = (_thousands(row.per_second), _thousands(row.cpu_us), f"{row.spread:.0%}", *waits)
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return lines


def _thousands(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def resident_bytes() -> int:
    """Memory that this process has in RAM. Linux only: raises FileNotFoundError elsewhere."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def machine(versions: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the figures depend on: processor, system, versions. ``versions`` are added."""
    libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory_gib():.0f} GiB",
        "system": platform.platform(terse=True),
        "load": " ".join(f"{one:.1f}" for one in os.getloadavg()),
        "python": platform.python_version(),
        **libraries,
        **(versions or {}),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
