"""Receiving one partition from the embedded bus."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog

from vestlus.bus import embedded_file
from vestlus.bus.embedded_file import Place, Places
from vestlus.bus.embedded_threads import Threads
from vestlus.bus.port import Delivery
from vestlus.bus.tags import Tags
from vestlus.errors import BusUnavailable, SubscriptionLost
from vestlus.finishing import to_its_end
from vestlus.log_errors import error_fields

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Seconds between looks at a place that somebody else has.
WAITING_SECONDS = 0.2


class EmbeddedSubscription:
    """A consumer with a place in the file, or one that waits for it.

    A place that was lost (this process was frozen and another one took it) is noticed at the
    next receive or ack, which both compare the place's epoch.
    """

    def __init__(
        self,
        queue: str,
        threads: Threads,
        places: Places,
        held: Callable[[str], int],
        on_close: Callable[[EmbeddedSubscription], None],
    ) -> None:
        """``held`` gives the epoch with which this process consumes a queue, or 0."""
        self._queue = queue
        self._threads = threads
        self._places = places
        self._held = held
        self._on_close = on_close
        self._tags = Tags()
        self._last_tag = 0
        self._unacknowledged: deque[int] = deque()
        self._fetched = 0
        self._bell = asyncio.Event()
        self._lost = ""
        self._place: Place | None = None

    @property
    def queue(self) -> str:
        """The queue that it is, or will be, receiving from."""
        return self._queue

    @property
    def place(self) -> Place | None:
        """What it consumes with: None while it waits for its turn, and when it is lost."""
        return None if self._lost else self._place

    def wake(self) -> None:
        """Something may have been published."""
        self._bell.set()

    async def try_to_take(self) -> bool:
        """Takes the place if it is free. Raises BusUnavailable."""
        held = self._held(self._queue)
        if await self._threads.read(partial(self._places.is_free, queue=self._queue, held=held)):
            self._place = await self._threads.write(
                partial(self._places.take, queue=self._queue, held=held)
            )
        return self._place is not None

    async def receive(self, limit: int) -> list[Delivery]:
        """As the port says."""
        if limit < 1:
            message = "limit must be at least 1"
            raise ValueError(message)
        while True:
            self._raise_if_lost()
            self._bell.clear()
            place = self._place
            if place is None:
                if not await self._or_lose(self.try_to_take()):
                    await self._wait_for_turn()
                continue
            found = await self._or_lose(
                self._threads.read(
                    partial(embedded_file.fetch, place=place, after=self._fetched, limit=limit)
                )
            )
            self._raise_if_lost()
            if found:
                # No await from here on, so that a cancelled caller has lost nothing.
                return self._hand_out(found, place)
            await self._bell.wait()

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """As the port says. Raises ValueError for other deliveries than the oldest ones."""
        self._raise_if_lost()
        if not deliveries:
            return
        place = self._place
        self._tags.acknowledge(deliveries)
        ids = [self._unacknowledged.popleft() for _ in deliveries]
        if place is not None:
            remove = partial(embedded_file.remove, place=place, first=ids[0], last=ids[-1])
            await self._or_lose(self._threads.write(remove))

    async def close(self) -> None:
        """As the port says."""
        self._lose("closed")
        place, self._place = self._place, None
        if place is not None:
            await to_its_end(self._give_back(place))

    async def _give_back(self, place: Place) -> None:
        try:
            await self._threads.write(
                partial(self._places.give_back, place=place, delivered=self._fetched)
            )
        except BusUnavailable as error:
            # Others take the place when it expires, and this process at once.
            log.info("bus_subscription_not_closed", queue=self._queue, **error_fields(error))

    def _hand_out(self, found: Sequence[tuple[int, bytes]], place: Place) -> list[Delivery]:
        deliveries = []
        for number, body in found:
            self._last_tag += 1
            deliveries.append(
                Delivery(body=body, tag=self._last_tag, redelivered=number <= place.delivered)
            )
            self._unacknowledged.append(number)
        self._fetched = found[-1][0]
        self._tags.hand_out(deliveries)
        return deliveries

    async def _wait_for_turn(self) -> None:
        try:
            async with asyncio.timeout(WAITING_SECONDS):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _or_lose(self, waiting: Awaitable[T]) -> T:
        """Whatever goes wrong with the file ends the subscription: its messages come again."""
        try:
            return await waiting
        except (BusUnavailable, SubscriptionLost) as error:
            self._lose(str(error))
            raise SubscriptionLost(self._lost) from error

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self._lost = f"{self._queue}: {reason}"
            self._bell.set()
            self._on_close(self)

    def _raise_if_lost(self) -> None:
        if self._lost:
            raise SubscriptionLost(self._lost)
