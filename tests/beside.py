"""Runs tests that start whole services, and meanwhile others on the processors they leave idle.

A whole service spends half of such a test waiting. The others run with a low priority, so that
they take hardly anything from it; none of them may depend on the time by the clock. What starts
whole services in a network of its own, where no port is taken by another, may run also.

    python -m tests.beside --also tests/e2e/test_nodes.py --others tests/unit -- tests/e2e

What these print is shown at the end. The status is the first that is not 0.
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
_OPTIONS: Final = ("-q", "-p", "no:cacheprovider")
#: They wait for servers too.
_TWO: Final = ("--numprocesses", "2", "--dist", "worksteal")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs both; returns the status."""
    parser = argparse.ArgumentParser(prog="python -m tests.beside", description=__doc__)
    parser.add_argument("--also", nargs="+", required=True, help="what runs beside, as fast")
    parser.add_argument("--others", nargs="+", required=True, help="what runs beside, behind")
    parser.add_argument("tests", nargs="+", help="what comes first")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as said_also:
        others = subprocess.Popen(
            [*_pytest(), *_OPTIONS, *_TWO, *given.others],
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=_step_back,  # noqa: PLW1509 - no threads here
        )
        also = subprocess.Popen(
            [*_pytest(), *_OPTIONS, *given.also], stdout=said_also, stderr=subprocess.STDOUT
        )
        first = subprocess.Popen([*_pytest(), *given.tests])
        _leave_signals_to(first, also, others)
        statuses = [first.wait(), also.wait(), others.wait()]
        _show(said_also)
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
