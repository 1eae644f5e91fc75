"""Walks through the store and takes away what is old, in steps that nobody notices."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import structlog

from vestlus.errors import StoreError
from vestlus.retention.periods import Periods
from vestlus.store.pruning import Pruning, Remains

T = TypeVar("T")

_log = structlog.get_logger(__name__)

#: Rows of a step: some ten milliseconds of the database, and a few hundred kilobytes of its log.
ROWS: Final = 500

#: After each step, so many times as long as it took: pruning has at most a quarter of one
#: connection's time, and less when the database is busy.
RESTS: Final = 3.0
LEAST_REST_SECONDS: Final = 0.02

#: Pages given back in a step, 4 KiB each.
PAGES: Final = 500

EVERY_SECONDS: Final = 3_600.0


class PrunedStore(Pruning, Protocol):
    """What pruning needs of the store."""

    async def now_ms(self) -> int:
        """The database's clock."""
        ...


@dataclass(slots=True)
class Pruned:
    """What one walk did."""

    removed: Counter[Remains] = field(default_factory=Counter)
    weeks_made: int = 0
    weeks_dropped: tuple[str, ...] = ()
    bytes_given_back: int = 0

    def told(self) -> dict[str, Any]:
        """For logs and programs."""
        return {
            "removed": {str(what): self.removed[what] for what in Remains},
            "weeks_made": self.weeks_made,
            "weeks_dropped": list(self.weeks_dropped),
            "bytes_given_back": self.bytes_given_back,
        }


class Pruner:
    """One walk after the other. Any number of processes may do it at once; one is enough.

    A walk that is cut short leaves nothing half done: the next one begins anew, with what is left.
    """

    def __init__(
        self,
        store: PrunedStore,
        periods: Periods,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._periods = periods
        self._sleep = sleep
        self._monotonic = monotonic

    async def walk(self) -> Pruned:
        """Takes away everything that may go now. Raises StoreUnavailable."""
        pruned = Pruned()
        now_ms = await self._store.now_ms()
        before = self._periods.before_ms(now_ms)
        for what, before_ms in before.items():
            pruned.removed[what] += await self._prune(what, before_ms)
        # Last: it needs more of the database than the steps, which go on where it is refused.
        pruned.weeks_made = await self._store.make_weeks(now_ms)
        pruned.weeks_dropped = await self._store.drop_weeks(before[Remains.MESSAGES])
        while given := await self._rested(lambda: self._store.give_back(PAGES)):
            pruned.bytes_given_back += given
        return pruned

    async def _prune(self, what: Remains, before_ms: int) -> int:
        removed, after = 0, None
        while True:
            here = after
            batch = await self._rested(
                lambda: self._store.prune(what, before_ms, limit=ROWS, after=here)  # noqa: B023
            )
            removed, after = removed + batch.removed, batch.after
            if after is None:
                return removed

    async def _rested(self, step: Callable[[], Awaitable[T]]) -> T:
        began = self._monotonic()
        result = await step()
        await self._sleep(max(LEAST_REST_SECONDS, RESTS * (self._monotonic() - began)))
        return result


async def keep_pruned(
    store: PrunedStore, periods: Periods, every_seconds: float = EVERY_SECONDS
) -> None:
    """Walks every hour, until cancelled. What the store does not allow is tried an hour later."""
    pruner = Pruner(store, periods)
    while True:
        try:
            pruned = await pruner.walk()
        except StoreError as error:
            _log.warning("retention_put_off", error=str(error))
        else:
            if pruned.removed.total() or pruned.weeks_dropped or pruned.weeks_made:
                _log.info("retention_done", **pruned.told())
        await asyncio.sleep(every_seconds)
