"""Whether this process can consume from the bus, and since when it cannot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from vestlus.bus.port import Bus, Queue
from vestlus.errors import BusUnavailable

#: Time between looks, seconds.
LOOK_SECONDS = 5.0


class Reach:
    """Looks now and then, whatever else this process has to do with the bus.

    It asks by the way on which is consumed: a broker that is short of memory or disk takes nothing
    from those who publish, and gives all the same.
    """

    def __init__(self, bus: Bus, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._monotonic = monotonic
        self._away_since: float | None = None

    @property
    def away_seconds(self) -> float:
        """How long it has not been reached; 0 while it is, as far as was seen."""
        return 0.0 if self._away_since is None else self._monotonic() - self._away_since

    async def look(self) -> None:
        """Asks the bus how much waits somewhere."""
        try:
            await self._bus.depth(Queue.INBOX, 0)
        except BusUnavailable:
            if self._away_since is None:
                self._away_since = self._monotonic()
        else:
            self._away_since = None

    @asynccontextmanager
    async def watched(self, failed: Callable[[asyncio.Task[None]], None]) -> AsyncIterator[Self]:
        """Looks while inside. What goes wrong with it, other than the bus, ``failed`` hears."""
        watching = asyncio.create_task(self._watch(), name="reach of the bus")
        watching.add_done_callback(failed)
        try:
            yield self
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)
