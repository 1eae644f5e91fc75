"""``make autoscaling``: Ray's autoscaler brings nodes for actors that find no room, and takes them.

Ends with status 1 when anything was lost, doubled or out of order, or somebody was not answered.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from tests.e2e.resizing import ACCOUNTS, MODEL_SECONDS, say
from tests.e2e.switch import Switch
from tests.e2e.traffic import Habits, Traffic
from tests.nodes.autoscaling_course import SMALL, Course, Steps
from tests.nodes.autoscaling_nodes import AutoscalingNodes, Room
from tests.nodes.autoscaling_report import as_markdown
from tests.nodes.lan import OneAddress
from tests.nodes.watching import Watching
from tests.nodes.world import World, servers, settings_for
from tests.services.kept import free_port
from vestlus.bus.port import Topology
from vestlus.store.open import open_store

HABITS = Habits(seed=13, users=30, pause_seconds=(0.2, 2.0))
SETTLE_SECONDS = 240.0
#: Beside what is on the head at first it has room for one actor, and asks for nodes for the others.
ROOM = Room(head_cpus=4, node_cpus=2, most_nodes=3, idle_seconds=20.0)


@contextmanager
def autoscaled(folder: Path, nodes: AutoscalingNodes) -> Iterator[World]:
    """Servers, and what runs on a cluster of no node yet."""
    lan, port = OneAddress(), free_port()
    with Switch() as balancer, servers(folder, lan, balancer.port, say) as given, nodes:
        simulator = given.pop("simulator")
        settings = {
            **given,
            **settings_for(lan, folder, port),
            # As where Ray can add nodes; and each pool as small as it may be.
            "VESTLUS_ACTOR_CPUS": "1",
            "VESTLUS_CONVERSATION_ACTORS": str(SMALL["conversation"]),
            "VESTLUS_PUBLISHER_ACTORS": str(SMALL["publisher"]),
            # Nodes of one address have one port: webhooks come in at the head.
            "VESTLUS_WEBHOOK_REPLICAS": "1",
        }
        made = World(folder, lan, nodes, balancer, simulator, settings, say)
        try:
            yield made
        finally:
            while made.serves:
                made.abandon_serve()


async def run(made: World, nodes: AutoscalingNodes, watching: Watching) -> Course:
    """Users write while the pools grow and shrink; the checker judges."""
    course, topology = Course(), Topology()
    timeout = aiohttp.ClientTimeout(total=600)
    connector = aiohttp.TCPConnector(limit=0)
    store = open_store(
        made.settings["VESTLUS_DATABASE_URL"],
        partitions=topology.inbox,
        outbox_partitions=topology.outbox,
    )
    async with store, aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        traffic = Traffic(made.simulator, session, HABITS, accounts=ACCOUNTS)
        await traffic.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        steps = Steps(made, nodes, watching, traffic, store)
        await steps.begin()
        running = asyncio.create_task(traffic.run(), name="traffic")
        try:
            await steps.grow()
            await steps.lose_a_node()
            await steps.shrink()
            traffic.stopped.set()
            await asyncio.wait({running}, timeout=SETTLE_SECONDS)
            if running.done():
                running.result()
            else:
                say(f"{traffic.unanswered} users still wait for an answer")
        finally:
            running.cancel()
            await asyncio.wait({running})
        course.steps = steps.steps
        course.written = traffic.written
        course.verdict = await traffic.call("check?after=0&user_prefix=u&wait=30")
    return course


def course_in(folder: Path) -> Course:
    """One cluster from its start to its end."""
    began = time.monotonic()
    nodes = AutoscalingNodes(folder / "r", ROOM)
    with autoscaled(folder, nodes) as made:
        nodes.start_head()
        say(f"the head is there after {time.monotonic() - began:.0f} s")
        made.serve()
        made.direct()
        say(f"the service is ready after {time.monotonic() - began:.0f} s")
        with Watching(nodes, folder / "observing.log") as watching:
            course = asyncio.run(run(made, nodes, watching))
        status = made.stop_serve()
        course.left = sum(nodes.spread("ConversationActor").values())
        say(f"Ctrl-C ended serve with status {status}; ConversationActors left: {course.left}")
    return course


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = argparse.ArgumentParser(prog="make autoscaling", description=__doc__)
    parser.add_argument("--report", type=Path, help="where the report goes")
    parser.add_argument("--keep", type=Path, help="an empty folder that stays, for the logs")
    chosen = parser.parse_args()
    # So that whoever ends this early leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="va-", ignore_cleanup_errors=True) as name:
        folder = chosen.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        course = course_in(folder.resolve())
    text = as_markdown(course, ROOM)
    say(text)
    if chosen.report:
        chosen.report.write_text(text, "utf-8")
    kept = course.kept()
    say("kept" if kept else "BROKEN")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
