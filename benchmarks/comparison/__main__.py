"""Compare Vestlus with what people would build instead, side by side in one run.

::

    python -m benchmarks.comparison [--only intake|pipeline] [--json FILE] [--markdown]
    python -m benchmarks.comparison --json FILE --into docs/performance.md
    python -m benchmarks.comparison --read FILE… --into docs/performance.md

It provides RabbitMQ and PostgreSQL itself. ``make bench`` installs what it needs. The second is
what the page's tables come from: every contestant and every sweep, with the rounds that are the
defaults.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from benchmarks.comparison.ground import ground, say
from benchmarks.comparison.quiet import wait_for_quiet
from benchmarks.comparison.running import compare
from benchmarks.comparison.tables import between_marks, markdown


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What is asked for; of the command line where no arguments are given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--only", choices=("intake", "pipeline"))
    parser.add_argument("--rounds", type=int, help="of everything, instead of the three below")
    parser.add_argument("--intake-rounds", type=int, default=3)
    parser.add_argument("--answer-rounds", type=int, default=2)
    parser.add_argument("--actor-rounds", type=int, default=1, help="of the actor per user")
    parser.add_argument("--seconds", type=int, default=10, help="measured in each row")
    parser.add_argument("--settle", type=int, default=4, help="before that")
    parser.add_argument("--drain", type=float, default=20.0, help="waited for answers at the end")
    parser.add_argument("--rate", type=float, default=125.0, help="messages/s, model of 2 s")
    parser.add_argument("--in-flight", type=int, default=200, help="messages, instant model")
    parser.add_argument("--connections", type=int, default=64, help="of the intake's generator")
    parser.add_argument(
        "--wait-for-quiet",
        type=float,
        default=3.0,
        metavar="MINUTES",
        help="at most so long before the start, while others use the machine",
    )
    parser.add_argument(
        "--no-echoes-for-peers", action="store_true", help="they are not subscribed to them"
    )
    parser.add_argument("--actors", type=int, default=24, help="users of the actor per user")
    parser.add_argument("--without", nargs="*", default=[], help="titles that are left out")
    parser.add_argument("--celery", help="pool,workers,concurrency[,web]: without a sweep")
    parser.add_argument("--celery-slow", help="the same for the model of 2 s")
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--read", type=Path, nargs="+", help="results; nothing is run")
    parser.add_argument("--into", type=Path, help="put the tables between the marks of this page")
    parser.add_argument("--markdown", action="store_true", help="print the tables")
    return parser.parse_args(arguments)


def main() -> int:
    """Run, or read; print tables or JSON. 1 where a contestant broke."""
    asked = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results: list[dict[str, Any]] = [
        json.loads(file.read_text("utf-8")) for file in asked.read or ()
    ]
    if asked.into:
        # Before anything is run: a page without marks would cost the whole run.
        between_marks(asked.into.read_text("utf-8"), "")
    if not asked.read:
        found: dict[str, Any] = {}
        load_before = wait_for_quiet(60 * asked.wait_for_quiet, say)
        try:
            with ground() as on:
                compare(on, asked, load_before, found)
        finally:
            if asked.json:
                asked.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        results.append(found)
    if asked.into:
        page = asked.into.read_text("utf-8")
        asked.into.write_text(between_marks(page, markdown(*results)), "utf-8")
    tables = asked.markdown or asked.into
    print(markdown(*results) if tables else json.dumps(results, indent=1))
    return 1 if any(each.get("broken") for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())
