"""What the broker gave up on becomes dead letters of the store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog

from vestlus.backoff import until_available
from vestlus.burying import buried
from vestlus.bus.consuming import consume
from vestlus.bus.port import Bus, Delivery, Queue
from vestlus.clock import Clock
from vestlus.privacy.graves import Graves
from vestlus.store.port import DeadLetters

_log = structlog.get_logger(__name__)


class DeadQueue:
    """Turns what the broker gave up on into dead letters of the store.

    The broker's own dead-letter queue is a way station: it cannot be searched, and it knows
    neither accounts nor reasons in words. Served by the holder of the first inbox partition.
    """

    def __init__(
        self, bus: Bus, store: DeadLetters, clock: Clock, graves: Graves | None = None
    ) -> None:
        self._bus = bus
        self._store = store
        self._clock = clock
        self._graves = graves

    async def run(self) -> None:
        """Consumes until cancelled."""
        await consume(self._bus, Queue.DEAD, 0, self._bury, most=50)

    async def _bury(self, deliveries: Sequence[Delivery]) -> None:
        now = self._clock()
        letters = [
            buried(
                delivery.body,
                source=str(Queue.DEAD),
                reason=delivery.reason or "given_up_by_the_broker",
                at_ms=now,
            )
            for delivery in deliveries
        ]
        if self._graves is not None:
            letters = [self._graves.of_letter(letter) for letter in letters]
        _log.error("broker_gave_up_on_messages", count=len(letters))
        await until_available(partial(self._store.bury, letters))
