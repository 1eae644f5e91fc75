"""Telling the publishers that webhooks of an account may have been lost.

Whoever sees a sign of it tells the account's publisher, over the doorbell, which then asks
Instagram sooner than by itself. Losing the telling delays, and loses nothing: see
``docs/recovery.md``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import structlog

from vestlus.backoff import Backoff
from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import BusUnavailable
from vestlus.messages import SearchRequest, encode, outbox_message

_log = structlog.get_logger(__name__)

#: Between two tellings of one process: what comes meanwhile is told together.
PAUSE_SECONDS: Final = 5.0

#: More accounts than this wait for no telling; their publishers look every ten minutes anyway.
_MOST_WAITING: Final = 1000


class GapTeller:
    """Tells as soon as the bus takes it, which was perhaps why there is something to tell.

    :meth:`suspect` never waits and never fails. ``async with`` runs it; what is untold at the
    end is left untold. Of one account, many signs are told as one.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        outbox_partitions: int,
        clock: Clock,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._bus = bus
        self._partitions = outbox_partitions
        self._clock = clock
        self._pause_seconds = pause_seconds
        #: The sign by account, of what is still to be told.
        self._waiting: dict[str, str] = {}
        self._came = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._telling = asyncio.create_task(self._tell(), name="delivery gaps")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError):
                await self._telling

    def suspect(self, accounts: Collection[str], sign: str) -> None:
        """By this sign, a short word, webhooks of these accounts may have been lost."""
        for account in accounts:
            if account in self._waiting or len(self._waiting) < _MOST_WAITING:
                self._waiting[account] = sign
        self._came.set()

    async def _tell(self) -> None:
        backoff = Backoff()
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting:
                account, sign = next(iter(self._waiting.items()))
                try:
                    await self._publish(account, sign)
                except BusUnavailable:
                    await backoff.wait()
                else:
                    backoff.reset()
                    del self._waiting[account]
            await asyncio.sleep(self._pause_seconds)

    async def _publish(self, account: str, sign: str) -> None:
        now_ms = self._clock()
        request = SearchRequest(account=account, since_ms=now_ms, sign=sign)
        message = outbox_message((), at_ms=now_ms, searches=(request,))
        partition = outbox_partition_of(account, self._partitions)
        await self._bus.publish(Queue.OUTBOX, partition, [encode(message)])
        _log.info("delivery_gap_told", account=account, sign=sign)
