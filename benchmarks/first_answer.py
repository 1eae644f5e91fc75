"""From ``make run`` to the first answer, as a newcomer has it.

::

    python -m benchmarks.first_answer            # warm: everything is installed
    python -m benchmarks.first_answer --fresh    # in a clone, where everything is installed first

Seconds by the clock until ``vestlus try`` has printed an answer of the demo that ``make run``
started on an empty data folder. Nothing is left behind but what installing caches.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.provenance import commit

HERE = Path(__file__).parent.parent
QUESTION = "Tere! Mis kell te avate?"
_LONGEST_SECONDS = 900.0


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def seconds_to_answer(tree: Path, environment: Mapping[str, str], data: Path) -> float:
    """Runs it once. Raises SystemExit when the demo ends by itself or answers nothing."""
    began = time.monotonic()
    with subprocess.Popen(
        ["make", "run"],  # noqa: S607 - the documented command
        cwd=tree,
        env=environment,
        stdout=sys.stderr,
        start_new_session=True,
    ) as demo:
        try:
            while not (data / "demo.json").exists():
                if demo.poll() is not None or time.monotonic() - began > _LONGEST_SECONDS:
                    raise SystemExit("the demo did not start: what it said is above")
                time.sleep(0.1)
            tried = [str(tree / ".venv/bin/vestlus"), "try", QUESTION]
            subprocess.run(tried, cwd=tree, env=environment, stdout=sys.stderr, check=True)  # noqa: S603 - our own
            return time.monotonic() - began
        finally:
            # As Ctrl-C does: to all of them.
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGINT)


def main() -> None:
    """Says how long it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_answer", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="in a clone, with all to be installed")
    fresh = parser.parse_args().fresh
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        tree = HERE
        if fresh:
            tree = folder / "clone"
            subprocess.run(["git", "clone", "--quiet", HERE, tree], check=True)  # noqa: S603, S607 - our own
        data = folder / "data"
        # Nobody's settings, and no model but the pretended one.
        others = ("VESTLUS_", "OPENAI_", "RAY_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        environment = kept | {
            "VESTLUS_DATA_DIR": str(data),
            "VESTLUS_HTTP_PORT": str(free_port()),
        }
        seconds = seconds_to_answer(tree, environment, data)
    state = "fresh" if fresh else "warm"
    print(
        f"{state}: {seconds:.0f} s from make run to the first answer; commit {commit()}, ", end=""
    )
    print(f"{os.cpu_count()} cores, load before {load:.2f}")


if __name__ == "__main__":
    main()
