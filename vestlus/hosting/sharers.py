"""How many processes share the keys of the model: the live members that answer users."""

from __future__ import annotations

import asyncio

import structlog

from vestlus.errors import StoreUnavailable
from vestlus.hosting.membership import GONE_AFTER_SECONDS
from vestlus.store.port import Members
from vestlus.store.rows import MemberKind

_log = structlog.get_logger(__name__)

#: A change is learnt this late at most: one query per process and five seconds, none per call.
LOOK_SECONDS = 5.0


class Sharers:
    """Knows how many ConversationActors are live, over all clusters on the store.

    Users hash to partitions and partitions are shared evenly, so each of them uses each key about
    as much as the others. While the store is away, it is as many as before.
    """

    def __init__(self, store: Members) -> None:
        self._store = store
        self._count = 1

    def __call__(self) -> int:
        """How many there are, this one included."""
        return self._count

    async def look(self) -> None:
        """Counts them anew. Raises StoreUnavailable."""
        live = await self._store.live(MemberKind.CONVERSATION, GONE_AFTER_SECONDS)
        self._count = max(1, len(live))

    async def run(self) -> None:
        """Counts them now and again; to be cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable:
                _log.debug("sharers_not_counted")
            await asyncio.sleep(LOOK_SECONDS)
