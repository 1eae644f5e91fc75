"""Receiving the outbox queue: which ledger rows were just written, and what users may be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from publishers.tally import Tally
from vestlus.backoff import until_available
from vestlus.burying import unreadable
from vestlus.bus.consuming import consume
from vestlus.bus.port import Bus, Delivery, Queue
from vestlus.clock import Clock
from vestlus.errors import UndecodableMessage
from vestlus.messages import ActionRequest, SearchRequest, SendReference, decode_outbox
from vestlus.store.port import DeadLetters
from vestlus.store.rows import DeadLetter

_log = structlog.get_logger(__name__)

#: Deliveries taken at a time.
_AT_ONCE = 200


class Doorbell:
    """Consumes one outbox partition.

    Deliveries are acknowledged as soon as they rang: what they name is in the ledger, and what
    users may be shown is worth no second delivery. Those that cannot be read are acknowledged
    once they are buried.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        letters: DeadLetters,
        partition: int,
        ring: Callable[[Sequence[SendReference]], None],
        show: Callable[[Sequence[ActionRequest]], None],
        search: Callable[[Sequence[SearchRequest]], None],
        returned: Callable[[], None],
        clock: Clock,
        tally: Tally,
    ) -> None:
        self._bus = bus
        self._letters = letters
        self._partition = partition
        self._ring = ring
        self._show = show
        self._search = search
        self._returned = returned
        self._clock = clock
        self._tally = tally

    async def run(self) -> None:
        """Receives until cancelled; subscribes again whenever the subscription is lost."""
        await consume(
            self._bus,
            Queue.OUTBOX,
            self._partition,
            self._heard,
            most=_AT_ONCE,
            returned=self._returned,
        )

    async def _heard(self, deliveries: Sequence[Delivery]) -> None:
        sends: list[SendReference] = []
        actions: list[ActionRequest] = []
        searches: list[SearchRequest] = []
        letters: list[DeadLetter] = []
        for delivery in deliveries:
            try:
                message = decode_outbox(delivery.body)
            except UndecodableMessage as error:
                letters.append(
                    unreadable(
                        delivery.body,
                        source=f"{Queue.OUTBOX}.{self._partition}",
                        reason=error.reason,
                        at_ms=self._clock(),
                    )
                )
                continue
            sends += message.sends
            actions += message.actions
            searches += message.searches
        self._ring(sends)
        self._show(actions)
        self._search(searches)
        if letters:
            await self._bury(letters)

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        await until_available(lambda: self._letters.bury(letters))
        for letter in letters:
            self._tally.count("undecodable")
            _log.error("undecodable_message", source=letter.source, reason=letter.reason)
