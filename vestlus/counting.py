"""What is counted for ``/metrics``, as seldom as counting is dear: what the store says is open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from vestlus.errors import StoreUnavailable
from vestlus.store.measure_rows import OpenWork

#: How old the sums may be; Prometheus asks every 15 s or more.
COUNTS_SECONDS: Final = 10.0

#: The part of the time that counting may take, which takes longer the more is open.
COUNTING_SHARE: Final = 0.05


Answer = TypeVar("Answer")


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


def _never(_: object) -> bool:
    return False


class Kept(Generic[Answer]):
    """Counts for whoever asks, one question at a time, and keeps the answer for so many seconds at
    least.
    """

    def __init__(self, monotonic: Callable[[], float], first: Answer, *, every: float) -> None:
        self._monotonic = monotonic
        self._every = every
        self._one = asyncio.Lock()
        self._due: float | None = None
        #: The latest one.
        self.answer = first

    async def get(
        self, count: Callable[[], Awaitable[Answer]], *, soon: Callable[[Answer], bool] = _never
    ) -> Answer:
        """What there is; counted now, if it is time to. After an answer of which ``soon`` is true
        it is so as early as can be, however long that answer took.
        """
        async with self._one:
            began = self._monotonic()
            if self._due is None or began >= self._due:
                self.answer = await count()
                ended = began if soon(self.answer) else self._monotonic()
                self._due = next_count(began, ended, every=self._every)
            return self.answer


class Counting:
    """Counts what is open for whoever asks, and keeps the sums for a while.

    A store that answers and has more rows than can be counted in the time of a call keeps the sums
    there are; one that does not answer is asked again as soon as it is due.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._kept = Kept(monotonic, Sums(), every=COUNTS_SECONDS)

    async def sums(self, store: CountedStore) -> Sums:
        """What there is; counted now, if it is time to."""
        return await self._kept.get(lambda: self._count(store), soon=lambda sums: not sums.up)

    async def _count(self, store: CountedStore) -> Sums:
        try:
            return Sums(up=True, work=await store.open_work())
        except StoreUnavailable:
            try:
                await store.check()
            except StoreUnavailable:
                return Sums()
            return Sums(up=True, work=self._kept.answer.work)


def next_count(began: float, ended: float, *, every: float = COUNTS_SECONDS) -> float:
    """When to count again, by the clock of when the last count began and ended, in seconds."""
    return max(began + every, ended + (ended - began) / COUNTING_SHARE)
