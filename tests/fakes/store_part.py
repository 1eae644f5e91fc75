"""What parts of the store in memory share: leases, and calls that take time and may fail."""

import asyncio
import random

from vestlus.errors import StoreUnavailable
from vestlus.store.names import outbox_lease
from vestlus.store.rows import Lease


class MemoryPart:
    """Calls take ``latency`` seconds of virtual time; ``unavailable`` calls fail first."""

    def __init__(self, *, latency: float = 0.002, chance: random.Random | None = None) -> None:
        self.epochs: dict[str, int] = {}
        self.unavailable = 0
        self._latency = latency
        self._chance = chance or random.Random(0)  # noqa: S311 - no secret

    def take_over(self, outbox: int) -> Lease:
        """Give the lease to a new holder; the one before is void from now on."""
        name = outbox_lease(outbox)
        self.epochs[name] = self.epochs.get(name, 0) + 1
        return Lease(name, self.epochs[name])

    def _holds(self, lease: Lease) -> bool:
        return self.epochs.get(lease.name) == lease.epoch

    async def _answering(self) -> None:
        await self._delay()
        if self.unavailable:
            self.unavailable -= 1
            raise StoreUnavailable

    async def _delay(self) -> None:
        await asyncio.sleep(self._latency * self._chance.uniform(0.2, 1.0))
