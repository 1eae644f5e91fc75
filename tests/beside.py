"""Runs tests that wait a lot, and meanwhile others on the processors they leave idle.

A whole service spends half of its tests waiting, and so does a browser. The others run with a low
priority, so that they take hardly anything from them; none of the others may depend on the time by
the clock. What starts whole services in a network of its own, where no port is taken by another,
may run also, as fast as the first.

    python -m tests.beside --also tests/e2e/test_nodes.py --others tests/unit -- tests/e2e

What is behind ``--`` goes to pytest. What the two others print is shown at the end. The status is
the first that is not 0.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import IO, Final

#: As `nice` counts: with both wanting a processor, the others get a tenth of it.
PRIORITY: Final = 10
_OPTIONS: Final = ("-q", "-p", "no:cacheprovider")
#: They wait for servers too.
_TWO: Final = ("--numprocesses", "2", "--dist", "worksteal")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all of them; returns the status."""
    parser = argparse.ArgumentParser(prog="python -m tests.beside", description=__doc__)
    parser.add_argument("--also", nargs="+", default=[], help="what runs beside, as fast")
    parser.add_argument("--others", nargs="+", required=True, help="what runs beside, behind")
    parser.add_argument("tests", nargs="+", help="what comes first")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        beside = [_begun(stack, [*_TWO, *given.others], preexec_fn=_step_back)]
        if given.also:
            beside.insert(0, _begun(stack, given.also))
        first = subprocess.Popen([*_pytest(), *given.tests])
        _leave_signals_to(first, *(run for run, _ in beside))
        statuses = [first.wait(), *(run.wait() for run, _ in beside)]
        for _, said in beside:
            _show(said)
    return next(filter(None, statuses), 0)


def _begun(
    stack: ExitStack, arguments: Sequence[str], preexec_fn: Callable[[], None] | None = None
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    said = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    run = subprocess.Popen(
        [*_pytest(), *_OPTIONS, *arguments],
        stdout=said,
        stderr=subprocess.STDOUT,
        preexec_fn=preexec_fn,  # noqa: PLW1509 - no threads here
    )
    return run, said


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
