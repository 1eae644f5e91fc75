"""``make chaos``: everything that can fail does, while many users write; the simulator judges.

Ends with status 1 when anything was lost, doubled, out of order, or when a fault did not happen as
often, or a step of the ledger not at all.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.chaos.journal import Journal
from tests.chaos.late import run_late
from tests.chaos.nemesis import Nemesis, leaves
from tests.chaos.people import People
from tests.chaos.plan import JUDGED, Plan, drawn
from tests.chaos.posting import Poster
from tests.chaos.report import Report, made
from tests.chaos.scenarios import Scenarios
from tests.chaos.steps import AWAY
from tests.chaos.timeline import timelines
from tests.chaos.world import BUSY, QUIET, World, is_embedded, running_world
from tests.e2e.conftest import EMBEDDED, PRODUCTION
from tests.e2e.service import ServiceError
from tests.e2e.traffic import Traffic
from tests.services import (
    PostgresServer,
    RabbitMQServer,
    provide_postgres,
    provide_rabbitmq,
    running,
)
from vestlus.store.ledger import SendState

Say = Callable[[str], None]

#: How long the model thinks, seconds.
MODEL_SECONDS = [0.3, 1.5]
#: For the last answers, and for scenarios that are still played, after everything is well again.
SETTLE_SECONDS = 180.0

#: The task of the users: it ends when all of them have their answers.
TRAFFIC = "traffic"

PICTURE = Path(__file__).parents[2] / "image_bank" / "starter" / "where-to-find-us.png"


async def run_chaos(pair: str, plan: Plan, world: World, say: Say) -> Report:
    """Runs a plan and returns what happened, also where the service had to be given up."""
    journal = Journal(say)
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=120), connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        picture = await _kept(session, world.simulator)
        traffic = Traffic(
            world.simulator,
            session,
            plan.habits,
            accounts=BUSY,
            newcomers=QUIET,
            picture=picture,
        )
        await traffic.call("model", {"latency_seconds": MODEL_SECONDS})
        start = int((await traffic.call("info"))["seq"])
        poster = Poster(plan, world, traffic, journal)
        beside = {
            asyncio.create_task(work, name=name)
            for name, work in (
                (TRAFFIC, traffic.run()),
                ("scenarios", Scenarios(world, traffic, journal).run()),
                ("people", People(plan, world, traffic, journal).run()),
                ("posts", poster.run()),
            )
        }
        try:
            await Nemesis(plan, world, traffic, journal).run()
            journal.note("everything is well again")
            traffic.stopped.set()
            await _ended(beside, traffic, journal)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
        verdict = await traffic.call(f"check?after={start}&user_prefix={JUDGED}&wait=20")
        report = made(
            pair,
            plan,
            journal,
            written=traffic.written,
            answers=traffic.answers,
            verdict=verdict,
            steps=await _steps(world, journal),
            ended=world.serve.ended,
            left_behind=world.serve.left_behind,
            posts=await poster.seen(),
        )
        if plan.late and not journal.gave_up:
            report.late = await run_late(world.simulator, session, plan, journal)
        report.timelines = await timelines(report, world, traffic, journal)
        return report


async def _ended(
    beside: Collection[asyncio.Task[None]], traffic: Traffic, journal: Journal
) -> None:
    """Waits for what is still under way. Where the service was given up, nothing more comes."""
    seconds = 1.0 if journal.gave_up else SETTLE_SECONDS
    done, under_way = await asyncio.wait(beside, timeout=seconds)
    for task in done:
        if (error := task.exception()) is not None:
            for leaf in leaves(error):
                told = "".join(traceback.format_exception(leaf))
                journal.give_up(f"{task.get_name()}: {type(leaf).__name__}\n{told}")
    if under_way:
        names = sorted(task.get_name() for task in under_way)
        if TRAFFIC in names and not journal.gave_up:
            # Also of those of whom the simulator's checker is content: it takes a picture without
            # a text for an answer, and here each has its text.
            journal.give_up(f"{traffic.unanswered} users still wait for an answer")
        journal.note(f"unfinished: {', '.join(names)}")


async def _steps(world: World, journal: Journal) -> Counter[tuple[SendState, SendState]]:
    try:
        return await world.steps.counted()
    except AWAY as error:
        journal.give_up(f"the steps of the ledger cannot be read: {type(error).__name__}")
        return Counter()


async def _kept(session: aiohttp.ClientSession, simulator: str) -> str:
    """The address of a picture that users send along."""
    data = await asyncio.to_thread(PICTURE.read_bytes)
    url = f"{simulator}/control/media"
    async with session.post(url, data=data, headers={"Content-Type": "image/png"}) as answer:
        answer.raise_for_status()
        kept: Any = await answer.json()
        return str(kept["url"])


@contextmanager
def servers_of(
    pair: str, say: Say
) -> Iterator[tuple[RabbitMQServer | None, PostgresServer | None]]:
    """The servers of a pair, running."""
    with ExitStack() as stack:
        if is_embedded(pair):
            yield None, None
            return
        yield (
            stack.enter_context(running(provide_rabbitmq(say))),
            stack.enter_context(running(provide_postgres(say))),
        )


async def run_pair(
    pair: str,
    plan: Plan,
    folder: Path,
    say: Say,
    servers: tuple[RabbitMQServer | None, PostgresServer | None],
) -> Report:
    """One run on one pair, in a folder of its own."""
    rabbitmq, postgres = servers
    say(f"{pair}, seed {plan.seed}: {plan.seconds:.0f} s of faults")
    report: Report | None = None
    try:
        async with running_world(
            folder, say, plan=plan, rabbitmq=rabbitmq, postgres=postgres
        ) as world:
            report = await run_chaos(pair, plan, world, say)
    except ServiceError as error:
        if report is None:
            raise
        report.gave_up.append(f"the service does not end: {error}")
    return report


def say_at_once(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201 - a program's output


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="of faults (600)")
    parser.add_argument("--users", type=int, default=200, help="users who write (200)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same plan (1)")
    parser.add_argument(
        "--pair", choices=[EMBEDDED, PRODUCTION], default=PRODUCTION, help=f"({PRODUCTION})"
    )
    parser.add_argument(
        "--only", default="", metavar="REGEX", help="only faults of processes named like this"
    )
    parser.add_argument("--late", type=int, help="late requests afterwards (20 in 600 seconds)")
    parser.add_argument(
        "--reports", type=Path, default=Path("var"), help="folder for reports (var)"
    )
    chosen = parser.parse_args()
    plan = drawn(
        chosen.seed,
        chosen.seconds,
        users=chosen.users,
        servers=not is_embedded(chosen.pair),
        only=chosen.only,
        late=chosen.late,
    )
    folder = Path(tempfile.mkdtemp(prefix="vestlus-chaos-"))
    chosen.reports.mkdir(parents=True, exist_ok=True)
    path = chosen.reports / f"chaos-{chosen.pair}-{plan.seed}"
    log = path.with_suffix(".log")
    try:
        with servers_of(chosen.pair, say_at_once) as servers:
            report = asyncio.run(run_pair(chosen.pair, plan, folder, say_at_once, servers))
    finally:
        if (folder / "serve.log").exists():
            shutil.copyfile(folder / "serve.log", log)
        shutil.rmtree(folder, ignore_errors=True)
    path.with_suffix(".json").write_text(report.as_json(), "utf-8")
    path.with_suffix(".txt").write_text(f"{report}\n", "utf-8")
    say_at_once(f"{report}\n  report: {path}.json, .txt; the service's own words: {log}")
    return 1 if report.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
