"""What one message was measured to cost, by one run or by several that do not agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Pretend parts: not the service's.
PRETEND = frozenset({"generator", "pretend Graph", "pretend model"})
#: Parts that cost what they cost, whoever writes: theirs is divided by no message.
FIXED = (
    "service: Ray",
    "service: registry",
    "service: scheduler (SchedulerActor)",
    "service: the command itself",
)
#: What of a result is read here, and where it comes from; `kept` leaves out the rest.
_KEPT = ("run", "format", "version", "started_at", "commit", "asked", "machine", "verdict")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one answered message costs: milliseconds of CPU by part, rows and bytes by table."""

    answered: int
    cpu_ms: Mapping[str, float]
    #: Cores that the fixed parts keep busy.
    fixed: Mapping[str, float]
    rows: Mapping[str, float]
    stored: Mapping[str, float]


def measured(found: Mapping[str, Any]) -> Measured:
    """What a result of ``benchmarks.soak`` says of one message. Raises ValueError without any."""
    answered = int(found["throughput"]["answered"])
    if not answered:
        message = "nothing was answered in that run"
        raise ValueError(message)
    tables = found.get("tables", [])
    return Measured(
        answered,
        {
            each["name"]: 1000 * each["cpu_seconds"] / answered
            for each in found["parts"]
            if each["name"] not in FIXED
        },
        {each["name"]: each["cores_mean"] for each in found["parts"] if each["name"] in FIXED},
        {each["name"]: each["rows"] / answered for each in tables},
        {each["name"]: each["bytes"] / answered for each in tables},
    )


def described(found: Mapping[str, Any]) -> str:
    """Which run it was: its own words (``run``), or what its circumstances say."""
    if run := found.get("run"):
        return str(run)
    asked, machine = found.get("asked", {}), found.get("machine", {})
    said = [
        f"{found['throughput']['answered']:,} messages",
        *([f"{asked['rate']:g} a second due"] if "rate" in asked else []),
        *(str(machine[name]) for name in ("bus", "store", "processor") if name in machine),
        *([f"load before {machine['load_before']}"] if "load_before" in machine else []),
        *([f"commit {found['commit']}"] if "commit" in found else []),
        *([f"{found['started_at']}"] if "started_at" in found else []),
        *([f"verdict: {found['verdict']['outcome']}"] if "verdict" in found else []),
    ]
    return ", ".join(said)


def span(runs: Sequence[Measured]) -> tuple[Measured, Measured]:
    """The least and the most of each cost, among those runs that measured it."""
    return _merged(runs, min), _merged(runs, max)


def _merged(runs: Sequence[Measured], choose: Callable[[Iterable[float]], float]) -> Measured:
    def over(which: Callable[[Measured], Mapping[str, float]]) -> dict[str, float]:
        names = dict.fromkeys(name for run in runs for name in which(run))
        return {
            name: choose(which(run)[name] for run in runs if name in which(run)) for name in names
        }

    return Measured(
        sum(run.answered for run in runs),
        over(lambda run: run.cpu_ms),
        over(lambda run: run.fixed),
        over(lambda run: run.rows),
        over(lambda run: run.stored),
    )


def kept(found: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a result that sizes rest on: its series are a hundred times as long."""
    fields = ("name", "cpu_seconds", "cores_mean")
    return {name: found[name] for name in _KEPT if name in found} | {
        "throughput": {"answered": found["throughput"]["answered"]},
        "parts": [{name: part[name] for name in fields if name in part} for part in found["parts"]],
        "tables": found.get("tables", []),
    }
