"""Webhooks taken in as fast as they can be, with nobody behind."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
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
from benchmarks.comparison.ground import Ground, Place, kept
from tests.services.kept import wait_until
from vestlus.bus.port import Queue, Topology
from vestlus.bus.rabbitmq_topology import Layout
from vestlus.loadtest.children import Child, helper
from vestlus.loadtest.options import LoadTestError
from vestlus.loadtest.recording import Recording
from vestlus.settings import load_settings

#: The queue of the intake that FastAPI makes.
QUEUE = "inbox"


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
                parts = parts_of(on, children, {"generator": generator.pid})
                generator.say(json.dumps(plan))
                heard(generator, "ready", children)
                generator.say("go")
                heard(generator, "settling", children)
                heard(generator, "started", children)
                parts.look(time.monotonic())
                ended = heard(
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
                **costs(parts),
            }
    return found


def _queues(own: Place, contestant: Contestant) -> list[str]:
    if contestant.title != OURS:
        return [QUEUE]
    layout = Layout(Topology(inbox=load_settings(ours(own)).partitions))
    return [layout.queue(Queue.INBOX, number) for number in range(layout.topology.inbox)]


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
    problem = "no answer"

    def takes_in() -> bool:
        nonlocal problem
        for name, child in children.items():
            if child.process.poll() is not None:
                raise LoadTestError(f"{name} did not start:\n{child.tail()}")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's "OK"
        except urllib.error.HTTPError as error:
            problem = f"HTTP {error.code}"
            error.close()
        except OSError as error:
            problem = type(error).__name__
        return False

    def told() -> str:
        tails = "\n".join(child.tail() for child in children.values())
        return f"the webhook takes nothing in: {problem}\n{tails}"

    wait_until(takes_in, timeout=START_SECONDS, what=told, every=0.25)
