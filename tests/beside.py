"""Runs tests that start whole services, and meanwhile others on the processors they leave idle.

A whole service spends half of such a test waiting. The others run with a low priority, so that
they take hardly anything from it; none of them may depend on the time by the clock.

    python -m tests.beside --others tests/unit -- tests/e2e

What the others print is shown at the end. The status is the first of the two that is not 0.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from types import FrameType
from typing import IO, Final

#: As `nice` counts: with both wanting a processor, the others get a tenth of it.
PRIORITY: Final = 10
#: Two at a time: they wait for servers too.
_OPTIONS: Final = ("-q", "-p", "no:cacheprovider", "--numprocesses", "2", "--dist", "worksteal")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs both; returns the status."""
    parser = argparse.ArgumentParser(prog="python -m tests.beside", description=__doc__)
    parser.add_argument("--others", nargs="+", required=True, help="what runs beside")
    parser.add_argument("tests", nargs="+", help="what comes first")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryFile() as said:
        others = subprocess.Popen(
            [*_pytest(), *_OPTIONS, *given.others],
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=_step_back,  # noqa: PLW1509 - no threads here
        )
        first = subprocess.Popen([*_pytest(), *given.tests])
        _leave_signals_to(first, others)
        statuses = [first.wait(), others.wait()]
        _show(said)
    return next(filter(None, statuses), 0)


def _leave_signals_to(*runs: subprocess.Popen[bytes]) -> None:
    """They stop what they started. Ctrl-C reaches them by itself, SIGTERM does not."""

    def pass_on(number: int, _: FrameType | None) -> None:
        for run in runs:
            run.send_signal(number)

    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, pass_on)


def _pytest() -> list[str]:
    return [sys.executable, "-m", "pytest"]


def _step_back() -> None:
    os.nice(PRIORITY)


def _show(said: IO[bytes]) -> None:
    said.seek(0)
    sys.stdout.write(said.read().decode(errors="replace"))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
