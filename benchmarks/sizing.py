"""What a rate of messages calls for, worked out from what one message was measured to cost.

::

    python -m benchmarks.soak --rate 60 --duration 5m --json measured.json
    python -m benchmarks.sizing measured.json [--messages-a-day 5000000] [--peak 6]
        [--model-seconds 2] [--busy 0.6] [--messages-days 90] [--events-days 14] [--sends-days 30]

Prints Markdown: first what was measured, then what is worked out of it. The first is this
machine's, the second holds as far as costs grow linearly: docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DAY_SECONDS = 86_400
#: Of a pool that is one process with one event loop each: how many there are at least and at most.
POOLS = {
    "service: conversations (ConversationActor)": ("ConversationActors", 1, None),
    "service: publishers (PublisherActor)": ("PublisherActors", 1, 4),
    "service: webhook (Serve replicas)": ("webhook replicas", 2, None),
}
#: Pretend parts: not the service's.
PRETEND = ("generator", "pretend Graph", "pretend model")
#: Parts that cost what they cost, whoever writes: theirs is divided by no message.
FIXED = (
    "service: Ray",
    "service: registry",
    "service: scheduler (SchedulerActor)",
    "service: the command itself",
)
#: Tables whose rows have a period of their own in `[retention]`; the others go with the messages.
PERIODS = {"inbox_event": "events_days", "ledger": "sends_days"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one answered message costs: milliseconds of CPU by part, rows and bytes by table."""

    answered: int
    cpu_ms: Mapping[str, float]
    #: Cores that the fixed parts keep busy.
    fixed: Mapping[str, float]
    rows: Mapping[str, float]
    stored: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be served. ``busy`` is the share of a core that is planned for."""

    messages_a_day: float
    peak: float
    model_seconds: float
    busy: float
    messages_days: float
    events_days: float
    sends_days: float

    @property
    def mean_rate(self) -> float:
        """Messages a second, over the day."""
        return self.messages_a_day / DAY_SECONDS

    @property
    def peak_rate(self) -> float:
        """Messages a second, at the worst."""
        return self.mean_rate * self.peak


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


def processes(milliseconds: float, wanted: Wanted, least: int, most: int | None) -> int:
    """Processes of one event loop each, for the peak."""
    needed = math.ceil(wanted.peak_rate * milliseconds / 1000 / wanted.busy - 1e-9)
    found = max(least, needed)
    return found if most is None else min(most, found)


def stored_bytes(one: Measured, wanted: Wanted) -> tuple[float, float]:
    """Bytes that a day adds, and that are there once as much goes as comes."""
    a_day = wanted.messages_a_day * sum(one.stored.values())
    at_rest = wanted.messages_a_day * sum(
        size * getattr(wanted, PERIODS.get(name, "messages_days"))
        for name, size in one.stored.items()
    )
    return a_day, at_rest


def report(found: Mapping[str, Any], wanted: Wanted) -> Iterator[str]:
    """The two tables, line by line."""
    one = measured(found)
    yield f"| measured, a message (of {one.answered:,}) | CPU ms |"
    yield "|---|---|"
    for name, milliseconds in sorted(one.cpu_ms.items(), key=lambda each: -each[1]):
        yield f"| {name} | {milliseconds:.2f} |"
    for name, cores in one.fixed.items():
        yield f"| {name}, whoever writes | {cores:.2f} cores |"
    for name, size in sorted(one.stored.items(), key=lambda each: -each[1]):
        if size >= 1:
            yield f"| table `{name}` | {one.rows[name]:.2f} rows, {size:,.0f} bytes |"
    yield ""
    yield "| worked out | |"
    yield "|---|---|"
    for said, value in _worked_out(one, wanted):
        yield f"| {said} | {value} |"


def _worked_out(one: Measured, wanted: Wanted) -> Iterator[tuple[str, str]]:
    yield "messages a day", f"{wanted.messages_a_day:,.0f}"
    yield "messages a second: mean, peak", f"{wanted.mean_rate:.0f}, {wanted.peak_rate:.0f}"
    yield "webhook events a second at the peak, with echoes", f"{2 * wanted.peak_rate:.0f}"
    in_flight = wanted.peak_rate * wanted.model_seconds
    yield f"answers in the model, at {wanted.model_seconds:g} s each", f"{in_flight:.0f}"
    yield "model calls a minute at the peak", f"{60 * wanted.peak_rate:,.0f}"
    for part, (said, least, most) in POOLS.items():
        if part in one.cpu_ms:
            number = processes(one.cpu_ms[part], wanted, least, most)
            yield f"{said}, at {wanted.busy:.0%} busy", f"{number}"
    for part, milliseconds in one.cpu_ms.items():
        if part not in PRETEND and part not in POOLS:
            cores = wanted.peak_rate * milliseconds / 1000 / wanted.busy
            yield f"cores for {part.removeprefix('service: ')}", f"{cores:.1f}"
    own = sum(value for part, value in one.cpu_ms.items() if part not in PRETEND)
    cores = wanted.peak_rate * own / 1000 / wanted.busy
    yield "cores in all, servers included, without Ray's own", f"{cores:.0f}"
    a_day, at_rest = stored_bytes(one, wanted)
    if a_day:
        rows = wanted.messages_a_day * sum(one.rows.values())
        yield "rows a day", f"{rows / 1e6:,.0f} million"
        yield "GB a day in the store", f"{a_day / 1e9:,.0f}"
        kept = (
            f"messages {wanted.messages_days:g} days, sends {wanted.sends_days:g}, "
            f"events {wanted.events_days:g}"
        )
        yield f"GB at rest ({kept})", f"{at_rest / 1e9:,.0f}"


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    parser.add_argument("result", type=Path)
    for name, default in (
        ("messages-a-day", 5_000_000.0),
        ("peak", 6.0),
        ("model-seconds", 2.0),
        ("busy", 0.6),
        ("messages-days", 90.0),
        ("events-days", 14.0),
        ("sends-days", 30.0),
    ):
        parser.add_argument(f"--{name}", type=float, default=default)
    given = vars(parser.parse_args())
    result = given.pop("result")
    found = json.loads(result.read_text("utf-8"))
    try:
        print("\n".join(report(found, Wanted(**given))))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
