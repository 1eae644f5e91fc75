"""How the commands of this room begin and end: what they are asked, their folders, their report."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.resizing import say


def parser_of(prog: str, description: str | None) -> argparse.ArgumentParser:
    """A parser that knows ``--report`` and ``--keep``."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--report", type=Path, help="where the report goes")
    parser.add_argument("--keep", type=Path, help="an empty folder that stays, for the logs")
    return parser


@contextmanager
def working_folder(keep: Path | None) -> Iterator[Path]:
    """The folder to keep, or one that goes at the end. A SIGTERM ends the command in good order,
    so that whoever ends it early leaves nothing behind.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Short: Ray's sockets lie below it, whose addresses hold some hundred characters.
    with tempfile.TemporaryDirectory(prefix="v-", ignore_cleanup_errors=True) as name:
        folder = (keep or Path(name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def conclude(text: str, report: Path | None, *, kept: bool) -> int:
    """Prints the report, writes it where it is wanted, and returns the exit status."""
    say(text)
    if report:
        report.write_text(text, "utf-8")
    say("kept" if kept else "BROKEN")
    return 0 if kept else 1
