"""``make fuzz``: broken requests by the ten thousand, and what they did to a replica.

Prints, by surface, how many there were, their statuses and the slowest answer, and the replica's
memory in the course of it. Ends with status 1 when any was answered with a server error, or slower
than ``--slow`` seconds, or when the memory grows with the requests.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.fuzzing.judging import SLOW_SECONDS, Weight, growth, problems
from tests.fuzzing.requests import OPERATOR, thrown
from tests.fuzzing.throwing import Outcomes, throw
from tests.fuzzing.visiting import sign_in
from vestlus.loadtest.parts import living_processes

#: Requests after which a replica has loaded what it loads once.
WARMING = 2_000
#: Times that the replica is weighed.
WEIGHED = 40


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """A replica; its port and its process."""
    command = [sys.executable, "-m", "tests.fuzzing.server", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


async def reached(port: int) -> None:
    """Returns when the replica has reached its store and its bus."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        asyncio.timeout(60),
    ):
        while {"bus", "store"} & set((await client.get("/readyz")).json()["problems"]):
            await asyncio.sleep(0.05)


def memory(pid: int) -> float:
    """Bytes that the process has in memory."""
    return next(one.memory for one in living_processes() if one.pid == pid)


def told(outcomes: Outcomes) -> Iterator[str]:
    """The outcomes in words."""
    for surface in sorted(outcomes.seconds):
        statuses = {
            status: count
            for (of, status), count in sorted(outcomes.statuses.items())
            if of == surface
        }
        yield f"{surface:15} slowest {outcomes.slowest(surface):6.3f} s  {statuses}"
    yield f"without an answer, because they were cut short or no HTTP: {outcomes.silent}"
    for status, one in outcomes.errors[:5]:
        yield f"{status} for {one.content[:300]!r}"


def weighed(weights: Sequence[Weight]) -> Iterator[str]:
    """The memory in words."""
    first, last = weights[0], weights[-1]
    yield (
        f"memory after {WARMING:,} requests {first.bytes / 2**20:.0f} MB, "
        f"after {last.requests:,} more {last.bytes / 2**20:.0f} MB"
    )
    grown = growth(weights)
    if grown is None:
        yield "too few requests to tell whether it grows: 20,000 and more"
    else:
        yield f"in the later half {grown:.0f} bytes a request"


async def main(arguments: argparse.Namespace) -> int:
    """Runs; the exit status."""
    outcomes = Outcomes()
    with (
        tempfile.TemporaryDirectory(prefix="vestlus-fuzz-") as folder,
        serving(Path(folder)) as (port, pid),
    ):
        await reached(port)
        coming = thrown(arguments.seed, await sign_in(port, OPERATOR))
        await throw(port, itertools.islice(coming, WARMING))
        weights = [Weight(0, memory(pid))]
        while (done := weights[-1].requests) < arguments.requests:
            part = min(-(-arguments.requests // WEIGHED), arguments.requests - done)
            await throw(port, itertools.islice(coming, part), into=outcomes)
            weights.append(Weight(done + part, memory(pid)))
    wrong = list(problems(outcomes, weights, slow_seconds=arguments.slow))
    for line in (*told(outcomes), *weighed(weights), *wrong):
        print(line)  # noqa: T201 - a command's output
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--slow", type=float, default=SLOW_SECONDS, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)  # noqa: T201 - a command's output
    sys.exit(asyncio.run(main(given)))
