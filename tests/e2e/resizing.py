"""Pools of a running service resized by ``vestlus scale``, and what users notice of it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from typing import Any, Protocol

from tests.e2e.traffic import Traffic
from vestlus.conversation.identity import outbox_partition_of

#: One account for each outbox partition, so that every publisher has something to send.
ACCOUNTS = tuple(
    next(
        account
        for account in (f"1784140000{number:07}" for number in range(1000, 1100))
        if outbox_partition_of(account, 4) == outbox
    )
    for outbox in range(4)
)
MODEL_SECONDS = (0.5, 2.0)
#: An actor takes seconds to start, and partitions up to 15 s to be handed over.
MOVE_SECONDS = 120.0
OPTIONS = {
    "conversation": "--conversation-actors",
    "publisher": "--publisher-actors",
    "webhook": "--webhook-replicas",
}


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201 - a program's output


class Scale:
    """The command ``vestlus scale`` beside the service."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VESTLUS_", "OPENAI_", "RAY_"))
        } | settings

    def __call__(self, *arguments: str) -> dict[str, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "vestlus.cli.main", "scale", "--json", *arguments],
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return {one["pool"]: one for one in json.loads(done.stdout)}


def reached(pools: dict[str, dict[str, Any]], wanted: dict[str, int]) -> bool:
    """Whether there are so many, each with its share, and no more."""
    for name, size in wanted.items():
        told = pools[name]["clusters"]
        if not told or (told[0]["running"], told[0]["ready"]) != (size, size):
            return False
        if name != "webhook" and len(pools[name]["partitions"]) != size:
            return False
    return True


async def more_answers(traffic: Traffic, running: asyncio.Task[None], count: int) -> None:
    """Waits until so many more answers have come."""
    wanted = traffic.answers + count
    async with asyncio.timeout(MOVE_SECONDS):
        while traffic.answers < wanted:
            if running.done():
                running.result()
            await asyncio.sleep(0.05)


async def resize(scale: Scale, traffic: Traffic, wanted: dict[str, int]) -> tuple[float, float]:
    """Resizes; returns when it began and how long it took until everybody had their share."""
    began = time.monotonic()
    words = [word for name, size in wanted.items() for word in (OPTIONS[name], str(size))]
    pools = await asyncio.to_thread(scale, *words)
    async with asyncio.timeout(MOVE_SECONDS):
        while not reached(pools, wanted):
            await asyncio.sleep(0.5)
            pools = await asyncio.to_thread(scale)
    return began, time.monotonic() - began


class Waits(Protocol):
    """Users, and how long they waited: see :attr:`Traffic.waits`."""

    waits: list[tuple[float, float]]


def longest(users: Waits, since: float, until: float) -> float:
    """The longest that somebody waited who wrote in that time, or a model's time before it."""
    return max(
        (waited for at, waited in users.waits if since - MODEL_SECONDS[1] <= at <= until),
        default=0.0,
    )
