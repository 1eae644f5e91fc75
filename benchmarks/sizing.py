"""What a rate of messages calls for, worked out from what one message was measured to cost.

::

    python -m benchmarks.soak --rate 60 --duration 5m --json measured.json
    python -m benchmarks.sizing [measured.json…] [--messages-a-day 5000000] [--accounts 300]
        [--peak 6] [--model-seconds 2] [--busy 0.6] [--messages-days 90] [--events-days 14]
        [--sends-days 30] [--into docs/scaling.md]
    python -m benchmarks.sizing measured.json --keep docs/reports/sizing-servers.json

Prints Markdown: first what was measured, then what is worked out of it. The first is this
machine's, the second holds as far as costs grow linearly: docs/scaling.md. Several results give
ranges, from the cheapest to the dearest of each part. Without any, those of `docs/reports` are
taken, on which the example of docs/scaling.md rests; ``--keep`` puts one there.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks.sizing_costs import kept
from benchmarks.sizing_plan import Wanted
from benchmarks.sizing_report import report

ROOT = Path(__file__).parents[1]
#: What the example rests on: the one place where its figures are.
REPORTS = ROOT / "docs/reports"
#: Between these lines of a page it is.
BEGIN, END = "<!-- output of benchmarks.sizing -->", "<!-- end of the output -->"


def results() -> list[dict[str, Any]]:
    """Those that the example rests on."""
    return [json.loads(file.read_text("utf-8")) for file in sorted(REPORTS.glob("sizing-*.json"))]


def between_marks(page: str, text: str) -> str:
    """The page with other output between its marks. Raises ValueError where it has none."""
    head, begun, rest = page.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What is asked for; of the command line where no arguments are given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    parser.add_argument("result", type=Path, nargs="*")
    parser.add_argument("--into", type=Path, help="put it between the marks of this page")
    parser.add_argument("--keep", type=Path, help="write there what sizes rest on, and no more")
    parser.add_argument("--accounts", type=int, default=300)
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
    return parser.parse_args(arguments)


def wanted(given: argparse.Namespace) -> Wanted:
    """What of the options is to be served."""
    return Wanted(**{one.name: getattr(given, one.name) for one in fields(Wanted)})


def main() -> int:
    """Print it."""
    given = options()
    files, into, keep = given.result, given.into, given.keep
    if keep and len(files) != 1:
        print("--keep keeps one result: name it, and no other", file=sys.stderr)
        return 2
    found = [json.loads(file.read_text("utf-8")) for file in files] or results()
    if keep:
        keep.write_text(json.dumps(kept(found[0]), indent=1) + "\n", "utf-8")
    try:
        text = "\n".join(report(found, wanted(given)))
        if into:
            into.write_text(between_marks(into.read_text("utf-8"), text), "utf-8")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
