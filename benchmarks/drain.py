"""How fast waiting answers are sent, and whether Meta's limit of calls a second is kept.

::

    python -m benchmarks.drain [--answers 2000] [--parts 2] [--latency 0.2] [--noise 2]

The simulator is a process of its own and enforces 100 calls in any second and account, by the
moment at which each request arrived. ``--noise`` runs that many busy loops beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.sending import ACCOUNT, Stage, stage
from publishers.rules import SendingRules

ALLOWED = 100.0


@dataclass(frozen=True)
class Drained:
    """What came of it. ``rate`` is of the messages, from the first to the last, a second."""

    answers: int
    seconds: float
    rate: float
    #: The rate as a part of the allowed one.
    used: float
    #: Requests that Instagram refused as too many.
    throttled: int
    #: Most messages within any second.
    most_in_a_second: int
    #: Users who did not receive exactly their answer, once and in order.
    wrong: int
    #: Ledger rows by state.
    rows: dict[str, int]
    #: Calls of the Graph API by class, and errors by code.
    calls: dict[str, int]


async def drain(opened: Stage, answers: int, parts: int, latency: float) -> Drained:
    """Let that many answers wait, then send them."""
    users = [f"u{number}" for number in range(answers // parts)]
    await opened.wait_for_answers(users, parts, ACCOUNT)
    if latency:
        slow = {"kind": "slow", "seconds": latency, "probability": 1}
        await opened.control("faults", {"rules": [slow]})
    began = time.monotonic()
    async with opened.publishing(SendingRules()):
        rows = await opened.until_finished()
    seconds = time.monotonic() - began
    received = await opened.received()
    stats = await opened.told("stats")
    at = sorted(message["started_at"] for message in received)
    rate = (len(at) - 1) / (at[-1] - at[0])
    return Drained(
        answers=len(received),
        seconds=round(seconds, 2),
        rate=round(rate, 2),
        used=round(rate / ALLOWED, 4),
        throttled=sum(stats["graph_over_limit"].values()),
        most_in_a_second=_most(at),
        wrong=len(opened.wrong(received)),
        rows=dict(rows),
        calls=stats["graph_calls"],
    )


def _most(times: list[float]) -> int:
    window: Counter[int] = Counter()
    end = 0
    for begin, first in enumerate(times):
        while end < len(times) and times[end] < first + 1.0:
            end += 1
        window[begin] = end - begin
    return max(window.values(), default=0)


@contextmanager
def noise(loops: int) -> Iterator[None]:
    """Run busy loops beside what is measured."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


async def measure(arguments: argparse.Namespace) -> Drained:
    """Measure once, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, noise(arguments.noise):
        async with stage(Path(folder), database=arguments.database) as opened:
            return await drain(opened, arguments.answers, arguments.parts, arguments.latency)


def main() -> int:
    """Print what was found; 1 when the limit was not kept or an answer is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.drain")
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--parts", type=int, default=2, help="messages of each user's answer")
    parser.add_argument("--latency", type=float, default=0.2, help="of the Graph API, seconds")
    parser.add_argument("--noise", type=int, default=0, help="busy loops beside it")
    parser.add_argument("--database", default="", help="postgresql://… instead of SQLite")
    found = asyncio.run(measure(parser.parse_args()))
    print(json.dumps(asdict(found), indent=2))
    return int(bool(found.throttled or found.wrong))


if __name__ == "__main__":
    sys.exit(main())
