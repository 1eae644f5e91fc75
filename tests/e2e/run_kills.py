"""``make kills``: many kills of each kind on both pairs, with a report.

Ends with status 1 when anything was lost, doubled or out of order.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import EMBEDDED, PRODUCTION, QUICK
from tests.e2e.kills import LEAST_IN_FLIGHT, Plan, Report, as_json, run_kills
from tests.e2e.service import running_service
from tests.services import provide_postgres, provide_rabbitmq, running


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201 - a program's output


@contextmanager
def settings_of(pair: str) -> Iterator[dict[str, str]]:
    """The settings of a pair, its servers running."""
    common = QUICK | {"VESTLUS_WEBHOOK_REPLICAS": "2", "VESTLUS_LOG_LEVEL": "WARNING"}
    if pair == EMBEDDED:
        yield common
        return
    with running(provide_rabbitmq(say)) as rabbitmq, running(provide_postgres(say)) as postgres:
        yield common | {
            "VESTLUS_BUS_URL": rabbitmq.fresh_space().url,
            "VESTLUS_DATABASE_URL": postgres.fresh_database(),
        }


def run_pair(pair: str, plan: Plan) -> Report:
    """One run on one pair, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="vestlus-kills-") as folder,
        settings_of(pair) as settings,
        running_service(Path(folder), settings) as service,
    ):
        return asyncio.run(run_kills(service, plan, say))


def kept(report: Report) -> bool:
    """Whether every promise was kept under faults that were as hard as they should be."""
    return (
        bool(report.verdict["ok"])
        and report.verdict["not_accepted"] == 0
        and report.verdict["answered"] == report.written
        and min(kill.in_flight for kill in report.kills) >= LEAST_IN_FLIGHT
    )


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = argparse.ArgumentParser(prog="make kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="kills of each kind (20)")
    parser.add_argument("--users", type=int, default=200, help="users who write (200)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same traffic (1)")
    parser.add_argument("--pair", choices=[EMBEDDED, PRODUCTION], help="one pair only")
    parser.add_argument(
        "--reports", type=Path, default=Path("var"), help="folder for reports (var)"
    )
    chosen = parser.parse_args()
    plan = Plan(seed=chosen.seed, kills_of_each=chosen.kills, users=chosen.users)
    good = True
    for pair in [chosen.pair] if chosen.pair else [EMBEDDED, PRODUCTION]:
        say(f"== {pair} ==")
        report = run_pair(pair, plan)
        chosen.reports.mkdir(parents=True, exist_ok=True)
        path = chosen.reports / f"kills-{pair}-{plan.seed}.json"
        path.write_text(as_json(report), "utf-8")
        good = good and kept(report)
        say(f"{report.summary()}\n  {'kept' if kept(report) else 'BROKEN'}; report: {path}\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
