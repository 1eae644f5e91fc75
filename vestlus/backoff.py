"""Waiting between tries of something that will come back: longer each time, with jitter."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from vestlus.errors import StoreUnavailable

_log = structlog.get_logger(__name__)

Result = TypeVar("Result")

#: Short enough that a broker's restart is noticed at once, long enough to let it start.
FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.0

#: Shared: seeding one costs more than most of the actions that are waited for.
_JITTER = random.Random()  # noqa: S311 - jitter, no secret


class Backoff:
    """Doubling waits up to a limit, each between half and all of its length."""

    def __init__(
        self,
        first: float = FIRST_SECONDS,
        longest: float = LONGEST_SECONDS,
        chance: random.Random | None = None,
    ) -> None:
        self._first = first
        self._longest = longest
        self._next = first
        self._chance = chance or _JITTER

    def next_seconds(self) -> float:
        """The length of the next wait."""
        seconds = self._next * self._chance.uniform(0.5, 1.0)
        self._next = min(self._next * 2, self._longest)
        return seconds

    async def wait(self) -> None:
        """Waits, longer than the last time."""
        await asyncio.sleep(self.next_seconds())

    def reset(self) -> None:
        """What was tried worked: begin with short waits again."""
        self._next = self._first


async def until_available(action: Callable[[], Awaitable[Result]]) -> Result:
    """Repeats an action of the store until the database answers; other errors pass through.

    For work that must not be given up and that nothing else waits for.
    """
    backoff = Backoff()
    while True:
        try:
            return await action()
        except StoreUnavailable:
            _log.warning("store_not_reachable")
            await backoff.wait()


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Waits until the event is set, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
