"""A bus whose publishes are measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from vestlus.bus.port import Bus, Queue, Subscription
from vestlus.errors import BusUnavailable
from vestlus.measuring.catalogue import PUBLISH_SECONDS, of


class MeasuredBus:
    """The :class:`~vestlus.bus.port.Bus` that it is given, with ``vestlus_bus_publish_seconds``.

    What is received is counted where it is consumed: see :mod:`vestlus.bus.consuming`.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def __aenter__(self) -> Self:
        await self._bus.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._bus.__aexit__(kind, error, trace)

    async def publish(self, queue: Queue, partition: int, bodies: Sequence[bytes]) -> None:
        """As the port says."""
        outcome, began = "given_up", time.perf_counter()
        try:
            await self._bus.publish(queue, partition, bodies)
            outcome = "confirmed"
        except BusUnavailable:
            outcome = "unavailable"
            raise
        finally:
            of(PUBLISH_SECONDS, queue, outcome).observe(time.perf_counter() - began)

    async def subscribe(self, queue: Queue, partition: int) -> Subscription:
        """As the port says."""
        return await self._bus.subscribe(queue, partition)

    async def depth(self, queue: Queue, partition: int) -> int:
        """As the port says."""
        return await self._bus.depth(queue, partition)

    async def depths(self, queue: Queue) -> tuple[int, ...]:
        """As the port says."""
        return await self._bus.depths(queue)

    async def reclaim(self) -> bool:
        """As the port says."""
        return await self._bus.reclaim()

    async def check(self) -> None:
        """As the port says."""
        await self._bus.check()
