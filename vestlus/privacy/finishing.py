"""Erasures carried to their end: a second look, storage reclaimed, tombstones taken away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from vestlus.bus.port import Bus
from vestlus.errors import BusError, StoreError
from vestlus.log_errors import error_fields
from vestlus.measuring.catalogue import of
from vestlus.measuring.catalogue_edges import ERASURES_ENDED, UPKEEP_ROUNDS
from vestlus.store.erasing import Erasing

_log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 5 * 60.0

#: Storage is reclaimed for all at once when the oldest has waited for so long. With the hour of a
#: large vacuum that is well within the day that is promised.
RECLAIM_AFTER_MS: Final = 12 * 60 * 60 * 1000

#: Swept in one round: each is one transaction.
_TOGETHER: Final = 100


class FinishingStore(Erasing, Protocol):
    """What finishing needs of the store."""

    async def now_ms(self) -> int:
        """The database's clock."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """What one round did."""

    swept: int = 0
    done: int = 0
    tombstones_taken: int = 0


class Finisher:
    """One round after the other. Any number of processes may do it at once; one is enough."""

    def __init__(
        self, store: FinishingStore, bus: Bus, *, reclaim_after_ms: int = RECLAIM_AFTER_MS
    ) -> None:
        self._store = store
        self._bus = bus
        self._reclaim_after_ms = reclaim_after_ms

    async def round(self) -> Finished:
        """Does what is due. Raises StoreError, BusUnavailable; what was done by then is done."""
        swept = 0
        for grave in await self._store.unswept(_TOGETHER):
            swept += int(await self._store.sweep(grave))
        return Finished(
            swept=swept,
            done=await self._reclaim(),
            tombstones_taken=await self._store.count_tombstones(),
        )

    async def _reclaim(self) -> int:
        waiting = await self._store.erasures_to_end()
        if not waiting:
            return 0
        now_ms = await self._store.now_ms()
        if waiting[0].asked_ms > now_ms - self._reclaim_after_ms:
            return 0
        if not (await self._store.reclaim() and await self._bus.reclaim()):
            return 0
        done = await self._store.end_erasures([one.code for one in waiting])
        ERASURES_ENDED.inc(done)
        return done


async def keep_finishing(
    store: FinishingStore, bus: Bus, every_seconds: float = EVERY_SECONDS
) -> None:
    """Rounds until cancelled. What the store or the bus does not allow is tried again later."""
    finisher = Finisher(store, bus)
    while True:
        try:
            finished = await finisher.round()
        except (StoreError, BusError) as error:
            of(UPKEEP_ROUNDS, "erasures", "put_off").inc()
            _log.warning("erasures_put_off", **error_fields(error))
        else:
            of(UPKEEP_ROUNDS, "erasures", "done").inc()
            if finished != Finished():
                _log.info("erasures_finished", swept=finished.swept, done=finished.done)
        await asyncio.sleep(every_seconds)
