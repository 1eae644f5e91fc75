"""When each row is sent: nearest deadline first, as fast as its account may."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine

from publishers.lane import Lane
from publishers.rate import CallKind
from publishers.sending import Sender
from vestlus.clock import Clock
from vestlus.store.rows import SendRow

#: How often the lease is looked at again when too little of it remains.
_LEASE_CHECK_SECONDS = 0.25

#: Starts a task, named, whose failure ends the worker.
Spawn = Callable[[Coroutine[None, None, None], str], None]


class Dispatch:
    """Walks along the waiting rows of a partition's accounts and lets them go, one task each."""

    def __init__(
        self,
        *,
        sender: Sender,
        through: Callable[[SendRow], None],
        spawn: Spawn,
        clock: Clock,
    ) -> None:
        self._sender = sender
        self._through = through
        self._spawn = spawn
        self._clock = clock
        #: Set once nothing may be begun any more.
        self.draining = False

    async def walk(self, lane: Lane) -> None:
        """Sends for one account, for good."""
        while True:
            lane.changed.clear()
            now_ms = self._clock()
            if (expired := lane.pop_expired(now_ms)) is not None:
                lane.in_flight += 1
                self._spawn(self._expire(lane, expired), "expire")
                continue
            wait = math.inf if self.draining else lane.open_wait(now_ms)
            if wait <= 0 and not self._sender.lease_suffices():
                wait = _LEASE_CHECK_SECONDS
            if wait > 0:
                await lane.until_changed(wait)
                continue
            if not await lane.budget.take(CallKind.TEXT):
                continue
            # The token came late, perhaps: who goes is decided now, by the nearest deadline.
            if self.draining or not lane.may_send():
                continue
            if (row := lane.pop(self._clock())) is not None:
                lane.in_flight += 1
                lane.unwritten += 1
                self._spawn(self._send(lane, row), "send")

    async def _send(self, lane: Lane, row: SendRow) -> None:
        try:
            wait = await self._sender.send(row, lane)
        finally:
            lane.in_flight -= 1
            lane.changed.set()
        if wait is None:
            self._through(row)
            return
        # Nothing was written, and the row is as it was: it keeps its place in memory.
        lane.budget.unused(CallKind.TEXT)
        now_ms = self._clock()
        lane.put_back(row, now_ms + math.ceil(wait * 1000), now_ms)

    async def _expire(self, lane: Lane, row: SendRow) -> None:
        try:
            await self._sender.expire(row)
        finally:
            lane.in_flight -= 1
            lane.changed.set()
        self._through(row)
