"""The result as lines of text."""

from __future__ import annotations

from typing import Any

from vestlus.loadtest.steadiness import rows as steadiness_rows
from vestlus.loadtest.verdict import BREACHES

#: Rows of latencies, and what they are called.
LATENCIES = (
    ("ack", "webhook answered"),
    ("answer", "message answered"),
    ("overhead", "overhead of a turn"),
    ("before_model", "  until the model is asked"),
    ("model", "  in the model"),
    ("after_model", "  from the model to Graph"),
    ("late", "generator late"),
)
#: From here on a run is long enough to say whether it was steady.
LONG_SECONDS = 120
COLUMNS = ("p50", "p90", "p99", "p99.9", "max")
_HEADLINES = {
    "passed": "PASSED",
    "failed": "FAILED",
    "no result": "NO RESULT: the load test itself was the limit",
    "interrupted": "INTERRUPTED",
}


def headline(found: dict[str, Any]) -> str:
    """The outcome in capitals."""
    return _HEADLINES[found["verdict"]["outcome"]]


def summary(found: dict[str, Any]) -> str:
    """What is printed at the end."""
    parts = [_rates(found), _latencies(found), _under_way(found), _parts(found), _machine(found)]
    if found["throughput"]["seconds"] >= LONG_SECONDS and found["steadiness"]:
        parts.insert(-1, _steadiness(found["steadiness"]))
    reasons = (f"  {reason}" for reason in found["verdict"]["reasons"])
    return "\n".join(("", *(f"{part}\n" for part in parts), headline(found), *reasons))


def _rates(found: dict[str, Any]) -> str:
    rates = found["throughput"]
    return (
        f"{rates['due']} messages in {rates['seconds']:.1f} s: "
        f"{rates['due_per_second']:.1f}/s due, {rates['answered_per_second']:.1f}/s answered "
        f"meanwhile, {rates['answered']} answered in all"
    )


def _latencies(found: dict[str, Any]) -> str:
    rows = (
        _row(said, [f"{found['latency_ms'][kind][column]:.1f}" for column in COLUMNS])
        for kind, said in LATENCIES
    )
    said = (
        "  Times count from when a message was due. Overhead is beside the model and the wait\n"
        f"  for the rest of a burst: VESTLUS_BURST_WAIT_SECONDS={found['burst_wait_seconds']:g}, "
        "of which a finished sentence\n  waits a quarter."
    )
    return "\n".join((_row("milliseconds", COLUMNS), *rows, said))


def _under_way(found: dict[str, Any]) -> str:
    flight, backlog = found["in_flight"], found["backlog"]
    said = (
        f"in flight: {flight['at_end']} at the end ({flight['in_model_at_end']} of them in the "
        f"model), {flight['most']} at most, {flight['after_waiting']} after waiting\n"
        f"backlog in the service: {backlog['at_end']} at the end, {backlog['most']} at most"
    )
    return "\n".join((said, *_promises(found)))


def _parts(found: dict[str, Any]) -> str:
    rows = (
        _row(
            part["name"],
            (
                f"{part['cpu_seconds']:.1f}",
                f"{part['cores_mean']:.2f}",
                f"{part['cores_most']:.2f}",
                f"{part['memory_bytes_most'] / 1e6:.0f}",
            ),
        )
        for part in found["parts"]
    )
    return "\n".join((_row("part", ("CPU s", "cores", "most", "MB most")), *rows))


def _steadiness(found: dict[str, Any]) -> str:
    head = f"{'medians of the 2nd and the last quarter':<56}{'early':>10}{'late':>10}"
    rows = (
        f"{said:<56}{pair['early'] / scale:>10.1f}{pair['late'] / scale:>10.1f}"
        for said, pair, scale in steadiness_rows(found)
    )
    return "\n".join((head, *rows))


def _machine(found: dict[str, Any]) -> str:
    machine = found["machine"]
    return (
        f"{machine['cores_usable']} cores, {machine['processor']}; load before: "
        f"{machine['load_before'][0]}\nPython {machine['python']}, Ray {machine['ray']}; "
        f"bus {machine['bus']}, store {machine['store']}"
    )


def _row(name: str, values: tuple[str, ...] | list[str]) -> str:
    return f"{name:<36}" + "".join(f"{each:>10}" for each in values)


def _promises(found: dict[str, Any]) -> list[str]:
    promises = found["promises"]
    if promises is None:
        return ["lost, duplicated, out of order: not known, for the run broke off"]
    bad = ", ".join(f"{name.replace('_', ' ')} {promises[name]}" for name in BREACHES)
    statuses = found["errors"]["webhook_statuses"]
    seen = ", ".join(f"{count} x {status}" for status, count in statuses.items())
    return [f"{promises['answered']} answered; {bad}", f"webhook answers by HTTP status: {seen}"]
