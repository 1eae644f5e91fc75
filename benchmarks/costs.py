"""What a message costs in each part of the service, and on what: a load test with py-spy beside it.

::

    python -m benchmarks.costs [--pair servers|embedded] [--rate 60] [--seconds 30] \
        [--stacks DIR] [-- OPTIONS]

py-spy must be installed (``requirements/dev.txt`` has it). While ``vestlus loadtest`` runs at that
rate, the processes of the ConversationActor, the PublisherActor and the webhook's replica are
looked at a hundred times a second, each for ``--seconds``, wherever one holds the interpreter (what
waits otherwise cannot be told from what works). A sample counts for the room of the innermost frame
of our own, and for the library that it calls; what has none is its library's alone. What belongs
together, the store and SQLAlchemy for example, is summed up first. A part's microseconds of CPU a
message are shared out by samples. ``--stacks`` keeps them, collapsed and
compressed, as flame graphs want them. Looking costs the service some per cent: it is for shares,
and the load test's own table for sums.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.provenance import commit
from benchmarks.soak import load_test_process, servers
from vestlus.cli.local_ray import descendants
from vestlus.loadtest.parts import Process, living_processes

#: What Ray calls the processes that are looked at.
PARTS: Final = {
    "ConversationActor": "ray::ConversationActor",
    "PublisherActor": "ray::PublisherActor",
    "webhook": "ray::ServeReplica",
}
#: Whose use of a processor tells that messages are under way.
SENDS: Final = "PublisherActor"
OURS: Final = (
    "vestlus",
    "actors",
    "publishers",
    "image_bank",
    "serve_app",
    "conversation_registry",
)
#: What all of an actor runs in: where it calls nothing of ours, it is the event loop.
_SHELL: Final = ("actors", "shell")
#: Python's own, which say nothing of who asked for them.
_LOOPS: Final = ("asyncio", "threading", "concurrent", "uvloop", "contextlib", "selectors")
_FILE: Final = re.compile(r"\((?P<file>[^()]*?)(?::\d+)?\)$")
SAMPLES_A_SECOND: Final = 100
#: Beside the interpreter, whether or not its folder is on the path.
SPY: Final = Path(sys.executable).with_name("py-spy")
#: Of a processor, from which on messages are under way, and how long it is looked at.
_BUSY: Final = 0.1
_LOOK_SECONDS: Final = 2.0
_MOST_SHOWN: Final = 12
_DEAREST: Final = 3
#: What belongs together, by what its rooms and libraries begin with.
_KINDS: Final = {
    "the store": ("vestlus/store", "sqlalchemy", "asyncpg", "sqlite3"),
    "the bus": ("vestlus/bus", "vestlus/messages", "aiormq", "aio_pika", "pamqp"),
    "the model": ("vestlus/assistant", "openai", "httpx2", "httpcore2", "pydantic"),
    "Instagram": ("vestlus/instagram", "yarl", "multidict"),
    "conversations": ("vestlus/conversation", "vestlus/hosting"),
    "sending": ("publishers",),
    "measures": ("vestlus/measuring", "vestlus/tracing", "prometheus_client", "opentelemetry"),
    "uvicorn": ("uvicorn", "httptools", "h11"),
    "Ray Serve": ("ray", "starlette", "fastapi"),
}
#: Whose calls these are depends on who makes them.
_CALLS: Final = "aiohttp"
#: Who answers requests: what is handed to it is its own work, whoever hands it.
_SERVERS: Final = ("ray", "uvicorn")


@dataclass(frozen=True, slots=True)
class Part:
    """What was seen of one process."""

    name: str
    cpu_seconds: float
    seconds: float
    stacks: Mapping[str, int]

    def costs(self, rate: float) -> list[tuple[str, float]]:
        """Microseconds of CPU a message at that rate, by what they went into, dearest first."""
        each = 1e6 * self.cpu_seconds / self.seconds / rate
        found: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            found[cost_of(stack)] += count
        total = max(1, found.total())
        return [(name, each * count / total) for name, count in found.most_common()]


def cost_of(stack: str) -> str:
    """What a collapsed stack, outermost frame first, counts for: "room: library", or either."""
    packages = [_package(frame) for frame in stack.split(";")]
    ours = max((at for at, one in enumerate(packages) if one[0] in OURS), default=-1)
    inner = [one[0] for one in packages[ours + 1 :] if one[0] not in ("", *_LOOPS)]
    called = inner[0] if inner else ""
    if called in _SERVERS:
        # They call each other to and fro: the one that works is the innermost.
        called = next(one for one in reversed(inner) if one in _SERVERS)
    if ours < 0 or packages[ours] == _SHELL:
        return called or "Python's event loop"
    room = "/".join(packages[ours])
    return f"{room}: {called}" if called else room


def kind_of(part: str, cost: str) -> str:
    """What a cost of a part belongs to: the store, the bus and so on, or itself."""
    room, _, library = cost.partition(": ")
    if library in _SERVERS:
        room = library
    if room == _CALLS:
        return "the model" if part == "ConversationActor" else "Instagram"
    for kind, beginnings in _KINDS.items():
        if any(room == one or room.startswith(f"{one}/") for one in beginnings):
            return kind
    return cost


def summary(parts: Sequence[Part], rate: float) -> str:
    """Of each part, which kinds of cost are the largest, as Markdown."""
    lines = ["| part | µs a message | first | second | third |", "|---|---:|---|---|---|"]
    for part in parts:
        kinds: defaultdict[str, float] = defaultdict(float)
        costs = part.costs(rate)
        for name, each in costs:
            kinds[kind_of(part.name, name)] += each
        total = sum(each for _, each in costs)
        largest = heapq.nlargest(_DEAREST, kinds.items(), key=lambda kind: kind[1])
        dearest = (f"{kind}, {each:,.0f}" for kind, each in largest)
        lines.append(f"| {part.name} | {total:,.0f} | {' | '.join(dearest)} |")
    return "\n".join(lines)


def _package(frame: str) -> tuple[str, ...]:
    """The first two names of the path of a frame's file."""
    found = _FILE.search(frame)
    names = found["file"].removesuffix(".py").split("/") if found else [""]
    if "site-packages" in names:
        names = names[names.index("site-packages") + 1 :]
    return tuple(names[:2] if names[0] in OURS else names[:1])


def read_stacks(text: str) -> dict[str, int]:
    """py-spy's raw format: a stack and how often it was seen, a line each."""
    pairs = (line.rpartition(" ") for line in text.splitlines() if line.strip())
    return {stack: int(count) for stack, _, count in pairs}


def table(parts: Sequence[Part], rate: float) -> str:
    """Of each part, what costs most, as Markdown."""
    lines = ["| part | cost | µs a message | share |", "|---|---|---:|---:|"]
    for part in parts:
        costs = part.costs(rate)
        total = sum(each for _, each in costs)
        lines.append(f"| **{part.name}** | all | **{total:,.0f}** | |")
        lines += [
            f"| | `{name}` | {each:,.0f} | {each / total:.0%} |"
            for name, each in costs[:_MOST_SHOWN]
        ]
    return "\n".join(lines)


def _processes(root: int) -> dict[str, Process]:
    """The parts below a process, as far as they are there. Raises SystemExit for several of one."""
    ours = descendants(root)
    found: dict[str, Process] = {}
    for one in living_processes():
        for name, start in PARTS.items():
            if one.pid in ours and one.command.startswith(start):
                if name in found:
                    raise SystemExit(f"there are several of {name}: ask for pools of one")
                found[name] = one
    return found


def _under_way(load_test: subprocess.Popen[bytes]) -> dict[str, Process]:
    """The parts, when messages are. Raises SystemExit when the load test has ended."""
    before: dict[str, Process] = {}
    busy = 0
    while load_test.poll() is None:
        found = _processes(load_test.pid)
        if len(found) == len(before) == len(PARTS):
            used = found[SENDS].cpu - before[SENDS].cpu
            busy = busy + 1 if used > _BUSY * _LOOK_SECONDS else 0
            # What it loads when it starts takes less than two looks.
            if busy > 1:
                return found
        before = found
        time.sleep(_LOOK_SECONDS)
    raise SystemExit("the load test ended before anything could be looked at")


def look(load_test: subprocess.Popen[bytes], seconds: float, folder: Path) -> list[Part]:
    """Looks at all parts at the same time."""
    first = _under_way(load_test)
    began = time.monotonic()
    spies = {
        name: subprocess.Popen(  # noqa: S603 - our own arguments
            [
                *(str(SPY), "record", "--gil", "--format", "raw", "--rate", str(SAMPLES_A_SECOND)),
                *("--duration", str(round(seconds)), "--pid", str(one.pid)),
                *("--output", str(folder / name)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for name, one in first.items()
    }
    for name, spy in spies.items():
        _, said = spy.communicate()
        if spy.returncode:
            raise SystemExit(f"py-spy could not look at {name}: {said.decode(errors='replace')}")
    last, passed = _processes(load_test.pid), time.monotonic() - began
    return [
        Part(
            name,
            last[name].cpu - one.cpu,
            passed,
            read_stacks((folder / name).read_text("utf-8")),
        )
        for name, one in first.items()
    ]


@contextmanager
def _pair(name: str) -> Iterator[dict[str, str]]:
    """The settings of a pair of bus and store, which are there meanwhile."""
    if name == "embedded":
        yield {}
        return
    with servers() as (environment, _):
        yield environment


def main() -> int:
    """Runs it; the exit status is the load test's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--pair", choices=("servers", "embedded"), default="servers")
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--stacks", type=Path)
    parser.add_argument("others", nargs="*")
    asked = parser.parse_args()
    with _pair(asked.pair) as environment, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = folder / "result.json"
        options = [f"--rate={asked.rate}", f"--duration={asked.seconds + 20:.0f}s", *asked.others]
        with load_test_process([*options, f"--json={result}"], environment) as process:
            parts = look(process, asked.seconds, folder)
            status = process.wait()
        found = json.loads(result.read_text("utf-8"))
    rate = float(found["throughput"]["answered_per_second"])
    answered = int(found["throughput"]["answered"])
    posts = sum(
        sum(found["errors"][name].values()) for name in ("webhook_statuses", "echo_statuses")
    )
    print(f"\n{rate:.1f} answered a second ({asked.pair}); commit {commit()}")
    print(f"{posts / answered:.2f} POSTs a message. By the load test, µs a message:", end=" ")
    print(
        ", ".join(
            f"{one['name']} {1e6 * one['cpu_seconds'] / answered:,.0f}" for one in found["parts"]
        )
    )
    print(f"\n{summary(parts, rate)}\n\n{table(parts, rate)}")
    if asked.stacks:
        asked.stacks.mkdir(parents=True, exist_ok=True)
        for part in parts:
            text = "".join(f"{stack} {count}\n" for stack, count in part.stacks.items())
            (asked.stacks / f"{part.name}.txt.gz").write_bytes(
                gzip.compress(text.encode(), mtime=0)
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
