"""``make fuzz``: broken requests by the ten thousand, and what they did to a replica.

Prints, by surface, how many there were, their statuses and the slowest answer, and the replica's
memory in the course of it. Ends with status 1 when any was answered with a server error or not
within 15 s.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.fuzzing.requests import thrown
from tests.fuzzing.throwing import Outcomes, throw
from vestlus.loadtest.parts import living_processes

#: Requests after which a replica has loaded what it loads once.
WARMING = 2_000


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


def megabytes(pid: int) -> float:
    """What the process has in memory."""
    return next(one.memory for one in living_processes() if one.pid == pid) / 2**20


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


async def main(arguments: argparse.Namespace) -> int:
    """Runs; the exit status."""
    coming = thrown(arguments.seed)
    with (
        tempfile.TemporaryDirectory(prefix="vestlus-fuzz-") as folder,
        serving(Path(folder)) as (port, pid),
    ):
        await reached(port)
        await throw(port, itertools.islice(coming, WARMING))
        before = megabytes(pid)
        outcomes = await throw(port, itertools.islice(coming, arguments.requests))
        after = megabytes(pid)
    for line in told(outcomes):
        print(line)  # noqa: T201 - a command's output
    print(  # noqa: T201 - a command's output
        f"memory after {WARMING:,} requests {before:.0f} MB, "
        f"after {arguments.requests:,} more {after:.0f} MB"
    )
    return 1 if outcomes.errors else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)  # noqa: T201 - a command's output
    sys.exit(asyncio.run(main(given)))
