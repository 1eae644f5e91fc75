"""``make autoscaling``: Ray's autoscaler brings nodes for actors that find no room, and takes them.

Ends with status 1 when anything was lost, doubled or out of order, or somebody was not answered.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.resizing import say
from tests.e2e.switch import Switch
from tests.e2e.traffic import Habits
from tests.nodes.autoscaling_course import SMALL, Course, Steps
from tests.nodes.autoscaling_nodes import AutoscalingNodes, Room
from tests.nodes.autoscaling_report import as_markdown
from tests.nodes.command import conclude, parser_of, working_folder
from tests.nodes.lan import OneAddress
from tests.nodes.under_traffic import under_traffic
from tests.nodes.watching import Watching
from tests.nodes.world import World, servers, settings_for
from tests.services.kept import free_port
from vestlus.bus.port import Topology
from vestlus.store.open import open_store

HABITS = Habits(seed=13, users=30, pause_seconds=(0.2, 2.0))
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
    store = open_store(
        made.settings["VESTLUS_DATABASE_URL"],
        partitions=topology.inbox,
        outbox_partitions=topology.outbox,
    )
    async with store, under_traffic(made.simulator, HABITS, course) as users:
        steps = Steps(made, nodes, watching, users.traffic, store)
        await steps.begin()
        await steps.grow()
        await steps.lose_a_node()
        await steps.shrink()
        course.steps = steps.steps
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
    chosen = parser_of("make autoscaling", __doc__).parse_args()
    with working_folder(chosen.keep) as folder:
        course = course_in(folder)
    return conclude(as_markdown(course, ROOM), chosen.report, kept=course.kept())


if __name__ == "__main__":
    sys.exit(main())
