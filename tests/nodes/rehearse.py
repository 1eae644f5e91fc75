"""``make rehearse-upgrade``: another version of the service takes over under traffic.

As a RayService does it: a second Ray cluster starts beside the first, on the same RabbitMQ and
PostgreSQL, and migrates the store; webhooks go to both for a while, then to the new one; the old
one is drained. The old version is that of a revision of this repository, by default the newest
tag or, where there is none, the newest one with fewer migrations. Ends with status 1 when anything
was lost, doubled or out of order, or somebody was not answered.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.conftest import QUICK
from tests.e2e.fleet import INGRESS, STOP_SECONDS
from tests.e2e.run_scaling import ACCOUNTS, MODEL_SECONDS
from tests.e2e.service import Service, running_serve, running_simulator
from tests.e2e.switch import Switch
from tests.e2e.traffic import Habits, Traffic
from tests.services import provide_postgres, provide_rabbitmq, running
from tests.services.kept import free_port
from vestlus.store.migrate import newest_revision

HABITS = Habits(seed=7, users=30)
SETTLE_SECONDS = 240.0
#: Answers between two steps.
ANSWERS = 90
PATIENCE_SECONDS = 300.0
ROOT = Path(__file__).parents[2]
MIGRATIONS = "vestlus/store/migrations/versions"


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201 - a program's output


@dataclass(slots=True)
class Rehearsal:
    """What happened."""

    old: str
    new: str
    #: What was done, how long it took, and the longest that anybody waited meanwhile; seconds.
    steps: list[tuple[str, float, float]] = field(default_factory=list)
    written: int = 0
    verdict: dict[str, Any] = field(default_factory=dict)

    def kept(self) -> bool:
        """Whether nothing was lost, doubled or out of order, and everybody was answered."""
        return (
            bool(self.verdict["ok"])
            and self.verdict["answered"] == self.written
            and self.verdict["not_accepted"] == 0
        )


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words],  # noqa: S607 - the system's own
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def previous() -> str:
    """The newest tag; where there is none, the newest revision of this branch whose migrations are
    fewer than the present ones, and the first of them.
    """
    if tag := _git("tag", "--sort=-creatordate").partition("\n")[0]:
        return tag
    for revision in _git("log", "--first-parent", "--format=%h").split():
        if len(migrations_of(revision)) < len(_present()) and precedes(revision):
            return revision
    raise SystemExit("no earlier version of this branch has fewer migrations")


def migrations_of(revision: str) -> list[str]:
    """The revisions of the schema that a version of the repository knows, oldest first."""
    names = _git("ls-tree", "--name-only", f"{revision}:{MIGRATIONS}").split()
    return sorted(name[:5] for name in names if name.startswith("a"))


def _present() -> list[str]:
    return sorted(one.name[:5] for one in (ROOT / MIGRATIONS).glob("a*.py"))


def precedes(revision: str) -> bool:
    """Whether its migrations are the first of the present ones. Where one was put between them
    later, its store would never get that one.
    """
    known = migrations_of(revision)
    return known == _present()[: len(known)]


def unpack(revision: str, folder: Path) -> str:
    """The repository as it was then, in a folder; returns the newest revision of its schema."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", revision],  # noqa: S607 - as above
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return max(one.name[:5] for one in (folder / MIGRATIONS).glob("a*.py"))


@dataclass(slots=True)
class Stage:
    """Two versions on one bus and store, behind one switch."""

    folder: Path
    settings: dict[str, str]
    simulator: str
    switch: Switch
    stack: ExitStack
    started: int = 0

    def start(self, code: Path | None, ingress: str) -> Service:
        """One more service, of another checkout where one is given. It gets no webhooks yet."""
        self.started += 1
        own = {"VESTLUS_HTTP_PORT": str(free_port()), "VESTLUS_INGRESS": ingress}
        folder = self.folder / f"service-{self.started}"
        return self.stack.enter_context(
            running_serve(folder, self.simulator, self.settings | own, code=code)
        )

    def direct(self, *services: Service) -> None:
        """Webhooks go to these, in turns."""
        self.switch.targets = tuple(
            ("127.0.0.1", int(one.address.rpartition(":")[2])) for one in services
        )


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Servers, simulator and switch, and no service yet. Leaving ends everything."""
    config = folder / "vestlus.toml"
    table = '[[accounts]]\nid = "{}"\naccess_token = "the-access-token"\n'
    config.write_text("".join(table.format(one) for one in ACCOUNTS), "utf-8")
    with ExitStack() as stack:
        rabbitmq = stack.enter_context(running(provide_rabbitmq(say)))
        postgres = stack.enter_context(running(provide_postgres(say)))
        switch = stack.enter_context(Switch())
        simulator, given = stack.enter_context(
            running_simulator(folder, switch.port, accounts=ACCOUNTS, seed=HABITS.seed)
        )
        settings = {
            **given,
            **QUICK,
            "VESTLUS_CONFIG": str(config),
            "VESTLUS_BUS_URL": rabbitmq.fresh_space().url,
            "VESTLUS_DATABASE_URL": postgres.fresh_database(),
            "VESTLUS_CONVERSATION_ACTORS": "2",
            "VESTLUS_PUBLISHER_ACTORS": "2",
        }
        yield Stage(folder, settings, simulator, switch, stack)


async def rehearse(made: Stage, old_code: Path | None, rehearsal: Rehearsal) -> None:
    """All steps under traffic; fills in what happened."""
    old = await asyncio.to_thread(made.start, old_code, INGRESS)
    made.direct(old)
    timeout = aiohttp.ClientTimeout(total=600)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        traffic = Traffic(made.simulator, session, HABITS, accounts=ACCOUNTS)
        await traffic.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        running_traffic = asyncio.create_task(traffic.run(), name="traffic")

        async def more() -> None:
            wanted = traffic.answers + ANSWERS
            async with asyncio.timeout(PATIENCE_SECONDS):
                while traffic.answers < wanted:
                    if running_traffic.done():
                        running_traffic.result()
                    await asyncio.sleep(0.05)

        async def step(name: str, deed: Callable[[], object] | None) -> Any:  # noqa: ANN401 - what the deed gives
            began = time.monotonic()
            result = await asyncio.to_thread(deed) if deed is not None else None
            took = time.monotonic() - began
            await more()
            waited = max((w for at, w in traffic.waits if at + w >= began), default=0.0)
            rehearsal.steps.append((name, took, waited))
            say(f"{name}: {took:.1f} s; longest wait of an answer {waited:.1f} s")
            return result

        try:
            await step("the old version alone", None)
            new = await step(
                "the new version starts beside it and migrates the store",
                lambda: made.start(None, "default"),
            )
            await step("webhooks go to both", lambda: made.direct(old, new))
            await step(
                "a ConversationActor of the old version is killed, on the new schema",
                lambda: old.kill("ray::ConversationActor"),
            )
            await step("webhooks go to the new one", lambda: made.direct(new))
            await step("the old version is drained and ends", lambda: stop(old))
            await step("the new version alone", None)
            traffic.stopped.set()
            async with asyncio.timeout(SETTLE_SECONDS):
                await running_traffic
        except TimeoutError:
            say(f"{traffic.unanswered} users still wait for an answer")
        finally:
            running_traffic.cancel()
            await asyncio.wait({running_traffic})
        rehearsal.written = traffic.written
        rehearsal.verdict = await traffic.call("check?after=0&user_prefix=u&wait=30")


def stop(service: Service) -> None:
    """SIGTERM, as Kubernetes ends a pod; it ends by itself."""
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(STOP_SECONDS * 3)


def as_markdown(rehearsal: Rehearsal) -> str:
    """The report."""
    names = ("lost", "duplicated", "out_of_order", "misdirected", "order_unproven")
    verdict = rehearsal.verdict
    found = ", ".join(f"{name.replace('_', ' ')} {len(verdict[name])}" for name in names)
    return "\n".join(
        [
            "# An upgrade, rehearsed",
            "",
            (
                "Two Ray clusters on one RabbitMQ and one PostgreSQL, as a RayService upgrades: "
                f"first {rehearsal.old}, then {rehearsal.new} beside it. Thirty users write all "
                "the time, the model takes 0.5 to 2 s, and the simulator's checker judges."
            ),
            "",
            (
                f"**{rehearsal.written} messages, {verdict['answered']} answered, not accepted "
                f"{verdict['not_accepted']}; {found}.**"
            ),
            "",
            "| step | took, s | longest wait of an answer during it and after, s |",
            "|---|---|---|",
            *(f"| {name} | {took:.1f} | {waited:.1f} |" for name, took, waited in rehearsal.steps),
            "",
        ]
    )


def main() -> int:
    """Reads the command line, rehearses, reports."""
    parser = argparse.ArgumentParser(prog="make rehearse-upgrade", description=__doc__)
    parser.add_argument("--old", help="a tag or revision; the default is the release before")
    parser.add_argument("--same", action="store_true", help="the same version twice")
    parser.add_argument("--report", type=Path, help="where the report goes")
    chosen = parser.parse_args()
    # So that whoever ends this early leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="vu-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        code, told = None, "this version"
        if not chosen.same:
            revision = chosen.old or previous()
            if not precedes(revision):
                parser.error(f"{revision} lacks a migration that lies before its newest one")
            code = folder / "old"
            told = f"version {revision} (schema {unpack(revision, code)})"
        rehearsal = Rehearsal(told, f"this version (schema {newest_revision()})")
        say(f"from {rehearsal.old} to {rehearsal.new}")
        with stage(folder) as made:
            asyncio.run(rehearse(made, code, rehearsal))
    text = as_markdown(rehearsal)
    say(text)
    if chosen.report:
        chosen.report.write_text(text, "utf-8")
    say("kept" if rehearsal.kept() else "BROKEN")
    return 0 if rehearsal.kept() else 1


if __name__ == "__main__":
    sys.exit(main())
