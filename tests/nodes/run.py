"""``make nodes``: the service on several Ray nodes, which are killed, cut off, drained and added.

Ends with status 1 when anything was lost, doubled or out of order, or somebody was not answered.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.e2e.resizing import say
from tests.e2e.traffic import Habits
from tests.nodes.command import conclude, parser_of, working_folder
from tests.nodes.lan import Lan, Namespaces, lan
from tests.nodes.ordeals import Course, Ordeals
from tests.nodes.report import as_markdown
from tests.nodes.under_traffic import under_traffic
from tests.nodes.world import World, world

HABITS = Habits(seed=11, users=40, pause_seconds=(0.1, 1.5))


async def everything(made: World, ordeals: Ordeals) -> None:
    """All that can befall nodes."""
    await ordeals.at_rest()
    await ordeals.worker_killed("one")
    await ordeals.node_added("three")
    await ordeals.node_drained("two")
    await asyncio.to_thread(made.nodes.add, "four")
    made.direct()
    if isinstance(made.lan, Namespaces):
        await ordeals.worker_killed("three", unplugged=True)
        await ordeals.head_restarted()


async def the_worst(made: World, ordeals: Ordeals) -> None:
    """A node and the head."""
    await ordeals.worker_killed("one")
    # ``ray start --head`` refuses where it sees nodes of the same head among the processes.
    if isinstance(made.lan, Namespaces):
        await ordeals.head_restarted(away_seconds=3.0)


async def the_head(made: World, ordeals: Ordeals) -> None:
    """What the registry is on is lost, the next one leaves, then the head is lost."""
    if isinstance(made.lan, Namespaces):
        await ordeals.worker_killed(await ordeals.registry_node(), unplugged=True)
        await asyncio.to_thread(made.nodes.add, "three")
        made.direct()
    await ordeals.node_drained(await ordeals.registry_node())
    if isinstance(made.lan, Namespaces):
        await ordeals.head_restarted()


Script = Callable[[World, Ordeals], Awaitable[None]]


async def run(made: World, script: Script, head: str) -> Course:
    """Lets it befall the world, and has the checker judge."""
    course = Course(platform=made.lan.told, ingress=made.settings["VESTLUS_INGRESS"], head=head)
    async with under_traffic(made.simulator, HABITS, course) as users:
        ordeals = Ordeals(made, users.traffic, users.running)
        await script(made, ordeals)
        course.events = ordeals.events
    return course


def course_of(folder: Path, network: Lan, script: Script, *, head_cpus: int) -> Course:
    """One cluster from its start to its end."""
    began = time.monotonic()
    with network, world(folder, network, say, head_cpus=head_cpus) as made:
        made.nodes.start_head()
        made.nodes.add("one", "two")
        say(f"three nodes after {time.monotonic() - began:.0f} s; {network.told}")
        made.serve()
        made.direct()
        say(f"the service is ready after {time.monotonic() - began:.0f} s")
        head = "the head has actors" if head_cpus else "the head has no actors"
        course = asyncio.run(run(made, script, head))
        status = made.stop_serve()
        course.left = sum(made.nodes.spread("ConversationActor").values())
        say(f"Ctrl-C ended serve with status {status}; ConversationActors left: {course.left}")
    return course


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = parser_of("make nodes", __doc__)
    parser.add_argument("--short", action="store_true", help="a node killed, the head restarted")
    parser.add_argument(
        "--one-address", action="store_true", help="no namespaces, although they were possible"
    )
    chosen = parser.parse_args()
    runs: list[tuple[Script, int]] = [(everything, 2), (the_head, 0)]
    courses: list[Course] = []
    for number, (script, head_cpus) in enumerate([(the_worst, 0)] if chosen.short else runs):
        keep = chosen.keep / str(number) if chosen.keep else None
        with working_folder(keep) as folder:
            network = lan(namespaces=False if chosen.one_address else None)
            courses.append(course_of(folder, network, script, head_cpus=head_cpus))
    kept = all(course.kept() for course in courses)
    return conclude(as_markdown(courses), chosen.report, kept=kept)


if __name__ == "__main__":
    sys.exit(main())
