"""Pools of the whole service resized while many users write: ``python -m tests.e2e.run_scaling``.

From 1 to 4 ConversationActors and back, from 1 to 2 PublisherActors and back, from 1 to 2 webhook
replicas and back, by ``vestlus scale`` as a person would. Ends with status 1 when anything was
lost, doubled or out of order, or somebody was not answered. It starts Ray, and takes some
minutes, so it is not one of the tests that always run. With ``--auto`` the pool of
ConversationActors grows and shrinks by the load alone, instead, and with ``--auto-publishers`` that
of PublisherActors; with ``--without-room`` one actor more is wished for than there is room for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from actors.watched import START_SECONDS
from benchmarks.provenance import commit
from tests.e2e.conftest import EMBEDDED, PRODUCTION, QUICK
from tests.e2e.resizing import (
    ACCOUNTS,
    MODEL_SECONDS,
    MOVE_SECONDS,
    OPTIONS,
    Scale,
    longest,
    more_answers,
    resize,
    say,
)
from tests.e2e.scaling_auto import SETTINGS, run_auto
from tests.e2e.scaling_crowd import FACT
from tests.e2e.scaling_publishers import MANY_ACCOUNTS, PUBLISHING, run_publishers
from tests.e2e.scaling_report import Course, Event, as_markdown, load_average
from tests.e2e.service import Service, running_serve, running_simulator
from tests.e2e.traffic import Habits, Traffic
from tests.services import provide_postgres, provide_rabbitmq, running
from tests.services.kept import free_port

HABITS = Habits(seed=11, users=40, pause_seconds=(0.1, 1.0))
SETTLE_SECONDS = 120.0
#: Answers between two changes.
ANSWERS = 60

#: What is done to a running service, on a pair.
Steps = Callable[[Service, Scale, str], Coroutine[None, None, Course]]

#: What is changed, one after the other.
STEPS = (
    {"conversation": 4, "publisher": 2},
    {"webhook": 2},
    {"conversation": 1, "publisher": 1, "webhook": 1},
)


async def run_without_room(service: Service, scale: Scale, pair: str) -> Course:
    """One actor more than there is room for: it waits for a node, and holds nobody up."""
    course = Course("Without room", pair, f"{HABITS.users} users write text all the time.")
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
        course.verdict = await traffic.call("check?after=0&user_prefix=u&wait=20")
    course.written, course.moved = traffic.written, waits_still
    say(course.summary)
    return course


def _waits(pools: dict[str, dict[str, Any]]) -> bool:
    told = pools["conversation"]["clusters"][0]
    return (told["running"], told["ready"], told["waiting_for_a_node"]) == (1, 1, 1)


async def run(service: Service, scale: Scale, pair: str) -> Course:
    """All steps under traffic; says what happened, and whether every promise was kept."""
    course = Course(
        "By `vestlus scale`",
        pair,
        f"{HABITS.users} users write text all the time. The model takes {MODEL_SECONDS[0]} to "
        f"{MODEL_SECONDS[1]} s. Load of the machine before: {load_average()}.",
    )
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        traffic = Traffic(service.simulator, session, HABITS, accounts=ACCOUNTS)
        await traffic.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        running = asyncio.create_task(traffic.run(), name="traffic")
        try:
            began = time.monotonic()
            await more_answers(traffic, running, ANSWERS)
            calm = longest(traffic, began, time.monotonic())
            course.events.append(Event(0.0, "at rest", calm))
            say(f"at rest: longest wait of an answer {calm:.1f} s")
            for wanted in STEPS:
                since, took = await resize(scale, traffic, wanted)
                await more_answers(traffic, running, ANSWERS)
                words = ", ".join(f"{name} {size}" for name, size in wanted.items())
                waited = longest(traffic, since, since + took)
                told = f"all had their share after {took:.1f} s"
                course.events.append(Event(since - began, words, waited, told))
                say(f"{words}: took {took:.1f} s; longest wait of an answer {waited:.1f} s")
            traffic.stopped.set()
            async with asyncio.timeout(SETTLE_SECONDS):
                await running
        finally:
            running.cancel()
            await asyncio.wait({running})
        course.verdict = await traffic.call("check?after=0&user_prefix=u&wait=20")
    course.written, course.moved = traffic.written, True
    say(course.summary)
    return course


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


def run_pair(pair: str, ingress: str, say_log: Callable[[str], None], steps: Steps) -> Course:
    """One run on one pair, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="vestlus-scaling-") as name,
        urls_of(pair) as urls,
    ):
        folder, port = Path(name), free_port()
        config = folder / "vestlus.toml"
        publishing = steps is run_publishers
        accounts = MANY_ACCOUNTS if publishing else ACCOUNTS
        facts = f"facts = {json.dumps([FACT])}\n" if publishing else ""
        tables = [
            f'[[accounts]]\nid = "{one}"\naccess_token = "the-access-token"\n{facts}'
            for one in accounts
        ]
        config.write_text("".join(tables), "utf-8")
        with running_simulator(folder, port, accounts=accounts, seed=HABITS.seed) as (
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
                # Of the pictures that users send.
                "VESTLUS_MEDIA_HOSTS": urlsplit(simulator).netloc,
            }
            if steps is run_auto:
                settings |= SETTINGS
            if publishing:
                settings |= PUBLISHING
            if steps is run_without_room:
                # One of each pool, and beside them the registry, the scheduler and the webhook.
                share = ((os.cpu_count() or 1) - 0.4) / 2
                settings["VESTLUS_ACTOR_CPUS"] = f"{share:.2f}"
            with running_serve(folder, simulator, settings) as service:
                try:
                    return asyncio.run(steps(service, Scale(settings), pair))
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
    parser.add_argument("--auto", action="store_true", help="a pool that grows and shrinks by load")
    parser.add_argument(
        "--auto-publishers", action="store_true", help="publishers that grow and shrink by load"
    )
    parser.add_argument("--by-hand", action="store_true", help="by vestlus scale; if none is named")
    parser.add_argument("--report", type=Path, help="where the report goes")
    parser.add_argument("--log", type=Path, help="where the service's log is kept")
    given = parser.parse_args()
    # So that whoever ends this early leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def keep(text: str) -> None:
        if given.log is not None:
            given.log.write_text(text, "utf-8")

    named = (
        (given.auto, run_auto),
        (given.auto_publishers, run_publishers),
        (given.by_hand, run),
        (given.without_room, run_without_room),
    )
    scripts: list[Steps] = [steps for wanted, steps in named if wanted] or [run]
    courses: list[Course] = []
    measured = commit()
    for steps in scripts:
        for pair in given.pair or (EMBEDDED, PRODUCTION):
            course = run_pair(pair, given.ingress, keep, steps)
            courses.append(course)
            say(f"{course.name}, {pair}: {'kept' if course.kept else 'BROKEN'}\n")
            if given.report:
                before = given.report.read_text("utf-8") if given.report.exists() else ""
                given.report.write_text(
                    as_markdown([course], commit=measured, before=before), "utf-8"
                )
    return 0 if all(course.kept for course in courses) else 1


if __name__ == "__main__":
    sys.exit(main())
