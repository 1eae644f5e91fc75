"""Compare Vestlus with what people would build instead, side by side in one run.

::

    python -m benchmarks.comparison [--rounds 3] [--only intake|pipeline] [--json FILE] [--markdown]
    python -m benchmarks.comparison --read FILE… --into docs/performance.md

It provides RabbitMQ and PostgreSQL itself. ``make bench`` installs what it needs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.comparison import contestants as who
from benchmarks.comparison.contestants import Contestant
from benchmarks.comparison.figures import in_turn
from benchmarks.comparison.following import Times
from benchmarks.comparison.ground import PACKAGES, Ground, circumstances, ground, say
from benchmarks.comparison.intake import intake
from benchmarks.comparison.pipeline import Row, pipeline
from benchmarks.comparison.tables import (
    INSTANT,
    INTAKE_MANY,
    INTAKE_ONE,
    SLOW,
    between_marks,
    markdown,
)

FORMAT, VERSION = "vestlus-comparison", 1
PER_POST = {1: INTAKE_ONE, 100: INTAKE_MANY}
#: Sweeps are shorter than what is compared: a half of the time tells which is the best.
SWEEP_SHARE = 0.5

#: Options that are no part of a result.
FILES = frozenset({"json", "read", "into"})

Found = dict[str, Any]


def options() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("intake", "pipeline"))
    parser.add_argument("--seconds", type=int, default=10, help="measured in each row")
    parser.add_argument("--settle", type=int, default=4, help="before that")
    parser.add_argument("--drain", type=float, default=20.0, help="waited for answers at the end")
    parser.add_argument("--rate", type=float, default=125.0, help="messages/s, model of 2 s")
    parser.add_argument("--in-flight", type=int, default=200, help="messages, instant model")
    parser.add_argument("--connections", type=int, default=64, help="of the intake's generator")
    parser.add_argument(
        "--no-echoes-for-peers", action="store_true", help="they are not subscribed to them"
    )
    parser.add_argument("--actors", type=int, default=24, help="users of the actor per user")
    parser.add_argument("--without", nargs="*", default=[], help="titles that are left out")
    parser.add_argument("--celery", help="pool,workers,concurrency: taken without a sweep")
    parser.add_argument("--celery-slow", help="the same for the model of 2 s")
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--read", type=Path, nargs="+", help="results; nothing is run")
    parser.add_argument("--into", type=Path, help="put the tables between the marks of this page")
    parser.add_argument("--markdown", action="store_true", help="print the tables")
    return parser.parse_args()


def compare(on: Ground, asked: argparse.Namespace, found: Found) -> None:
    """Run everything that is asked for; what is finished is in ``found``, also if one breaks."""
    found |= {
        "format": FORMAT,
        "version": VERSION,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asyncio.run(circumstances(on)),
        "packages": list(PACKAGES),
        "asked": {
            name: value
            for name, value in vars(asked).items()
            if name not in {"json", "read", "into"}
        },
        "sweeps": {},
        "rows": {},
    }
    times = Times(settle=asked.settle, seconds=asked.seconds, drain=asked.drain)
    if asked.only != "pipeline":
        _intake(on, asked, times, found)
    if asked.only != "intake":
        _pipeline(on, asked, times, found)


def _intake(on: Ground, asked: argparse.Namespace, times: Times, found: Found) -> None:
    ways = [one(number) for one in (who.vestlus_intake, who.fastapi_intake) for number in (1, 2)]
    compared = _wanted(asked, ways)
    runs: dict[str, dict[str, list[Found]]] = {name: {} for name in PER_POST.values()}
    for number, each in in_turn(compared, asked.rounds):
        for per_post, figures in intake(
            on, each, tuple(PER_POST), times, asked.connections
        ).items():
            name = PER_POST[per_post]
            runs[name].setdefault(f"{each.title} [{each.how}]", []).append(
                _noted(number, name, each, figures)
            )
            found["rows"][name] = _best_of_each(runs[name])


def _best_of_each(by_how: dict[str, list[Found]]) -> dict[str, list[Found]]:
    """Of one title's ways, the one with the best middle, as those who tune it would take it."""
    best: dict[str, list[Found]] = {}
    for key, runs in by_how.items():
        title = key.partition(" [")[0]
        if title not in best or _middle(runs) > _middle(best[title]):
            best[title] = runs
    return best


def _middle(runs: list[Found]) -> float:
    return sorted(float(run["rate"]) for run in runs)[len(runs) // 2]


def _pipeline(on: Ground, asked: argparse.Namespace, times: Times, found: Found) -> None:
    instant = Row(name=INSTANT, model_seconds=0.0, in_flight=asked.in_flight)
    slow = Row(name=SLOW, model_seconds=2.0, rate=asked.rate)
    celery = [
        (_best_celery(on, row, tried, times, found), (row,))
        for row, tried in (
            (instant, _tried(asked.celery, who.INSTANT_SWEEP)),
            (slow, _tried(asked.celery_slow, who.SLOW_SWEEP)),
        )
        if who.CELERY not in asked.without
    ]
    ours = _wanted(asked, [who.vestlus(), who.vestlus(embedded=True)])
    # At the others' rate each of so few users would write faster than a model of 2 s answers. Each
    # row has new users, so it has a Ray of its own: actors of the last one would still be there.
    few = replace(slow, in_flight=asked.actors, rate=0.0)
    ray = _wanted(asked, [who.ray_actors(asked.actors)])
    compared = [
        *((each, (instant, slow)) for each in ours),
        *((each, (row,)) for each in ray for row in (instant, few)),
        *celery,
    ]
    for number, (each, rows) in in_turn(compared, asked.rounds):
        echoes = each.title.startswith(who.OURS) or not asked.no_echoes_for_peers
        for name, figures in pipeline(on, each, rows, times, echoes=echoes).items():
            runs = found["rows"].setdefault(name, {})
            runs.setdefault(each.title, []).append(_noted(number, name, each, figures))


def _tried(told: str | None, sweep: Sequence[Contestant]) -> Sequence[Contestant]:
    if told is None:
        return sweep
    pool, workers, concurrency = told.split(",")
    return (who.celery(pool, int(workers), int(concurrency)),)


def _best_celery(
    on: Ground, row: Row, tried: Sequence[Contestant], times: Times, found: Found
) -> Contestant:
    shorter = replace(times, seconds=times.seconds * SWEEP_SHARE, drain=0.0)
    results = []
    for each in tried if len(tried) > 1 else ():
        figures = pipeline(on, each, (row,), shorter)[row.name]
        results.append({"how": each.how, "rate": figures["rate"], "costs": figures["costs"]})
        say(f"  trying {each.title} ({each.how}), {row.name}: {figures['rate']:.1f}/s")
    if not results:
        return tried[0]
    found["sweeps"][row.name] = results
    return max(zip(tried, results, strict=True), key=lambda pair: pair[1]["rate"])[0]


def _wanted(asked: argparse.Namespace, all_of_them: list[Contestant]) -> list[Contestant]:
    return [each for each in all_of_them if each.title not in asked.without]


def _noted(number: int, name: str, each: Contestant, figures: Found) -> Found:
    broken = {
        breach: figures[breach]
        for breach in ("lost", "duplicated", "out_of_order", "misdirected", "not_accepted")
        if figures.get(breach)
    }
    said = f", {broken}" if broken else ""
    how = f" ({each.how})" if each.how else ""
    say(f"round {number + 1}: {each.title}{how}, {name}: {figures['rate']:.1f}/s{said}")
    return figures | {"how": each.how, "round": number}


def main() -> int:
    """Run, or read; print tables or JSON."""
    asked = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results: list[Found] = [json.loads(file.read_text("utf-8")) for file in asked.read or ()]
    if not asked.read:
        found: Found = {}
        try:
            with ground() as on:
                compare(on, asked, found)
        finally:
            if asked.json:
                asked.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        results.append(found)
    if asked.into:
        page = asked.into.read_text("utf-8")
        asked.into.write_text(between_marks(page, markdown(*results)), "utf-8")
    tables = asked.markdown or asked.into
    print(markdown(*results) if tables else json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
