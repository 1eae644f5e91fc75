"""A short load test of the whole service: ``python -m tests.e2e.run_loadtest``.

It starts Ray, which takes longer than all of its ten seconds of load, so it is not one of the
tests that always run. Ends with status 1 when something is not as it should be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.service import everybody
from vestlus.loadtest.verdict import STATUS, Outcome

PARTS = ("generator", "pretend Graph", "pretend model", "service: webhook (Serve replicas)")
SECONDS = 600


def main() -> int:
    """Run it and look at its result."""
    with tempfile.TemporaryDirectory(prefix="vestlus-load-") as folder:
        file = Path(folder) / "result.json"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "vestlus.cli.main", "loadtest", "--json", str(file)),
                *("--users", "30", "--rate", "5", "--duration", "10s", "--pictures", "0.2"),
                *("--model-latency", "fixed:500ms", "--accounts", "2"),
            ],
            env=os.environ | {"TMPDIR": folder},
            check=False,
            timeout=SECONDS,
        )
        found = json.loads(file.read_text("utf-8")) if file.exists() else {}
        wrong = [*_wrong(found, done.returncode)] if found else ["there is no result"]
        wrong += [f"left behind: {one.arguments}" for one in everybody() if folder in one.arguments]
    for each in wrong:
        print(each, file=sys.stderr)  # noqa: T201 - a program's output
    return 1 if wrong else 0


def _wrong(found: dict[str, Any], status: int) -> list[str]:
    parts = {part["name"] for part in found["parts"]}
    latency = found["latency_ms"]
    return [
        said
        for said, good in (
            ("something was lost, duplicated or out of order", found["promises"]["ok"]),
            (
                "not everything was answered",
                found["promises"]["answered"] == found["throughput"]["due"],
            ),
            ("a latency is missing", all(latency[kind]["count"] for kind in latency)),
            ("the model was faster than it is", latency["model"]["p50"] >= 500),
            (f"parts are missing: {sorted(parts)}", set(PARTS) <= parts),
            (
                "the status is not the outcome's",
                STATUS[Outcome(found["verdict"]["outcome"])] == status,
            ),
        )
        if not good
    ]


if __name__ == "__main__":
    sys.exit(main())
