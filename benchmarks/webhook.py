"""What the webhook's route costs beside the server that calls it.

::

    python -m benchmarks.webhook [--repeats 200] [--posts 2400] [--rate 240]

First, milliseconds to parse and group a POST of 100 events. Then, microseconds of CPU for each of
many POSTs of one event at a steady rate, from the ASGI call to the answer: read, verified, parsed,
durable on the embedded bus.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.instagram.handler import WebhookHandler
from vestlus.instagram.parsing import group_by_partition, parse_webhook
from vestlus.instagram.signature import sign

EVENTS = 100
PARTITIONS = 16
SECRET = "benchmark"  # noqa: S105 - of this machine


def payload(events: int, first: int = 0) -> bytes:
    """One POST as Meta batches it: messages of as many users."""
    account = "17841400000000001"
    items = [
        {
            "sender": {"id": str(900_000_000_000 + number)},
            "recipient": {"id": account},
            "timestamp": 1_790_000_000_000 + number,
            "message": {"mid": "m" * 150 + str(number), "text": "Tere!"},
        }
        for number in range(first, first + events)
    ]
    entry = {"time": 1_790_000_000_000, "id": account, "messaging": items}
    return json.dumps({"object": "instagram", "entry": [entry]}).encode()


async def post(handler: WebhookHandler, body: bytes) -> int:
    """Call the route as a server does; return the status."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhook",
        "query_string": b"",
        "headers": [
            (b"content-length", str(len(body)).encode()),
            (b"content-type", b"application/json"),
            (b"x-hub-signature-256", sign(body, SECRET).encode()),
        ],
    }
    answers: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    await handler(scope, receive, send)
    return answers[0]


async def posts(number: int, rate: float) -> float:
    """Microseconds of CPU for each POST of one event."""
    bodies = [payload(1, first) for first in range(number)]
    topology = Topology(inbox=PARTITIONS)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_bus(f"sqlite:///{Path(folder)}/bus.sqlite", topology) as bus,
            WebhookHandler(
                secrets=[SECRET],
                verify_token="",
                bus=bus,
                partitions=PARTITIONS,
                clock=system_clock,
                on_counts=lambda _: None,
            ) as handler,
        ):
            began, cpu = time.monotonic(), time.process_time()
            tasks = []
            for place, body in enumerate(bodies):
                wait = began + place / rate - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                tasks.append(asyncio.create_task(post(handler, body)))
            statuses = set(await asyncio.gather(*tasks))
            used = time.process_time() - cpu
    if statuses != {200}:
        raise RuntimeError(f"answered {sorted(statuses)}")
    return used / number * 1e6


def main() -> int:
    """Prints milliseconds and microseconds as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhook", description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--posts", type=int, default=2400)
    parser.add_argument("--rate", type=float, default=240.0, help="POSTs a second")
    arguments = parser.parse_args()
    raw, taken = payload(EVENTS), []
    for _ in range(arguments.repeats):
        began = time.perf_counter()
        group_by_partition(parse_webhook(raw), PARTITIONS)
        taken.append((time.perf_counter() - began) * 1000)
    figures = {"events": EVENTS, "best_ms": min(taken), "median_ms": statistics.median(taken)}
    figures["post_us"] = uvloop.run(posts(arguments.posts, arguments.rate))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
