"""How much waits on the bus to be recorded: asked of the bus by whoever answers ``/metrics``.

Those that record tell of what they took; this is told although none of them is alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from vestlus.bus.port import Queue
from vestlus.counting import Kept
from vestlus.errors import BusUnavailable

_log = structlog.get_logger(__name__)

#: How old the number may be. An alert looks over minutes, and RabbitMQ is asked about each
#: partition.
COUNT_SECONDS: Final = 20.0

#: What counting all partitions may take; Prometheus waits for 10 s.
COUNTING_SECONDS: Final = 4.0


class CountedBus(Protocol):
    """What counting needs of the bus."""

    async def depths(self, queue: Queue) -> tuple[int, ...]:
        """See :meth:`vestlus.bus.port.Bus.depths`. Raises BusUnavailable."""
        ...


class InboxCounting:
    """Counts the inbox for whoever asks, once at a time, and keeps the number for a while.

    A bus that is away or slow gives ``None``, for the same while: it is not asked more often for
    not answering.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._kept = Kept[int | None](monotonic, None, every=COUNT_SECONDS)

    async def messages(self, bus: CountedBus | None) -> int | None:
        """How many messages wait in all partitions; ``None`` where that cannot be said."""
        return None if bus is None else await self._kept.get(partial(self._count, bus))

    async def _count(self, bus: CountedBus) -> int | None:
        try:
            async with asyncio.timeout(COUNTING_SECONDS):
                return sum(await bus.depths(Queue.INBOX))
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
