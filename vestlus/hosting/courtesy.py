"""Shows users that their message was seen and that an answer is being written. Best effort."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Literal, Self

import structlog

from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import BusUnavailable
from vestlus.grouping import GroupCommitter
from vestlus.messages import ActionRequest, encode, outbox_message

_log = structlog.get_logger(__name__)

#: An answer that comes sooner needs no sign; each sign costs as much as a message.
AFTER_SECONDS = 1.5

#: Later than this the answer is there, or the sign is old.
WORTH_MS = 5_000


_ACTIONS: Final[tuple[Literal["mark_seen", "typing_on"], ...]] = ("mark_seen", "typing_on")
#: Signs are asked for together, so many at most.
TOGETHER = 256

#: So long one waits for others, seconds: nobody sees the difference, and each bell costs as much
#: as a sign.
LINGER_SECONDS = 0.1


class Courtesy:
    """Asks the publishers, over the doorbell, for the signs that Instagram shows.

    It never delays or fails an answer: a sign that cannot be asked for is left out.
    """

    def __init__(self, bus: Bus, clock: Clock, outbox_partitions: int) -> None:
        self._bus = bus
        self._clock = clock
        self._partitions = outbox_partitions
        self._group = GroupCommitter[tuple[str, str], None](
            self._ask, name="signs", max_items=TOGETHER, linger=LINGER_SECONDS
        )
        #: Signs asked for since the start.
        self.asked = 0

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._group.close()

    async def show(self, account: str, user: str) -> None:
        """Waits a while, then asks for ``mark_seen`` and ``typing_on``; cancelled by an answer."""
        await asyncio.sleep(AFTER_SECONDS)
        await self._group.submit((account, user))

    async def _ask(self, signs: Sequence[tuple[str, str]]) -> list[None]:
        by_partition: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        for account, user in signs:
            by_partition[outbox_partition_of(account, self._partitions)].append((account, user))
        # Side by side: a silent bus costs one wait, and not one for each partition.
        await asyncio.gather(*(self._ring(*one) for one in by_partition.items()))
        return [None] * len(signs)

    async def _ring(self, partition: int, signs: Sequence[tuple[str, str]]) -> None:
        now = self._clock()
        actions = tuple(
            ActionRequest(account=account, user=user, action=action, until_ms=now + WORTH_MS)
            for account, user in signs
            for action in _ACTIONS
        )
        message = outbox_message((), at_ms=now, actions=actions)
        try:
            await self._bus.publish(Queue.OUTBOX, partition, [encode(message)])
        except BusUnavailable:
            _log.debug("signs_not_asked_for", signs=len(signs))
            return
        self.asked += len(signs)
