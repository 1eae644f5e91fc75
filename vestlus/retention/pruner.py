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
from vestlus.log_errors import error_fields
from vestlus.measuring.catalogue import of
from vestlus.measuring.catalogue_edges import RETENTION_REMOVED, UPKEEP_ROUNDS
from vestlus.retention.accounts import AccountPeriods, Errand
from vestlus.retention.periods import DAY_MS
from vestlus.store.pruning import Cursor, Mark, Pruning, Remains

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

#: Where a walk begins behind the one before, one looks at everything again after so long: at what
#: was open, locked or held meanwhile.
WHOLE_AGAIN_MS: Final = 7 * DAY_MS


class PrunedStore(Pruning, Protocol):
    """What pruning needs of the store."""

    async def end_preservations(self) -> int:
        """See :meth:`vestlus.store.preserving.Preserving.end_preservations`."""
        ...

    async def forget_who_erased(self, before_ms: int) -> int:
        """See :meth:`vestlus.store.erasing.Erasing.forget_who_erased`."""
        ...

    async def now_ms(self) -> int:
        """The database's clock."""
        ...


@dataclass(slots=True)
class Pruned:
    """What one walk did."""

    removed: Counter[Remains] = field(default_factory=Counter)
    preservations_ended: int = 0
    #: Of operators, in what is recorded of erasures.
    names_forgotten: int = 0
    weeks_made: int = 0
    weeks_dropped: tuple[str, ...] = ()
    bytes_given_back: int = 0

    def told(self) -> dict[str, Any]:
        """For logs and programs."""
        return {
            "removed": {str(what): self.removed[what] for what in Remains},
            "preservations_ended": self.preservations_ended,
            "names_forgotten": self.names_forgotten,
            "weeks_made": self.weeks_made,
            "weeks_dropped": list(self.weeks_dropped),
            "bytes_given_back": self.bytes_given_back,
        }


class Way:
    """Where a walk goes on, and how much of it the next need not look at again. Plain."""

    def __init__(self, mark: Mark) -> None:
        self._begun_ms = mark.begun_ms
        self._reached = dict(mark.reached)
        #: Places where something young was seen: the next walk begins before it.
        self._young: set[int | str] = set()

    def begin(self) -> Cursor | None:
        """Where the first step begins; None for the beginning."""
        return (0, *self._reached[0]) if 0 in self._reached else None

    def go_on(self, here: Cursor | None, after: Cursor, *, behind: bool) -> Cursor:
        """Where the next step begins, after one from ``here`` that ended at ``after``."""
        place, *cursor = after
        if place != (0 if here is None else here[0]):
            return (place, *self._reached.get(place, tuple(cursor)))
        if not behind:
            self._young.add(place)
        if place not in self._young:
            self._reached[place] = tuple(cursor)
        return after

    @property
    def mark(self) -> Mark:
        """For the next walk."""
        return Mark(self._begun_ms, self._reached)


class Pruner:
    """One walk after the other. Any number of processes may do it at once; one is enough.

    A walk that is cut short leaves nothing half done: the next one begins anew, with what is left.
    """

    def __init__(
        self,
        store: PrunedStore,
        periods: AccountPeriods,
        *,
        whole: bool = False,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``whole``: walks look at everything, whatever the marks of earlier ones say."""
        self._store = store
        self._periods = periods
        self._whole = whole
        self._sleep = sleep
        self._monotonic = monotonic

    async def walk(self) -> Pruned:
        """Takes away everything that may go now. Raises StoreUnavailable."""
        pruned = Pruned()
        now_ms = await self._store.now_ms()
        # Whole weeks go when nobody keeps messages of theirs any more.
        dropped_ms = now_ms - self._periods.longest(Remains.MESSAGES) * DAY_MS
        pruned.preservations_ended = await self._store.end_preservations()
        for errand in self._periods.errands(now_ms):
            removed = await self._run(errand, now_ms, dropped_ms)
            pruned.removed[errand.what] += removed
            of(RETENTION_REMOVED, errand.what).inc(removed)
        # As old as what the audit forgets. Few rows: one for each erasure.
        named_ms = now_ms - self._periods.longest(Remains.AUDIT) * DAY_MS
        pruned.names_forgotten = await self._store.forget_who_erased(named_ms)
        # Last: it needs more of the database than the steps, which go on where it is refused.
        pruned.weeks_made = await self._store.make_weeks(now_ms)
        pruned.weeks_dropped = await self._store.drop_weeks(dropped_ms)
        while given := await self._rested(lambda: self._store.give_back(PAGES)):
            pruned.bytes_given_back += given
        return pruned

    async def _run(self, errand: Errand, now_ms: int, dropped_ms: int) -> int:
        way = Way(await self._mark(errand, now_ms) if errand.others_stay else Mark(now_ms))
        removed, after = 0, way.begin()
        while True:
            here = after
            batch = await self._rested(
                lambda: self._store.prune(
                    errand.what,
                    errand.before_ms,
                    limit=ROWS,
                    after=here,  # noqa: B023 - it is called before the next round
                    whose=errand.whose,
                    dropped_before_ms=dropped_ms,
                )
            )
            removed += batch.removed
            if batch.after is None:
                break
            after = way.go_on(here, batch.after, behind=batch.behind)
        if errand.others_stay:
            await self._store.keep_mark(errand.name, way.mark)
        return removed

    async def _mark(self, errand: Errand, now_ms: int) -> Mark:
        """Where to begin: behind what the walks since the last whole one looked at."""
        mark = None if self._whole else await self._store.mark(errand.name)
        # Of a clock that was ahead, one from the future.
        known = mark is not None and 0 <= now_ms - mark.begun_ms < WHOLE_AGAIN_MS
        return mark if known and mark is not None else Mark(now_ms)

    async def _rested(self, step: Callable[[], Awaitable[T]]) -> T:
        began = self._monotonic()
        result = await step()
        await self._sleep(max(LEAST_REST_SECONDS, RESTS * (self._monotonic() - began)))
        return result


async def keep_pruned(
    store: PrunedStore, periods: AccountPeriods, every_seconds: float = EVERY_SECONDS
) -> None:
    """Walks every hour, until cancelled. What the store does not allow is tried an hour later."""
    pruner = Pruner(store, periods)
    while True:
        try:
            pruned = await pruner.walk()
        except StoreError as error:
            of(UPKEEP_ROUNDS, "retention", "put_off").inc()
            _log.warning("retention_put_off", **error_fields(error))
        else:
            of(UPKEEP_ROUNDS, "retention", "done").inc()
            if pruned.removed.total() or pruned.weeks_dropped or pruned.weeks_made:
                _log.info("retention_done", **pruned.told())
        await asyncio.sleep(every_seconds)
