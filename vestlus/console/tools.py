"""What the console's parts and ``/api/v1`` work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from image_bank.errors import StorageUnavailable
from image_bank.storage import MediaStorage
from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.console.waiting import WaitingEntries
from vestlus.conversation.events import Event
from vestlus.conversation.identity import partition_of
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.messages import encode, inbox_message
from vestlus.settings import Settings
from vestlus.store.port import Store


@dataclass(frozen=True, slots=True)
class Tools:
    """Store and bus are opened beside the server's start: they may not be there yet."""

    settings: Settings
    clock: Clock
    find_store: Callable[[], Store | None]
    find_bus: Callable[[], Bus | None]
    #: Rings the SchedulerActor's bell.
    ring: Callable[[], Awaitable[None]]
    #: The image bank's files.
    find_storage: Callable[[], MediaStorage | None] = lambda: None
    waiting: WaitingEntries = field(default_factory=WaitingEntries)

    @property
    def store(self) -> Store:
        """Raises StoreUnavailable until it is open."""
        store = self.find_store()
        if store is None:
            raise StoreUnavailable("the store is not reached yet")
        return store

    @property
    def storage(self) -> MediaStorage:
        """Raises StorageUnavailable where VESTLUS_MEDIA_URL names none that can be used."""
        storage = self.find_storage()
        if storage is None:
            raise StorageUnavailable("there is no storage for pictures")
        return storage

    @property
    def bus(self) -> Bus:
        """Raises BusUnavailable until it is open."""
        bus = self.find_bus()
        if bus is None:
            raise BusUnavailable("the bus is not reached yet")
        return bus

    async def hand_in(self, event: Event) -> None:
        """Publishes an act to its user's partition, durably; its owner does it within moments.
        Raises BusUnavailable.
        """
        partition = partition_of(event.account, event.user or "", self.settings.partitions)
        message = encode(inbox_message((event,), at_ms=self.clock()))
        await self.bus.publish(Queue.INBOX, partition, [message])
