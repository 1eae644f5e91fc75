"""How much waits on the bus to be recorded: asked of the bus by whoever answers ``/metrics``.

Those that record tell of what they took; this is told although none of them is alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from vestlus.bus.port import Queue
from vestlus.counting import next_count
from vestlus.errors import BusUnavailable

_log = structlog.get_logger(__name__)

#: How old the number may be. An alert looks over minutes, and RabbitMQ opens a channel for each
#: partition that is counted.
COUNT_SECONDS: Final = 20.0

#: What counting all partitions may take; Prometheus waits for 10 s.
COUNTING_SECONDS: Final = 4.0


class CountedBus(Protocol):
    """What counting needs of the bus."""

    async def depth(self, queue: Queue, partition: int) -> int:
        """See :meth:`vestlus.bus.port.Bus.depth`. Raises BusUnavailable."""
        ...


class InboxCounting:
    """Counts the inbox for whoever asks, once at a time, and keeps the number for a while.

    A bus that is away or slow gives ``None``, for the same while: it is not asked more often for
    not answering.
    """

    def __init__(self, partitions: int, monotonic: Callable[[], float]) -> None:
        self._partitions = partitions
        self._monotonic = monotonic
        self._one = asyncio.Lock()
        self._messages: int | None = None
        self._due: float | None = None

    async def messages(self, bus: CountedBus | None) -> int | None:
        """How many messages wait in all partitions; ``None`` where that cannot be said."""
        if bus is None:
            return None
        async with self._one:
            began = self._monotonic()
            if self._due is None or began >= self._due:
                self._messages = await self._count(bus)
                self._due = next_count(began, self._monotonic(), every=COUNT_SECONDS)
            return self._messages

    async def _count(self, bus: CountedBus) -> int | None:
        try:
            async with asyncio.timeout(COUNTING_SECONDS):
                return sum([await bus.depth(Queue.INBOX, one) for one in range(self._partitions)])
        except (BusUnavailable, TimeoutError) as error:
            _log.warning("inbox_not_counted", error=type(error).__name__)
            return None


def families_of_inbox(messages: int | None) -> Iterator[Metric]:
    """The number is left out where it could not be counted, which is said."""
    yield GaugeMetricFamily(
        "vestlus_inbox_counted",
        "Whether the bus told how much waits in the inbox.",
        value=int(messages is not None),
    )
    waiting = GaugeMetricFamily(
        "vestlus_inbox_messages", "Messages on the bus that nobody has received to record them."
    )
    if messages is not None:
        waiting.add_metric([], messages)
    yield waiting
