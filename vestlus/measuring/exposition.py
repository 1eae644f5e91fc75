"""The body of ``/metrics``, in Prometheus' text format: of all processes, from any replica."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vestlus.clock import Clock
from vestlus.counting import CountedStore, Counting, Sums
from vestlus.errors import StoreUnavailable
from vestlus.measuring.catalogue import REGISTRY
from vestlus.measuring.inbox import families_of_inbox
from vestlus.measuring.processes import REMEMBERED_SECONDS, Identity, families_of_processes
from vestlus.measuring.snapshot import collected
from vestlus.measuring.store_families import families_of_store
from vestlus.store.measure_rows import Heard

METRICS_PATH: Final = "/metrics"

#: Prometheus, "Exposition formats": of the text format.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


#: What reading a few rows may take; Prometheus waits for 10 s.
HEARD_SECONDS: Final = 2.0


class MetricsStore(CountedStore, Protocol):
    """What ``/metrics`` needs of the store."""

    async def measures(self, within_seconds: float) -> tuple[Heard, ...]:
        """See :class:`~vestlus.store.measure_port.ProcessMeasures`."""
        ...


class Exposition:
    """Puts together what this process measures, what the others told, and what the store says.

    Without a store, or with one that is away, it is this process's alone, with
    ``vestlus_store_up 0``.
    """

    def __init__(
        self,
        mine: Identity,
        counting: Counting,
        clock: Clock,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._mine = mine
        self._counting = counting
        self._clock = clock
        self._registry = registry

    async def body(
        self,
        store: MetricsStore | None,
        bus_problem: Awaitable[str | None],
        inbox: Awaitable[int | None],
    ) -> bytes:
        """What Prometheus is answered. ``bus_problem`` says what is wrong with the bus, if
        anything is; ``inbox`` how many messages wait there, if that can be said.
        """
        (sums, heard), problem, waiting = await asyncio.gather(
            self._asked(store), bus_problem, inbox
        )
        bus = [bus_family(up=problem is None), *families_of_inbox(waiting)]
        # Some thousand lines of text, made beside the event loop.
        return await asyncio.to_thread(self._text, sums, heard, bus)

    async def _asked(self, store: MetricsStore | None) -> tuple[Sums, tuple[Heard, ...]]:
        if store is None:
            return Sums(), ()
        sums = await self._counting.sums(store)
        if not sums.up:
            return sums, ()
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                return sums, await store.measures(REMEMBERED_SECONDS)
        except (StoreUnavailable, TimeoutError):
            return Sums(), ()

    def _text(self, sums: Sums, heard: Sequence[Heard], bus: Sequence[Metric]) -> bytes:
        own = list(collected(self._registry))
        families = [
            *families_of_store(sums, self._clock()),
            *bus,
            *families_of_processes(self._mine, own, heard),
        ]
        return generate_latest(_Families(families))


def bus_family(*, up: bool) -> Metric:
    """Whether the bus answered just now."""
    means = "Whether the bus would take a message now."
    return GaugeMetricFamily("vestlus_bus_up", means, value=int(up))


class _Families(Collector):
    """Families as the library's writer takes them."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """As they are."""
        yield from self._families
