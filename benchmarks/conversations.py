"""What live conversations take, how fast they wake and go, and what known ones cost at rest.

::

    python -m benchmarks.conversations [--live 100000] [--messages 20] [--known 1000000]
                                       [--store sqlite|postgresql] [--by messages|reading]
                                       [--samples 500] [--idle 10]

The real host takes a message of each of ``--live`` users from the embedded bus, reads their
histories from the store, answers them by an assistant that says always the same, and keeps them.
With ``--by reading`` nobody writes, and the histories are only read: a tenth of the work.
Before, the store is filled with ``--known`` others who wrote and were answered once. PostgreSQL is
a private server of the tests. Memory and processor time are this process's.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import structlog

from benchmarks.known import People, fill
from benchmarks.living import PARTITIONS, Stage, stage
from benchmarks.measuring import MICRO, MILLI, Round, machine, measured, percentile, resident_bytes
from tests.services import provide_postgres, running
from vestlus.hosting.conversations import DROPPED_TOGETHER

Report = dict[str, Any]

#: Users activated before memory is first looked at, so that caches and pools are full.
WARM_UP = 500

#: As many as a busy hour's minute brings.
AT_ONCE = 5_000

#: Longer than any shared reading is put off.
PAUSE_SECONDS = 0.2


async def at_rest(opened: Stage, seconds: float) -> Report:
    """What the process takes while nobody writes."""
    taken = Round()
    with measured(taken, 1):
        await asyncio.sleep(seconds)
    return {
        "cpu_percent": round(100 * taken.cpu_seconds / taken.seconds, 2),
        "resident_mb": _mb(resident_bytes()),
        "live": opened.host.counts().conversations,
    }


async def activated(opened: Stage, names: list[str], by: str) -> Report:
    """Lets every user write once, or be read, and looks at the memory before and afterwards."""
    activate = opened.write if by == "messages" else opened.read
    await activate(names[:WARM_UP])
    gc.collect()
    before, taken = resident_bytes(), Round()
    with measured(taken, len(names) - WARM_UP):
        for first in range(WARM_UP, len(names), AT_ONCE):
            await activate(names[first : first + AT_ONCE])
    grown = resident_bytes() - before
    kept = opened.host.conversations
    began = time.thread_time()
    gc.collect()
    stopped = time.thread_time() - began
    return {
        "live": kept.live,
        "resident_before_mb": _mb(before),
        "resident_mb": _mb(resident_bytes()),
        "bytes_each": round(grown / taken.operations),
        "bytes_each_counted": round(kept.resting_bytes / max(kept.live, 1)),
        "python_objects": len(gc.get_objects()),
        "full_collection_cpu_ms": round(stopped * MILLI, 1),
        "cpu_us_each": round(taken.cpu_seconds / taken.operations * MICRO),
    }


async def woken(opened: Stage, names: list[str], pause: float = 0.0) -> Report:
    """From a recorded message to the assistant's being asked, one user at a time.

    After a pause nothing waits; one right after another, each waits for the next shared reading.
    """
    waits, cpu = [], []
    for name in names:
        await asyncio.sleep(pause)
        took = await opened.wake(name)
        waits.append(took.seconds)
        cpu.append(took.cpu_seconds)
    return {
        "p50_ms": round(percentile(waits, 0.5) * MILLI, 3),
        "p99_ms": round(percentile(waits, 0.99) * MILLI, 3),
        "cpu_us": round(sum(cpu) / len(cpu) * MICRO),
    }


def passivated(opened: Stage) -> Report:
    """Drops everything that rests, as the host does, and how long it holds up others."""
    taken, steps = Round(), []
    live, before = opened.host.counts().conversations, resident_bytes()
    with measured(taken, live):
        while True:
            began = time.thread_time()
            if not opened.host.conversations.passivate(2**62, DROPPED_TOGETHER):
                break
            steps.append(time.thread_time() - began)
    return {
        "conversations": live,
        "per_second": round(live / taken.cpu_seconds) if taken.cpu_seconds else None,
        "longest_step_cpu_ms": round(max(steps, default=0.0) * MILLI, 3),
        "given_back_mb": _mb(before - resident_bytes()),
    }


async def run(url: str, empty: str, folder: Path, options: argparse.Namespace) -> Report:
    """All of it, on one kind of store."""
    chance = random.Random(0)  # noqa: S311 - a choice of names
    names = [str(200_000_000_000_000 + number) for number in range(options.live)]
    cold = [str(300_000_000_000_000 + number) for number in range(options.samples)]
    report: Report = {}
    async with stage(empty, folder / "empty-bus.sqlite") as opened:
        report["idle, nobody known"] = await at_rest(opened, options.idle)
    async with stage(url, folder / "bus.sqlite"):
        pass
    began = time.monotonic()
    # What writing takes in memory is not to be among what is measured here.
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        # Of whom writes now and is answered there are two messages more.
        missing = 2 if options.by == "messages" else 0
        groups = [People(names, options.messages - missing), People(cold, options.messages)]
        apart.submit(_filled, url, groups, options.known).result()
    report["filled_seconds"] = round(time.monotonic() - began, 1)
    async with stage(url, folder / "bus.sqlite") as opened:
        report[f"idle, {options.known} known"] = await at_rest(opened, options.idle)
        report["activated"] = await activated(opened, names, options.by)
        report["idle, all live"] = await at_rest(opened, options.idle)
        half = len(cold) // 2
        report["woken from the store"] = await woken(opened, cold[:half], PAUSE_SECONDS)
        report["woken from the store, right after another"] = await woken(opened, cold[half:])
        report["woken from rest"] = await woken(opened, chance.sample(names, len(cold)))
        report["passivated"] = passivated(opened)
    return report


def _filled(url: str, groups: list[People], known: int) -> None:
    asyncio.run(fill(url, groups, known, partitions=PARTITIONS))


@contextmanager
def _stores(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/store.sqlite", f"sqlite:///{folder}/empty.sqlite"
        return
    with running(provide_postgres()) as server:
        yield server.fresh_database(), server.fresh_database()


def _mb(size: int) -> float:
    return round(size / 2**20, 1)


def main() -> int:
    """Prints the report as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conversations", description=__doc__)
    parser.add_argument("--live", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--known", type=int, default=1_000_000)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--by", choices=["messages", "reading"], default="messages")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--idle", type=float, default=10.0)
    options = parser.parse_args()
    if options.live <= max(WARM_UP, options.samples):
        parser.error(f"--live: more than {max(WARM_UP, options.samples)}, please")
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, empty = stack.enter_context(_stores(options.store, folder))
        report = asyncio.run(run(url, empty, folder, options))
    print(json.dumps({"options": vars(options), "machine": machine()} | report, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
