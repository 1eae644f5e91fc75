"""The result of a run in its own format, which ``docs/load-testing.md`` documents."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from vestlus.loadtest.files import Files
from vestlus.loadtest.histogram import Histogram
from vestlus.loadtest.options import HELPERS, Options
from vestlus.loadtest.parts import Cost, Parts
from vestlus.loadtest.recording import Recording, Window, milliseconds
from vestlus.loadtest.steadiness import steadiness
from vestlus.loadtest.verdict import Facts, Verdict, judge

FORMAT = "vestlus-loadtest"
VERSION = 1


def facts(
    options: Options,
    recording: Recording,
    parts: Parts,
    ended: dict[str, Any] | None,
    broken: str = "",
) -> Facts:
    """What the verdict rests on; ``ended`` is the generator's last line, if it came."""
    found = {} if ended is None else dict(ended["verdict"])
    seconds = int(options.seconds)
    return Facts(
        rate=options.rate,
        late_p99_ms=recording.histograms["late"].percentile(99) / 1000,
        helper_cores={
            name: mean(parts.costs[name].cores[:seconds]) for name in HELPERS if name in parts.costs
        },
        breaches={name: count for name, count in found.items() if isinstance(count, int)},
        backlog=recording.series.backlog[:seconds],
        interrupted=bool(ended and ended["stopped"]),
        broken=broken,
    )


def mean(values: list[float]) -> float:
    """The mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def result(
    options: Options,
    recording: Recording,
    parts: Parts,
    files: Files,
    *,
    ended: dict[str, Any] | None,
    started_at: float,
    machine: dict[str, object],
    burst_wait_seconds: float,
    broken: str = "",
) -> dict[str, Any]:
    """The whole result, as JSON."""
    verdict: Verdict = judge(facts(options, recording, parts, ended, broken))
    at_end = {} if ended is None else ended["at_end"]
    series = recording.series
    written_for = float(at_end.get("seconds", 0.0)) or float(recording.seconds)
    answered = int(at_end.get("answered", sum(series.answered)))
    due = sum(series.due)
    memories = {name: cost.memories for name, cost in parts.costs.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "started_at": datetime.fromtimestamp(started_at, UTC).isoformat(timespec="seconds"),
        "asked": _asked(options),
        "machine": machine,
        "verdict": {"outcome": str(verdict.outcome), "reasons": list(verdict.reasons)},
        "throughput": {
            "seconds": round(written_for, 3),
            "due": due,
            "due_per_second": round(due / written_for, 3) if written_for else 0.0,
            "answered_while_due": answered,
            "answered_per_second": round(answered / written_for, 3) if written_for else 0.0,
            "answered": sum(series.answered),
        },
        "latency_ms": {
            kind: milliseconds(histogram) for kind, histogram in recording.histograms.items()
        },
        "burst_wait_seconds": burst_wait_seconds,
        "in_flight": {
            "most": max(series.in_flight, default=0),
            "at_end": int(at_end.get("in_flight", 0)),
            "in_model_at_end": int(at_end.get("in_model", 0)),
            "after_waiting": 0 if ended is None else ended["in_flight"],
        },
        "backlog": {
            "most": max(series.backlog, default=0),
            "at_end": max(0, int(at_end.get("in_flight", 0)) - int(at_end.get("in_model", 0))),
        },
        "promises": None if ended is None else ended["verdict"],
        "examples": {} if ended is None else ended["examples"],
        "errors": _errors(recording, ended),
        "parts": [_part(name, cost) for name, cost in parts.costs.items()],
        "steadiness": steadiness(
            min(int(options.seconds), recording.seconds), memories, files.sizes, recording.windows
        ),
        "series": asdict(series)
        | {
            "cores": {name: cost.cores for name, cost in parts.costs.items()},
            "memory_bytes": memories,
            "file_bytes": files.sizes,
        },
        "windows": [_window(each) for each in recording.windows],
        "histograms_us": {
            kind: _counts(histogram) for kind, histogram in recording.histograms.items()
        },
    }


def _asked(options: Options) -> dict[str, Any]:
    asked = asdict(options)
    for name in ("json_file", "report", "listen", "seen_as", "graph_port", "model_port", "watch"):
        del asked[name]
    return asked | {"faults": list(options.faults)}


def _errors(recording: Recording, ended: dict[str, Any] | None) -> dict[str, Any]:
    told = ("graph_over_limit", "graph_faults_fired", "model_faults_fired", "echo_statuses")
    return {
        "webhook_statuses": recording.statuses,
        **({} if ended is None else {name: ended[name] for name in told}),
    }


def _part(name: str, cost: Cost) -> dict[str, Any]:
    return {
        "name": name,
        "cpu_seconds": round(cost.cpu_seconds, 2),
        "cores_mean": round(mean(cost.cores), 3),
        "cores_most": round(max(cost.cores, default=0.0), 3),
        "memory_bytes": cost.memory,
        "memory_bytes_most": cost.memory_most,
    }


def _window(window: Window) -> dict[str, Any]:
    return {
        "until": window.until,
        "ack": milliseconds(window.ack),
        "answer": milliseconds(window.answer),
    }


def _counts(histogram: Histogram) -> dict[str, int]:
    return {str(bucket): count for bucket, count in sorted(histogram.counts.items())}
