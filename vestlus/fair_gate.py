"""So many at a time; who waits, waits in a fair line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vestlus.fairness import FairLine


class FairGate:
    """Lets so many through at a time, of those who wait one of each party in turn.

    For one event loop. Cancellable while it waits.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._line = FairLine[asyncio.Future[None]]()

    @asynccontextmanager
    async def place(self, party: str) -> AsyncIterator[None]:
        """Waits for a place, and holds it."""
        if self._free:
            self._free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self._line.put(party, turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()  # it was let in the moment in which nobody wanted it any more
                raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """A place is free: it goes to the next who still waits."""
        while self._line:
            turn = self._line.take()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
