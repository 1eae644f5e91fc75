"""``make rehearse-upgrade``: another version of the service takes over under traffic.

As a RayService does it: a second Ray cluster starts beside the first, on the same RabbitMQ and
PostgreSQL, migrates the store, and takes webhooks in beside the first as soon as its pods are
ready; then all pods of the first are ended at once. Twice: from an earlier version to this one,
and from this one to itself, because how a cluster ends is its own version's doing. The earlier
version is that of a revision of this repository, by default the newest tag or, where there is
none, the newest one with fewer migrations. Ends with status 1 when anything was lost, doubled or
out of order, or somebody was not answered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.conftest import QUICK
from tests.e2e.resizing import ACCOUNTS, say
from tests.e2e.switch import Switch
from tests.e2e.traffic import Habits, Traffic
from tests.nodes.command import conclude, parser_of, working_folder
from tests.nodes.lan import Lan, lan
from tests.nodes.ray_service import RayPods
from tests.nodes.under_traffic import under_traffic
from tests.nodes.upgrade_report import Rehearsal, Step, as_markdown
from tests.nodes.versions import precedes, previous, unpack
from tests.nodes.world import servers
from vestlus.store.migrate import newest_revision

HABITS = Habits(seed=7, users=30)
#: Answers between two steps.
ANSWERS = 90
#: Who never wrote before asks as a step begins and when it is done: more than there are partitions.
NEWCOMERS = 24
PATIENCE_SECONDS = 300.0
ACTOR = "ray::ConversationActor"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the service."""

    told: str
    #: Its checkout; this one where there is none.
    code: Path | None = None


@dataclass(slots=True)
class Stage:
    """Clusters on one bus and store, behind one balancer."""

    folder: Path
    lan: Lan
    settings: dict[str, str]
    simulator: str
    balancer: Switch
    stack: ExitStack
    started: int = 0

    def start(self, version: Version) -> RayPods:
        """One more cluster. It gets no webhooks yet."""
        self.started += 1
        name = f"cluster {self.started}"
        pods = RayPods(
            self.folder / f"c{self.started}", self.lan, name, self.settings, version.code
        )
        self.stack.enter_context(pods).start()
        return pods

    def direct(self, *clusters: RayPods) -> None:
        """Webhooks go to the pods of these that are ready, in turns."""
        self.balancer.targets = tuple(target for one in clusters for target in one.ready())

    def end(self, old: RayPods, new: RayPods) -> str:
        """The pods of one are deleted: they are told to end, and get no webhooks any more."""
        self.balancer.targets = tuple(new.ready())
        late = old.end()
        return f"after {old.grace:.0f} s SIGKILL ended {', '.join(late)}" if late else ""


@contextmanager
def stage(folder: Path, network: Lan) -> Iterator[Stage]:
    """Servers, simulator and balancer, and no cluster yet. Leaving ends everything."""
    config = folder / "vestlus.toml"
    table = '[[accounts]]\nid = "{}"\naccess_token = "the-access-token"\n'
    config.write_text("".join(table.format(one) for one in ACCOUNTS), "utf-8")
    with network, Switch() as balancer, ExitStack() as stack:
        given = stack.enter_context(servers(folder, network, balancer.port, say))
        simulator = given.pop("simulator")
        settings = {
            **given,
            **QUICK,
            "VESTLUS_CONFIG": str(config),
            "VESTLUS_DATA_DIR": str(folder / "data"),
            "VESTLUS_CONVERSATION_ACTORS": "2",
            "VESTLUS_PUBLISHER_ACTORS": "2",
            "VESTLUS_WEBHOOK_REPLICAS": "2",
        }
        yield Stage(folder, network, settings, simulator, balancer, stack)


@dataclass(slots=True)
class Rehearsing:
    """Steps under traffic."""

    made: Stage
    traffic: Traffic
    running: asyncio.Task[None]
    steps: list[Step] = field(default_factory=list)

    async def _ask(self) -> float:
        """Newcomers ask; how long until all have their answer."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(self.traffic.ask_as_newcomer() for _ in range(NEWCOMERS)))
        return time.monotonic() - began

    async def _more(self) -> None:
        wanted = self.traffic.answers + ANSWERS
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.traffic.answers < wanted:
                if self.running.done():
                    self.running.result()
                await asyncio.sleep(0.05)

    async def step(self, name: str, deed: Callable[[], Any] | None = None) -> Any:  # noqa: ANN401 - what the deed gives
        """One thing is done, while newcomers ask; afterwards others do, and all are answered."""
        began = time.monotonic()
        asking = asyncio.create_task(self._ask(), name="newcomers")
        try:
            result = await asyncio.to_thread(deed) if deed is not None else None
            took = time.monotonic() - began
            waits = [await asking]
        finally:
            asking.cancel()
            await asyncio.wait({asking})
        waits.append(await self._ask())
        await self._more()
        waits += [waited for at, waited in self.traffic.waits if at + waited >= began]
        told = result if isinstance(result, str) else ""
        self.steps.append(Step(name, took, max(waits), os.getloadavg()[0], told))
        say(f"{name}: {took:.1f} s; longest wait {max(waits):.1f} s; {told}")
        return result

    async def upgrade(self, old: RayPods, version: Version) -> RayPods:
        """From a running cluster to one of a version; returns that."""
        made = self.made
        new = await self.step(
            f"{version.told} starts beside it, migrates the store, and is ready",
            lambda: made.start(version),
        )
        assert isinstance(new, RayPods)
        await self.step("webhooks go to both", lambda: made.direct(old, new))
        await self.step(
            "a ConversationActor of the old one is killed, on the new schema", lambda: _kill(old)
        )
        await self.step("all pods of the old one are ended at once", lambda: made.end(old, new))
        await self.step("the new one alone")
        return new


def _kill(pods: RayPods) -> None:
    found = [one for node in pods.nodes.values() for one in node.processes(ACTOR)]
    os.kill(found[0].pid, signal.SIGKILL)


async def rehearse(made: Stage, versions: Sequence[Version], rehearsal: Rehearsal) -> None:
    """All upgrades, one after the other; fills in what happened."""
    cluster = await asyncio.to_thread(made.start, versions[0])
    made.direct(cluster)
    async with under_traffic(made.simulator, HABITS, rehearsal) as users:
        for number, version in enumerate(versions[1:]):
            steps = Rehearsing(made, users.traffic, users.running)
            rehearsal.upgrades.append((versions[number].told, version.told, steps.steps))
            if not number:
                await steps.step(f"{versions[0].told} alone")
            cluster = await steps.upgrade(cluster, version)


def main() -> int:
    """Reads the command line, rehearses, reports."""
    parser = parser_of("make rehearse-upgrade", __doc__)
    parser.add_argument("--old", help="a tag or revision; the default is the release before")
    parser.add_argument("--same", action="store_true", help="only this version to itself")
    chosen = parser.parse_args()
    with working_folder(chosen.keep) as folder:
        versions = [
            Version(f"this version (schema {newest_revision()})"),
            Version("the same again"),
        ]
        if not chosen.same:
            revision = chosen.old or previous()
            if not precedes(revision):
                parser.error(f"{revision} lacks a migration that lies before its newest one")
            code = folder / "old"
            schema = unpack(revision, code)
            versions.insert(0, Version(f"version {revision} (schema {schema})", code))
        network = lan()
        rehearsal = Rehearsal(network.told, os.getloadavg()[0])
        say(", then ".join(one.told for one in versions))
        with stage(folder, network) as made:
            asyncio.run(rehearse(made, versions, rehearsal))
    kept = rehearsal.promises_kept()
    return conclude(as_markdown(rehearsal), chosen.report, kept=kept)


if __name__ == "__main__":
    sys.exit(main())
