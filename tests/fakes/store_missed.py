"""The missed messages' part of the store in memory."""

import random
from collections.abc import Collection

from tests.fakes.store_part import MemoryPart
from vestlus.errors import LeaseLost
from vestlus.store.rows import Lease, RecordedMessage


class MemoryMissed(MemoryPart):
    """Until when missed messages were looked for, and which ones are recorded."""

    def __init__(self, *, latency: float = 0.002, chance: random.Random | None = None) -> None:
        super().__init__(latency=latency, chance=chance)
        #: Until when missed messages were looked for, by account.
        self.looked: dict[str, int] = {}
        self.restored_ms = 0
        #: Recorded messages, each with its conversation.
        self.messages: list[tuple[str, RecordedMessage]] = []

    async def looked_until(self, account: str) -> int:
        """See the port."""
        await self._answering()
        return self.looked.get(account, 0)

    async def note_looked(self, lease: Lease, account: str, until_ms: int) -> None:
        """See the port."""
        await self._answering()
        if not self._holds(lease):
            raise LeaseLost(lease.name)
        self.looked[account] = max(until_ms, self.looked.get(account, 0))

    async def restored(self) -> int:
        """See the port."""
        await self._answering()
        return self.restored_ms

    async def known_messages(
        self,
        account: str,  # noqa: ARG002 - the port's
        conversation: str,
        mids: Collection[str],
        since_ms: int,
    ) -> tuple[RecordedMessage, ...]:
        """See the port."""
        await self._answering()
        return tuple(
            one
            for of, one in self.messages
            if (of == conversation and one.timestamp_ms >= since_ms) or one.mid in mids
        )
