"""The bus without a broker: one SQLite file that every process on the machine uses.

Each process writes through a thread of its own, many messages to a transaction. Whoever
publishes rings the consumer's doorbell; who cannot be rung looks by itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from vestlus.bus import embedded_file
from vestlus.bus.embedded_doorbell import Doorbell
from vestlus.bus.embedded_file import PLACE_MILLISECONDS, Places
from vestlus.bus.embedded_presence import Presence, sweep
from vestlus.bus.embedded_subscription import EmbeddedSubscription
from vestlus.bus.embedded_threads import Threads
from vestlus.bus.port import Queue, Topology
from vestlus.clock import Clock, system_clock
from vestlus.errors import BusUnavailable
from vestlus.log_errors import error_fields

log = structlog.get_logger(__name__)

#: Seconds between looks for changes, where a doorbell also rings. A ring is only missed when the
#: publisher died between its commit and the ring.
SLOW_LOOK_SECONDS = 1.0

#: The same without a doorbell. One look reads a counter in shared memory, some 20 µs.
FAST_LOOK_SECONDS = 0.05

#: Four times in the life of a place, so that one or two late ones do no harm.
RENEWAL_SECONDS = PLACE_MILLISECONDS / 4000


class EmbeddedBus:
    """Every process on one machine opens the same file; a network disk will not do."""

    def __init__(
        self, path: Path, topology: Topology, *, timeout: float, clock: Clock = system_clock
    ) -> None:
        """``timeout`` is in seconds, for one publish and for the file's locks.

        ``clock`` is compared with other processes' clocks, for places of frozen consumers.
        """
        self._path = path.absolute()
        self._folder = self._path.with_name(f"{self._path.name}.peers")
        self._topology = topology
        self._timeout = timeout
        self._clock = clock
        self._threads = Threads(self._path, timeout)
        self._subscriptions: set[EmbeddedSubscription] = set()
        self._places: Places | None = None
        self._doorbell: Doorbell | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Makes the file and its folder if they are not there. Raises BusUnavailable."""
        async with AsyncExitStack() as stack:
            presence = await self._announce()
            stack.callback(presence.withdraw)
            doorbell = Doorbell(self._folder, presence.token, self._wake)
            doorbell.open()
            stack.callback(doorbell.close)
            await stack.enter_async_context(self._threads)
            self._doorbell = doorbell
            self._places = Places(self._folder, presence.token, doorbell.address, self._clock)
            pause = SLOW_LOOK_SECONDS if doorbell.address else FAST_LOOK_SECONDS
            self._tasks = [
                asyncio.create_task(self._look(pause), name="bus: look for changes"),
                asyncio.create_task(self._renew(), name="bus: renew consumers' places"),
            ]
            stack.push_async_callback(self._stop)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def publish(self, queue: Queue, partition: int, bodies: Sequence[bytes]) -> None:
        """As the port says."""
        name = self._name(queue, partition)
        if self._doorbell is None:
            message = "the bus is not open"
            raise BusUnavailable(message)
        if bodies:
            step = partial(embedded_file.append, queue=name, bodies=list(bodies))
            address = await self._threads.write(step)
            self._doorbell.ring(address, name)

    async def subscribe(self, queue: Queue, partition: int) -> EmbeddedSubscription:
        """As the port says."""
        name = self._name(queue, partition)
        if self._places is None:
            message = "the bus is not open"
            raise BusUnavailable(message)
        subscription = EmbeddedSubscription(
            name, self._threads, self._places, self._held, self._subscriptions.discard
        )
        await subscription.try_to_take()
        self._subscriptions.add(subscription)
        return subscription

    async def depth(self, queue: Queue, partition: int) -> int:
        """As the port says; what is delivered and not acknowledged is counted too."""
        name = self._name(queue, partition)
        return await self._threads.read(partial(embedded_file.count, queue=name))

    async def depths(self, queue: Queue) -> tuple[int, ...]:
        """As the port says, and as :meth:`depth`."""
        names = [self._name(queue, one) for one in range(self._topology.partitions(queue))]
        return await self._threads.read(partial(embedded_file.counts, queues=names))

    async def reclaim(self) -> bool:
        """As the port says: the log goes into the file, where deleted rows are overwritten."""
        return await self._threads.empty_log()

    async def check(self) -> None:
        """As the port says: the file can be locked for writing."""
        if any(task.done() for task in self._tasks):
            message = "the embedded bus has stopped"
            raise BusUnavailable(message)
        await self._threads.write(_nothing)

    def _name(self, queue: Queue, partition: int) -> str:
        if not 0 <= partition < self._topology.partitions(queue):
            message = f"{queue} has no partition {partition}"
            raise ValueError(message)
        return f"{queue}.{partition}"

    def _held(self, queue: str) -> int:
        """The epoch with which this process consumes a queue, or 0."""
        places = (subscription.place for subscription in self._subscriptions)
        return max((place.epoch for place in places if place and place.queue == queue), default=0)

    async def _announce(self) -> Presence:
        try:
            await asyncio.to_thread(sweep, self._folder)
            return await asyncio.to_thread(Presence.announce, self._folder)
        except OSError as error:
            raise embedded_file.unavailable(error) from error

    def _wake(self, queues: Collection[str] = ()) -> None:
        """Wakes the subscriptions of these queues, of all when none is named."""
        for subscription in self._subscriptions:
            if not queues or subscription.queue in queues:
                subscription.wake()

    async def _look(self, pause: float) -> None:
        seen = -1
        while True:
            try:
                version = await self._threads.read(_data_version)
            except BusUnavailable as error:
                log.warning("bus_file_not_read", **error_fields(error))
                version = -1
            if version != seen or version < 0:
                seen = version
                self._wake()
            await asyncio.sleep(pause)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            places = [s.place for s in self._subscriptions if s.place is not None]
            try:
                if places and self._places is not None:
                    await self._threads.write(partial(self._places.renew, places=places))
                await self._threads.shorten_log()
            except BusUnavailable as error:
                log.warning("bus_places_not_renewed", **error_fields(error))

    async def _stop(self) -> None:
        self._doorbell = self._places = None
        for subscription in list(self._subscriptions):
            await subscription.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for task in self._tasks:
            if not task.cancelled():
                task.result()


def _nothing(_: sqlite3.Connection) -> None:
    """Takes and gives back the file's write lock."""


def _data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection commits."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
