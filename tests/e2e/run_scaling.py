"""Pools of the whole service resized while many users write: ``python -m tests.e2e.run_scaling``.

From 1 to 4 ConversationActors and back, from 1 to 2 PublisherActors and back, from 1 to 2 webhook
replicas and back, by ``vestlus scale`` as a person would. Ends with status 1 when anything was
lost, doubled or out of order, or somebody was not answered. It starts Ray, and takes some
minutes, so it is not one of the tests that always run. With ``--without-room`` one actor more is
wished for than there is room for, instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from actors.watched import START_SECONDS
from tests.e2e.conftest import EMBEDDED, PRODUCTION, QUICK
from tests.e2e.service import Service, running_serve, running_simulator
from tests.e2e.traffic import Habits, Traffic
from tests.services import provide_postgres, provide_rabbitmq, running
from tests.services.kept import free_port
from vestlus.conversation.identity import outbox_partition_of

#: One account for each outbox partition, so that every publisher has something to send.
ACCOUNTS = tuple(
    next(
        account
        for account in (f"1784140000{number:07}" for number in range(1000, 1100))
        if outbox_partition_of(account, 4) == outbox
    )
    for outbox in range(4)
)
HABITS = Habits(seed=11, users=40, pause_seconds=(0.1, 1.0))
MODEL_SECONDS = (0.5, 2.0)
SETTLE_SECONDS = 120.0
#: An actor takes seconds to start, and partitions up to 15 s to be handed over.
MOVE_SECONDS = 120.0
#: Answers between two changes.
ANSWERS = 60

#: What is changed, one after the other.
STEPS = (
    {"conversation": 4, "publisher": 2},
    {"webhook": 2},
    {"conversation": 1, "publisher": 1, "webhook": 1},
)
OPTIONS = {
    "conversation": "--conversation-actors",
    "publisher": "--publisher-actors",
    "webhook": "--webhook-replicas",
}


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201 - a program's output


class Scale:
    """The command ``vestlus scale`` beside the service."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VESTLUS_", "OPENAI_", "RAY_"))
        } | settings

    def __call__(self, *arguments: str) -> dict[str, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "vestlus.cli.main", "scale", "--json", *arguments],
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return {one["pool"]: one for one in json.loads(done.stdout)}


def reached(pools: dict[str, dict[str, Any]], wanted: dict[str, int]) -> bool:
    """Whether there are so many, each with its share, and no more."""
    for name, size in wanted.items():
        told = pools[name]["clusters"]
        if not told or (told[0]["running"], told[0]["ready"]) != (size, size):
            return False
        if name != "webhook" and len(pools[name]["partitions"]) != size:
            return False
    return True


async def more_answers(traffic: Traffic, running: asyncio.Task[None], count: int) -> None:
    """Waits until so many more answers have come."""
    wanted = traffic.answers + count
    async with asyncio.timeout(MOVE_SECONDS):
        while traffic.answers < wanted:
            if running.done():
                running.result()
            await asyncio.sleep(0.05)


async def resize(scale: Scale, traffic: Traffic, wanted: dict[str, int]) -> tuple[float, float]:
    """Resizes; returns when it began and how long it took until everybody had their share."""
    began = time.monotonic()
    words = [word for name, size in wanted.items() for word in (OPTIONS[name], str(size))]
    pools = await asyncio.to_thread(scale, *words)
    async with asyncio.timeout(MOVE_SECONDS):
        while not reached(pools, wanted):
            await asyncio.sleep(0.5)
            pools = await asyncio.to_thread(scale)
    return began, time.monotonic() - began


async def run_without_room(service: Service, scale: Scale) -> bool:
    """One actor more than there is room for: it waits for a node, and holds nobody up."""
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        traffic = Traffic(service.simulator, session, HABITS, accounts=ACCOUNTS)
        running = asyncio.create_task(traffic.run(), name="traffic")
        try:
            pools = await asyncio.to_thread(scale, OPTIONS["conversation"], "2")
            async with asyncio.timeout(MOVE_SECONDS):
                while not _waits(pools):
                    await asyncio.sleep(0.5)
                    pools = await asyncio.to_thread(scale)
            began = time.monotonic()
            # Longer than an actor that is starting may take before it is held for frozen.
            while time.monotonic() - began < START_SECONDS + 5:
                await more_answers(traffic, running, ANSWERS)
            waits_still = _waits(await asyncio.to_thread(scale))
            say(f"waited for a node for {time.monotonic() - began:.0f} s; answers went on")
            await resize(scale, traffic, {"conversation": 1})
            traffic.stopped.set()
            async with asyncio.timeout(SETTLE_SECONDS):
                await running
        finally:
            running.cancel()
            await asyncio.wait({running})
        verdict = await traffic.call("check?after=0&user_prefix=u&wait=20")
    return waits_still and bool(verdict["ok"]) and verdict["answered"] == traffic.written


def _waits(pools: dict[str, dict[str, Any]]) -> bool:
    told = pools["conversation"]["clusters"][0]
    return (told["running"], told["ready"], told["waiting_for_a_node"]) == (1, 1, 1)


def longest(traffic: Traffic, since: float, until: float) -> float:
    """The longest that somebody waited who wrote in that time, or a model's time before it."""
    return max(
        (waited for at, waited in traffic.waits if since - MODEL_SECONDS[1] <= at <= until),
        default=0.0,
    )


async def run(service: Service, scale: Scale) -> bool:
    """All steps under traffic; says what happened, and whether every promise was kept."""
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        traffic = Traffic(service.simulator, session, HABITS, accounts=ACCOUNTS)
        await traffic.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        running = asyncio.create_task(traffic.run(), name="traffic")
        moves: list[tuple[dict[str, int], float, float]] = []
        try:
            began = time.monotonic()
            await more_answers(traffic, running, ANSWERS)
            calm = longest(traffic, began, time.monotonic())
            say(f"at rest: longest wait of an answer {calm:.1f} s")
            for wanted in STEPS:
                since, took = await resize(scale, traffic, wanted)
                moves.append((wanted, since, took))
                await more_answers(traffic, running, ANSWERS)
                words = ", ".join(f"{name} {size}" for name, size in wanted.items())
                waited = longest(traffic, since, since + took)
                say(f"{words}: took {took:.1f} s; longest wait of an answer {waited:.1f} s")
            traffic.stopped.set()
            async with asyncio.timeout(SETTLE_SECONDS):
                await running
        finally:
            running.cancel()
            await asyncio.wait({running})
        verdict = await traffic.call("check?after=0&user_prefix=u&wait=20")
    found = {
        name: len(verdict[name]) for name in ("lost", "duplicated", "out_of_order", "misdirected")
    }
    say(f"{traffic.written} messages, {verdict['answered']} answered; {json.dumps(found)[1:-1]}")
    answered: bool = verdict["answered"] == traffic.written and verdict["not_accepted"] == 0
    return bool(verdict["ok"]) and answered


@contextmanager
def urls_of(pair: str) -> Iterator[dict[str, str]]:
    """The addresses of a pair, its servers running."""
    if pair == EMBEDDED:
        yield {}
        return
    with running(provide_rabbitmq(say)) as rabbitmq, running(provide_postgres(say)) as postgres:
        yield {
            "VESTLUS_BUS_URL": rabbitmq.fresh_space().url,
            "VESTLUS_DATABASE_URL": postgres.fresh_database(),
        }


def run_pair(pair: str, ingress: str, say_log: Callable[[str], None], *, room: bool) -> bool:
    """One run on one pair, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="vestlus-scaling-") as name,
        urls_of(pair) as urls,
    ):
        folder, port = Path(name), free_port()
        config = folder / "vestlus.toml"
        tables = [
            f'[[accounts]]\nid = "{one}"\naccess_token = "the-access-token"\n' for one in ACCOUNTS
        ]
        config.write_text("".join(tables), "utf-8")
        with running_simulator(folder, port, accounts=ACCOUNTS, seed=HABITS.seed) as (
            simulator,
            given,
        ):
            settings = {
                **given,
                **QUICK,
                **urls,
                "VESTLUS_INGRESS": ingress,
                "VESTLUS_LOG_LEVEL": "INFO",
                "VESTLUS_CONFIG": str(config),
                "VESTLUS_DATA_DIR": str(folder),
            }
            if not room:
                # One of each pool, and beside them the registry, the scheduler and the webhook.
                share = ((os.cpu_count() or 1) - 0.4) / 2
                settings["VESTLUS_ACTOR_CPUS"] = f"{share:.2f}"
            with running_serve(folder, simulator, settings) as service:
                try:
                    steps = run if room else run_without_room
                    return asyncio.run(steps(service, Scale(settings)))
                finally:
                    say_log(service.log.read_text("utf-8", errors="replace"))


def main() -> int:
    """One pair, or both."""
    parser = argparse.ArgumentParser(description="Pools resized while many users write.")
    parser.add_argument("--pair", choices=(EMBEDDED, PRODUCTION), action="append")
    parser.add_argument("--ingress", choices=("default", "haproxy"), default="default")
    parser.add_argument(
        "--without-room", action="store_true", help="one actor more than the machine has room for"
    )
    parser.add_argument("--log", type=Path, help="where the service's log is kept")
    given = parser.parse_args()
    # So that whoever ends this early leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def keep(text: str) -> None:
        if given.log is not None:
            given.log.write_text(text, "utf-8")

    good = True
    for pair in given.pair or (EMBEDDED, PRODUCTION):
        kept = run_pair(pair, given.ingress, keep, room=not given.without_room)
        say(f"{pair}: {'kept' if kept else 'BROKEN'}\n")
        good = good and kept
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
