"""Whole answers: from the webhook through the model to the pretend Graph."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.comparison.contestants import OURS, Contestant, ours
from benchmarks.comparison.following import (
    START_SECONDS,
    Times,
    Watch,
    costs,
    heard,
    parts_of,
    visited,
)
from benchmarks.comparison.ground import Ground, Place
from vestlus.loadtest.children import Child, helper, wait_until_ready
from vestlus.loadtest.options import LoadTestError
from vestlus.loadtest.recording import Recording, milliseconds
from vestlus.loadtest.verdict import BREACHES
from vestlus.settings import load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is measured. Either ``in_flight`` messages all the time, or ``rate`` a second."""

    name: str
    model_seconds: float
    in_flight: int = 0
    rate: float = 0.0
    users: int = 2_000


def pipeline(
    on: Ground, contestant: Contestant, rows: tuple[Row, ...], times: Times, *, echoes: bool = True
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
        if not echoes:
            _without_echoes(own)
        for number, row in enumerate(rows):
            module = (
                "benchmarks.comparison.saturating" if row.in_flight else "vestlus.simulator.load"
            )
            with helper("generator", [module], os.environ, own.folder) as generator:
                pids = {name: child.pid for name, child in simulators.items()}
                parts = parts_of(on, children, pids | {"generator": generator.pid})
                generator.say(json.dumps(_plan(own, contestant, row, times, number)))
                heard(generator, "ready", children)
                generator.say("go")
                heard(generator, "started", children)
                # The open loop writes from its first moment: what comes while it settles is left
                # out here.
                after = 0 if row.in_flight else round(times.settle)
                watch = Watch(parts, times.seconds, Recording(burst), after)
                if not after:
                    parts.look(time.monotonic())
                ended = heard(generator, "ended", children, watch)
            found[row.name] = _answered(ended, watch) | costs(parts)
    return found


def _without_echoes(own: Place) -> None:
    """As for an app that is subscribed to `messages` and not to `message_echoes`."""
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{own.graph_url}/control/webhooks",
        data=b'{"echoes": false}',
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        answer.read()


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
        "seconds": times.seconds + (0 if row.in_flight else round(times.settle)),
        "spread": "uniform",
        "drain": times.drain,
        "patience": 60,
        "model_latency": row.model_seconds,
        "in_flight": row.in_flight if most is None else min(most, row.in_flight),
        "settle": times.settle,
    }


def _answered(ended: dict[str, Any], watch: Watch) -> dict[str, Any]:
    at_end, recording = ended["at_end"], watch.recording
    overhead = milliseconds(recording.histograms["overhead"])
    answer = milliseconds(recording.histograms["answer"])
    seconds = round(watch.seconds)
    if watch.after:
        # The lines after these seconds are of the wait for the last answers.
        rate = sum(recording.series.answered[:seconds]) / seconds
    else:
        rate = at_end["answered"] / at_end["seconds"]
    return {
        "rate": rate,
        "due": at_end["due"] / at_end["seconds"],
        "in_model": at_end["in_model"],
        "in_flight": at_end["in_flight"],
        "after_waiting": ended["in_flight"],
        "overhead_p50_ms": overhead["p50"],
        "overhead_p99_ms": overhead["p99"],
        "answer_p50_ms": answer["p50"],
        "answer_p99_ms": answer["p99"],
        "webhook_statuses": recording.statuses,
        # Whoever keeps a number in flight has no schedule that it could be behind.
        **(
            {"late_p99_ms": recording.histograms["late"].percentile(99) / 1000}
            if watch.after
            else {}
        ),
        **{name: int(ended["verdict"].get(name, 0)) for name in BREACHES},
    }
