"""One run of one contestant, for intake and for whole answers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.comparison.contestants import OURS, Contestant, ours
from benchmarks.comparison.ground import Ground, Place, kept, place
from vestlus.bus.port import Queue, Topology
from vestlus.bus.rabbitmq_topology import Layout
from vestlus.loadtest.children import Child, helper, wait_until_ready
from vestlus.loadtest.options import LoadTestError
from vestlus.loadtest.parts import Parts, living_processes
from vestlus.loadtest.recording import Recording, milliseconds
from vestlus.loadtest.result import mean
from vestlus.loadtest.verdict import BREACHES
from vestlus.settings import load_settings

#: The queue of the intake that FastAPI makes.
QUEUE = "inbox"
START_SECONDS = 180.0
SILENCE_SECONDS = 180.0
#: Processes of the measurement: neither the contestant's nor the servers'.
MEASURING = frozenset({"generator", "pretend Graph", "pretend model"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds: before it is measured, while it is, and for what is under way at the end."""

    settle: float
    seconds: float
    drain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is measured. Either ``in_flight`` messages all the time, or ``rate`` a second."""

    name: str
    model_seconds: float
    in_flight: int = 0
    rate: float = 0.0
    users: int = 2_000


@contextmanager
def visited(on: Ground) -> Iterator[tuple[Place, ExitStack]]:
    """A place of one's own, and what is ended before it is given up."""
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="comparison-", ignore_cleanup_errors=True)
            )
        )
        yield stack.enter_context(place(on, folder)), stack


def intake(
    on: Ground, contestant: Contestant, per_posts: tuple[int, ...], times: Times, connections: int
) -> dict[int, dict[str, Any]]:
    """Post as fast as it takes in, one or many events at a time; by events in a POST."""
    found = {}
    with visited(on) as (own, stack):
        children = contestant.start(stack, own)
        _wait_for_webhook(own, children)
        for number, per_post in enumerate(per_posts):
            run = f"{own.run}{number}"
            plan = {
                "run": run,
                "url": f"{own.address}/webhook",
                "app_secret": own.known.app_secret,
                "accounts": own.accounts,
                "per_post": per_post,
                "connections": connections if per_post == 1 else max(4, connections // 4),
                "settle": times.settle,
                "seconds": times.seconds,
            }
            with helper(
                "generator", ["benchmarks.comparison.hammer"], os.environ, own.folder
            ) as generator:
                parts = _parts(on, children, {"generator": generator.pid})
                generator.say(json.dumps(plan))
                _heard(generator, "ready", children)
                generator.say("go")
                _heard(generator, "settling", children)
                _heard(generator, "started", children)
                parts.look(time.monotonic())
                ended = _heard(
                    generator, "ended", children, Watch(parts, times.seconds, Recording(0))
                )
            events = asyncio.run(kept(own.amqp_url, _queues(own, contestant), run))
            found[per_post] = {
                "rate": ended["events_per_second"],
                "p50_ms": ended["p50_ms"],
                "p99_ms": ended["p99_ms"],
                "refused": ended["refused"],
                "accepted": ended["accepted"],
                "lost": ended["accepted"] - len(set(events)),
                "duplicated": len(events) - len(set(events)),
                **_costs(parts),
            }
    return found


def _queues(own: Place, contestant: Contestant) -> list[str]:
    if contestant.title != OURS:
        return [QUEUE]
    layout = Layout(Topology(inbox=load_settings(ours(own)).partitions))
    return [layout.queue(Queue.INBOX, number) for number in range(layout.topology.inbox)]


def pipeline(
    on: Ground, contestant: Contestant, rows: tuple[Row, ...], times: Times
) -> dict[str, dict[str, Any]]:
    """Whole answers, from the webhook to the pretend Graph; by the row's name."""
    found = {}
    with visited(on) as (own, stack):
        # What the contestant sends to is there before it and after it.
        simulators = _simulators(own, stack)
        children = contestant.start(stack, own)
        for child in children.values():
            wait_until_ready(child, own.address, lambda: None, START_SECONDS)
        burst = 0.0
        if contestant.title.startswith(OURS):
            burst = load_settings(ours(own)).burst_wait_seconds
        for number, row in enumerate(rows):
            module = (
                "benchmarks.comparison.saturating" if row.in_flight else "vestlus.simulator.load"
            )
            with helper("generator", [module], os.environ, own.folder) as generator:
                pids = {name: child.pid for name, child in simulators.items()}
                parts = _parts(on, children, pids | {"generator": generator.pid})
                generator.say(json.dumps(_plan(own, contestant, row, times, number)))
                _heard(generator, "ready", children)
                generator.say("go")
                _heard(generator, "started", children)
                recording = Recording(burst)
                parts.look(time.monotonic())
                ended = _heard(generator, "ended", children, Watch(parts, times.seconds, recording))
            found[row.name] = _answered(ended, recording) | _costs(parts)
    return found


def _simulators(own: Place, stack: ExitStack) -> dict[str, Child]:
    secrets: Mapping[str, str] = {
        "VESTLUS_SIMULATOR_APP_SECRET": own.known.app_secret,
        "VESTLUS_SIMULATOR_ACCESS_TOKEN": own.known.access_token,
    }
    accounts = [word for one in own.accounts for word in ("--account-id", one)]
    found = {}
    for half, port, more in (
        ("graph", own.graph_port, ["--webhook-url", f"{own.address}/webhook", *accounts]),
        ("model", own.model_port, []),
    ):
        arguments = [
            *("vestlus.simulator", "--host", "127.0.0.1", "--until-stdin-closes"),
            *("--only", half, "--port", str(port), "--seed", "0", "--run", own.run),
            *("--data", str(own.folder / f"{half}.sqlite"), *more),
        ]
        child = stack.enter_context(helper(half, arguments, {**os.environ, **secrets}, own.folder))
        if child.line(START_SECONDS) is None:
            raise LoadTestError(f"the pretend {half} did not start:\n{child.tail()}")
        found["pretend Graph" if half == "graph" else "pretend model"] = child
    return found


def _plan(
    own: Place, contestant: Contestant, row: Row, times: Times, number: int
) -> dict[str, Any]:
    most = contestant.most_users
    run = f"{own.run}{number}"
    return {
        "run": run,
        "webhook_url": f"{own.address}/webhook",
        "graph_url": own.graph_url,
        "model_url": own.model_url,
        "app_secret": own.known.app_secret,
        "accounts": list(own.accounts),
        "users": row.users if most is None else min(most, row.users),
        "rate": row.rate,
        "seconds": times.seconds,
        "spread": "uniform",
        "drain": times.drain,
        "patience": 60,
        "model_latency": row.model_seconds,
        "in_flight": row.in_flight if most is None else min(most, row.in_flight),
        "settle": times.settle,
    }


def _answered(ended: dict[str, Any], recording: Recording) -> dict[str, Any]:
    at_end = ended["at_end"]
    overhead = milliseconds(recording.histograms["overhead"])
    answer = milliseconds(recording.histograms["answer"])
    return {
        "rate": at_end["answered"] / at_end["seconds"],
        "due": at_end["due"] / at_end["seconds"],
        "in_model": at_end["in_model"],
        "in_flight": at_end["in_flight"],
        "after_waiting": ended["in_flight"],
        "overhead_p50_ms": overhead["p50"],
        "overhead_p99_ms": overhead["p99"],
        "answer_p50_ms": answer["p50"],
        "answer_p99_ms": answer["p99"],
        "late_p99_ms": recording.histograms["late"].percentile(99) / 1000,
        **{name: int(ended["verdict"].get(name, 0)) for name in BREACHES},
    }


def _parts(on: Ground, children: Mapping[str, Child], measuring: Mapping[str, int]) -> Parts:
    own = {name: child.pid for name, child in children.items()}
    return Parts({**measuring, **on.roots, **own}, service=None, read=living_processes)


def _costs(parts: Parts) -> dict[str, Any]:
    """Cores and memory of the contestant, of the servers, and of what measures."""
    found: dict[str, dict[str, float]] = {}
    for name, cost in parts.costs.items():
        group = name if name in MEASURING | {"RabbitMQ", "PostgreSQL"} else "contestant"
        sums = found.setdefault(group, {"cores": 0.0, "megabytes": 0.0})
        sums["cores"] += mean(cost.cores)
        sums["megabytes"] += cost.memory_most / 1e6
    return {"costs": found}


@dataclass(frozen=True, slots=True)
class Watch:
    """What is written down while the generator measures, for so many seconds."""

    parts: Parts
    seconds: float
    recording: Recording


def _heard(
    generator: Child, kind: str, children: Mapping[str, Child], watch: Watch | None = None
) -> dict[str, Any]:
    """Wait for a line of this kind."""
    began = heard = looked = time.monotonic()
    while True:
        line = generator.line(0.25)
        now = time.monotonic()
        if watch is not None and now - looked >= 1 and now - began <= watch.seconds:
            watch.parts.look(now)
            looked = now
        for name, child in children.items():
            if child.process.poll() is not None:
                raise LoadTestError(f"{name} has ended by itself:\n{child.tail()}")
        if line is None:
            if now - heard > SILENCE_SECONDS:
                raise LoadTestError(f"the generator says nothing:\n{generator.tail()}")
            continue
        heard = now
        if line["kind"] == kind:
            return line
        if line["kind"] == "second" and watch is not None:
            watch.recording.add(line)
        else:
            raise LoadTestError(str(line.get("problem", line)))


def _wait_for_webhook(own: Place, children: Mapping[str, Child]) -> None:
    """Until a signed webhook without events is answered 200."""
    body = b'{"object":"instagram","entry":[]}'
    signature = hmac.new(own.known.app_secret.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{own.address}/webhook",
        data=body,
        headers={
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        },
    )
    deadline = time.monotonic() + START_SECONDS
    problem = "no answer"
    while time.monotonic() < deadline:
        for name, child in children.items():
            if child.process.poll() is not None:
                raise LoadTestError(f"{name} did not start:\n{child.tail()}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                if answer.status == 200:  # noqa: PLR2004 - HTTP's "OK"
                    return
        except urllib.error.HTTPError as error:
            problem = f"HTTP {error.code}"
            error.close()
        except OSError as error:
            problem = type(error).__name__
        time.sleep(0.25)
    tails = "\n".join(child.tail() for child in children.values())
    raise LoadTestError(f"the webhook takes nothing in: {problem}\n{tails}")
