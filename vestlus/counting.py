"""What the store says is open, for ``/metrics``, counted as seldom as counting is dear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from vestlus.errors import StoreUnavailable
from vestlus.store.measure_rows import OpenWork

#: How old the sums may be; Prometheus asks every 15 s or more.
COUNTS_SECONDS: Final = 10.0

#: The part of the time that counting may take, which takes longer the more is open.
COUNTING_SHARE: Final = 0.05


class CountedStore(Protocol):
    """What counting needs of the store."""

    async def open_work(self) -> OpenWork:
        """Raises StoreUnavailable, also where counting takes longer than a call may."""
        ...

    async def check(self) -> None:
        """Raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Sums:
    """What the store came to. ``up``: it answers, whether or not its rows could be counted."""

    up: bool = False
    work: OpenWork | None = None


class Counting:
    """Counts for whoever asks, one question at a time, and keeps the answer for a while.

    A store that answers and has more rows than can be counted in the time of a call keeps the sums
    there are; one that does not answer is asked again as soon as it is due.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._one = asyncio.Lock()
        self._sums = Sums()
        self._due = 0.0

    async def sums(self, store: CountedStore) -> Sums:
        """What there is; counted now, if it is time to."""
        async with self._one:
            began = self._monotonic()
            if began >= self._due:
                self._sums = await self._count(store)
                ended = self._monotonic() if self._sums.up else began
                self._due = next_count(began, ended)
            return self._sums

    async def _count(self, store: CountedStore) -> Sums:
        try:
            return Sums(up=True, work=await store.open_work())
        except StoreUnavailable:
            try:
                await store.check()
            except StoreUnavailable:
                return Sums()
            return Sums(up=True, work=self._sums.work)


def next_count(began: float, ended: float, *, every: float = COUNTS_SECONDS) -> float:
    """When to count again, by the clock of when the last count began and ended, in seconds."""
    return max(began + every, ended + (ended - began) / COUNTING_SHARE)
