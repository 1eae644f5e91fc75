"""What one answered DM costs the process of a ConversationActor, in CPU.

::

    python -m benchmarks.turns [--messages 3000] [--rate 100] [--model-latency 2] \
        [--pair sqlite|rabbitmq] [--against TREE --rounds 3] [--profile FILE]

The process is what the actor runs, without Ray: real bus, real store, and the pretend model in a
process of its own. This process plays the rest of the service: it publishes what users write,
takes the doorbell, writes down that the answers were sent, and publishes their echoes. Counted
is the CPU of the ConversationActor's process alone, user and system, from the first message to
the last echo.

``--against`` names another checkout: both are measured, in turns, and compared by their ratio, each
by the CPU of a fixed piece of work in the same seconds: see ``benchmarks.yardstick``.
``--profile`` has py-spy, which must be installed, write a flame graph's stacks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from benchmarks.turns_host import MEMBER
from benchmarks.turns_traffic import TOPOLOGY, Traffic, until_echoed, write
from benchmarks.yardstick import yardstick
from tests.services import provide_postgres, provide_rabbitmq, running
from vestlus.bus.open import open_bus
from vestlus.loadtest.environment import made_up_secrets, own_accounts, service_environment
from vestlus.store.names import REGISTRY, inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Member, MemberKind

HERE = Path(__file__).parent.parent

#: What the service waits for more after a message that reads as finished: 1,500 ms, a quarter.
BURST_WAIT_MS = 375


@dataclass(frozen=True, slots=True)
class Place:
    """Where one measurement happens."""

    folder: Path
    bus: str
    database: str
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured. Milliseconds; ``overhead`` is beside the model and the burst's wait."""

    messages: int
    answers: int
    #: Echoes that were told to be the service's own: all of them.
    echoes: int
    seconds: float
    cpu_per_message: float
    #: The CPU of a fixed piece of work in the same seconds, and the cost of a message by it.
    yardstick: float
    relative: float
    overhead_p50: float
    overhead_p99: float


@dataclass(slots=True)
class Host:
    """The process that is measured."""

    process: asyncio.subprocess.Process

    async def says(self) -> dict[str, float]:
        """Its CPU seconds and its counts."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the host has no pipes")
        self.process.stdin.write(b"\n")
        told: dict[str, float] = json.loads(await self.process.stdout.readline())
        return told


@asynccontextmanager
async def hosting(place: Place, tree: Path) -> AsyncIterator[Host]:
    """The process, from the code of a checkout."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "benchmarks" / "turns_host.py")),
        env={**place.environment, "PYTHONPATH": str(tree)},
        cwd=tree,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Host(process)
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.wait_for(process.wait(), 15)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def model(folder: Path, latency: float) -> AsyncIterator[str]:
    """The pretend model's address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vestlus.simulator", "--only", "model", "--port", "0"),
        *("--data", str(folder / "model.sqlite"), "--until-stdin-closes"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the model has no pipes")
        url = str(json.loads(await process.stdout.readline())["url"])
        async with aiohttp.ClientSession() as http:
            body = {"latency_seconds": latency}
            async with http.post(f"{url}/control/model", json=body) as response:
                response.raise_for_status()
        yield url
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _assigned(store: Store, host: Host) -> None:
    """Gives the host all partitions, and waits until it has them."""
    registry = Member("registry/benchmark", MemberKind.REGISTRY, "1", "here", os.getpid())
    await store.heartbeat(registry)
    lease = (await store.acquire([REGISTRY], registry, 3600.0))[REGISTRY]
    while not await store.live(MemberKind.CONVERSATION, 8.0):
        await asyncio.sleep(0.1)
    wanted = {inbox_lease(number): MEMBER for number in range(TOPOLOGY.inbox)}
    await store.assign(lease, wanted)
    while (await host.says()).get("partitions") != TOPOLOGY.inbox:
        await asyncio.sleep(0.1)


async def measure(arguments: argparse.Namespace, place: Place, tree: Path) -> Cost:
    """Measures one checkout once, on a bus and a store that nothing is in."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(place.database, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox)
        )
        bus = await stack.enter_async_context(open_bus(place.bus, TOPOLOGY))
        traffic = Traffic(store, bus, own_accounts(4))
        host = await stack.enter_async_context(hosting(place, tree))
        await _assigned(store, host)
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(traffic.send(one)) for one in range(TOPOLOGY.outbox)]
            await write(traffic, range(WARMING), arguments.rate)
            await until_echoed(traffic, WARMING)
            traffic.took.clear()
            profiler = _profiled(arguments.profile, host.process.pid)
            async with yardstick() as work:
                first, began = await host.says(), time.monotonic()
                numbers = range(WARMING, WARMING + arguments.messages)
                await write(traffic, numbers, arguments.rate)
                await until_echoed(traffic, numbers.stop)
                last, ended = await host.says(), time.monotonic()
            if profiler is not None:
                profiler.send_signal(signal.SIGINT)
                await asyncio.to_thread(profiler.wait)
            for task in sending:
                task.cancel()
    waits = sorted(1000 * (took - arguments.model_latency) - BURST_WAIT_MS for took in traffic.took)
    cost = 1000 * (last["cpu"] - first["cpu"]) / arguments.messages
    return Cost(
        messages=arguments.messages,
        answers=int(last["answered"] - first["answered"]),
        echoes=int(last["echoes_ours"] - first["echoes_ours"]),
        seconds=round(ended - began, 1),
        cpu_per_message=round(cost, 3),
        yardstick=round(work.milliseconds, 3),
        relative=round(cost / work.milliseconds, 3),
        overhead_p50=round(waits[len(waits) // 2], 1),
        overhead_p99=round(waits[len(waits) * 99 // 100], 1),
    )


#: Messages before anything is counted: connections, compiled statements, prompts.
WARMING = 200


def _profiled(file: Path | None, pid: int) -> subprocess.Popen[bytes] | None:
    if file is None:
        return None
    looking = ("--gil", "--nonblocking", "--rate", "250", "--format", "raw")
    return subprocess.Popen(  # noqa: S603 - our own arguments
        ["py-spy", "record", *looking, "-o", str(file), "-p", str(pid)]  # noqa: S607 - on the PATH
    )


@contextmanager
def places(pair: str) -> Iterator[Callable[[Path], tuple[str, str]]]:
    """Makes the addresses of a bus and a store, new ones whenever asked with a folder."""
    if pair == "sqlite":
        yield _files
        return
    with running(provide_rabbitmq(print)) as rabbitmq, running(provide_postgres(print)) as postgres:

        def fresh(_: Path) -> tuple[str, str]:
            return rabbitmq.fresh_space().url, postgres.fresh_database()

        yield fresh


def _files(folder: Path) -> tuple[str, str]:
    return f"sqlite:///{folder}/bus.sqlite", f"sqlite:///{folder}/store.sqlite"


async def measure_all(arguments: argparse.Namespace, folder: Path) -> dict[str, list[Cost]]:
    """By checkout, in turns."""
    trees = [HERE, *([arguments.against] if arguments.against else [])]
    found: dict[str, list[Cost]] = {str(tree): [] for tree in trees}
    with places(arguments.pair) as fresh:
        async with model(folder, arguments.model_latency) as url:
            for number in range(arguments.rounds):
                for tree in trees if number % 2 else reversed(trees):
                    mine = Path(tempfile.mkdtemp(dir=folder))
                    bus, database = await asyncio.to_thread(fresh, mine)
                    environment = service_environment(
                        {**os.environ, "VESTLUS_BUS_URL": bus, "VESTLUS_DATABASE_URL": database},
                        mine,
                        8000,
                        accounts=own_accounts(4),
                        known=made_up_secrets(),
                        graph_url=url,
                        model_url=url,
                    )
                    cost = await measure(arguments, Place(mine, bus, database, environment), tree)
                    found[str(tree)].append(cost)
                    print(tree, json.dumps(asdict(cost)), flush=True)
    return found


def main() -> int:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.turns")
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second")
    parser.add_argument("--model-latency", type=float, default=2.0, help="seconds")
    parser.add_argument("--pair", choices=("sqlite", "rabbitmq"), default="sqlite")
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--profile", type=Path, help="where py-spy writes its stacks")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure_all(arguments, Path(folder)))
    medians = {
        tree: statistics.median(one.relative for one in costs) for tree, costs in found.items()
    }
    here = medians[str(HERE)]
    for tree, cost in medians.items():
        print(f"{cost:.2f} yardsticks of CPU a message, {here / cost:.2f} of it here: {tree}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
