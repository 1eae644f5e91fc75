"""Shows users that their message was seen and that an answer is being written. Best effort."""

from __future__ import annotations

import asyncio

import structlog

from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import BusUnavailable
from vestlus.messages import ActionRequest, encode, outbox_message

_log = structlog.get_logger(__name__)

#: An answer that comes sooner needs no sign; each sign costs as much as a message.
AFTER_SECONDS = 1.5

#: Later than this the answer is there, or the sign is old.
WORTH_MS = 5_000


class Courtesy:
    """Asks the publishers, over the doorbell, for the signs that Instagram shows.

    It never delays or fails an answer: a sign that cannot be asked for is left out.
    """

    def __init__(self, bus: Bus, clock: Clock, outbox_partitions: int) -> None:
        self._bus = bus
        self._clock = clock
        self._partitions = outbox_partitions
        #: Signs asked for since the start.
        self.asked = 0

    async def show(self, account: str, user: str) -> None:
        """Waits a while, then asks for ``mark_seen`` and ``typing_on``; cancelled by an answer."""
        await asyncio.sleep(AFTER_SECONDS)
        until = self._clock() + WORTH_MS
        actions = (
            ActionRequest(account=account, user=user, action="mark_seen", until_ms=until),
            ActionRequest(account=account, user=user, action="typing_on", until_ms=until),
        )
        message = outbox_message((), at_ms=self._clock(), actions=actions)
        partition = outbox_partition_of(account, self._partitions)
        try:
            await self._bus.publish(Queue.OUTBOX, partition, [encode(message)])
        except BusUnavailable:
            _log.debug("sign_not_asked_for", account=account)
            return
        self.asked += 1
