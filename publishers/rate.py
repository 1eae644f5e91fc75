"""How often one account may call: a token bucket per class of call, and pauses for all of them.

The bucket is a generic cell rate algorithm (GCRA): its whole state is one time, the theoretical
arrival time of the next call, and nothing runs in the background.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

#: Shortest sleep between two looks at a bucket. Sleeping less could end before the clock moves.
_SHORTEST_SLEEP = 0.0005

#: Longest one, so that a pause that is lifted early is noticed.
_LONGEST_SLEEP = 0.5

#: Below this much usage of Meta's own limit, in percent, nothing is slowed down. The own rates
#: keep within 98 % of a limit that is counted by the second.
USAGE_UNNOTICED = 95.0

#: The part of the rate that is left at 100 % of Meta's own limit. Not less, since the headers do
#: not say which class of call it is that is near its limit; who goes over it is told by an error.
SLOWEST_FACTOR = 0.5

#: How long to stop above 100 % where Meta states no time, seconds.
REGAIN_SECONDS = 60.0


class CallKind(StrEnum):
    """The classes of call that Instagram counts apart."""

    #: Every message, pictures included: Meta's total for messages names no exception.
    TEXT = "text"
    #: Messages of pictures, besides.
    PICTURES = "pictures"
    UPLOAD = "upload"
    #: Calls of the Conversations API.
    LOOK = "look"
    #: Calls of the Content Publishing API: containers, their status, publishing.
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``rate`` calls a second on average, and ``burst`` of them at once."""

    rate: float
    burst: int = 1

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.burst >= 1):
            message = "a limit needs a rate above 0 and a burst of at least 1"
            raise ValueError(message)

    @classmethod
    def at_most(cls, per_second: int, *, burst: int = 1) -> Self:
        """A limit that no second ever exceeds, wherever that second is taken to begin.

        The burst comes out of the same allowance, and 5 % of the time of one call is left for
        what happens to a request between here and Instagram.
        """
        return cls(rate=per_second - burst + 0.95, burst=burst)


class Bucket:
    """The pure part: when the next call may be made. ``now`` is monotonic, in seconds.

    In any stretch of time of ``w`` seconds at most ``floor(rate * w) + burst`` calls are
    granted. It starts empty: the holder before this one may just have spent its burst.
    """

    def __init__(self, limit: Limit, now: float) -> None:
        self._spacing = 1.0 / limit.rate
        self._tolerance = (limit.burst - 1) * self._spacing
        self._arrival = now + limit.burst * self._spacing

    def wait(self, now: float) -> float:
        """Seconds until a call would be granted, 0 for now."""
        return max(0.0, self._arrival - self._tolerance - now)

    def take(self, now: float, *, factor: float = 1.0) -> bool:
        """Grants a call, or says that it is too early. ``factor`` slows down: 0 < factor <= 1."""
        if self.wait(now) > 0:
            return False
        self._arrival = max(self._arrival, now) + self._spacing / factor
        return True

    def reserve(self, now: float, *, factor: float = 1.0) -> float:
        """Grants a call for later; returns in how many seconds it may be made."""
        wait = self.wait(now)
        self._arrival = max(self._arrival, now) + self._spacing / factor
        return wait

    def give_back(self) -> None:
        """The call that was granted last was not made."""
        self._arrival -= self._spacing

    def is_full(self, now: float) -> bool:
        """Whether nobody has called for so long that a whole burst is saved up."""
        return self._arrival <= now

    def empty(self, now: float) -> None:
        """Takes away what has been saved up: the next call is one spacing away, or further."""
        self._arrival = max(self._arrival, now + self._tolerance + self._spacing)


def usage_factor(percent: float) -> float:
    """The part of the own rate to use when that much of Meta's limit is used up."""
    if percent <= USAGE_UNNOTICED:
        return 1.0
    left = (100.0 - min(percent, 100.0)) / (100.0 - USAGE_UNNOTICED)
    return SLOWEST_FACTOR + (1.0 - SLOWEST_FACTOR) * left


class AccountBudget:
    """What one account may still do. Lives in the process that holds the account's lease.

    A request is metered twice. :meth:`take` admits it, before its row is claimed in the ledger.
    :meth:`pace` meters it again just before it is written: claims are committed in groups and
    come back together, and a store that stalls would otherwise let go a crowd at once.

    A message of pictures needs the right to a message and, besides, the right to pictures.
    """

    def __init__(self, limits: Mapping[CallKind, Limit], monotonic: Callable[[], float]) -> None:
        now = monotonic()
        self._monotonic = monotonic
        self._admission = {kind: Bucket(limits[kind], now) for kind in CallKind}
        self._queues = {kind: asyncio.Lock() for kind in CallKind}
        written = (CallKind.TEXT, CallKind.PICTURES)
        self._wire = {kind: Bucket(limits[kind], now) for kind in written}
        self._wire_queues = {kind: asyncio.Lock() for kind in written}
        self._factor = 1.0
        self._paused_until = -math.inf
        #: Pauses of single classes.
        self._class_paused_until = dict.fromkeys(CallKind, -math.inf)
        self._extras_paused_until = -math.inf

    def paused_seconds(self) -> float:
        """How long nothing may be called, 0 when calls are allowed."""
        return max(0.0, self._paused_until - self._monotonic())

    def pause(self, seconds: float) -> None:
        """Stops every class of call for so long; a longer pause that runs already stays."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def pause_class(self, kind: CallKind, seconds: float) -> None:
        """Stops one class alone: Meta limits looks and uploads apart from sending."""
        until = self._monotonic() + seconds
        self._class_paused_until[kind] = max(self._class_paused_until[kind], until)

    def pause_extras(self, seconds: float) -> None:
        """Grants no :meth:`take_spare` for so long."""
        self._extras_paused_until = max(self._extras_paused_until, self._monotonic() + seconds)

    def resume(self) -> None:
        """Lifts a pause."""
        self._paused_until = -math.inf

    def usage(self, percent: float, regain_seconds: float = 0.0) -> None:
        """Follows Meta's usage headers (Meta, "Graph API rate limiting").

        Slows down when near the limit. Stops above it, or when Meta says that access is lost:
        until ``regain_seconds`` have passed.
        """
        self._factor = usage_factor(percent)
        if regain_seconds > 0 or percent > 100.0:  # noqa: PLR2004 - percent
            self.pause(regain_seconds or REGAIN_SECONDS)

    async def take(self, kind: CallKind, calls: int = 1) -> None:
        """Waits for the right to that many calls; first come, first served.

        Cancelling spends nothing but what was granted already.
        """
        async with self._queues[kind]:
            await asyncio.sleep(max(0.0, self._class_paused_until[kind] - self._monotonic()))
            for _ in range(calls):
                await self._granted(self._admission[kind], math.inf)

    def unused(self, kind: CallKind) -> None:
        """What was taken last was not made use of, and is there for others."""
        self._admission[kind].give_back()

    def reserve(self, kind: CallKind) -> float:
        """Takes the right to one call, made no sooner than in as many seconds as returned."""
        return self._admission[kind].reserve(self._monotonic(), factor=self._factor)

    async def take_within(self, kind: CallKind, longest: float) -> bool:
        """Waits for the right to one call, if that takes no longer than so many seconds.

        False, at once and with nothing spent, when it would, or while calls are paused.
        """
        now = self._monotonic()
        wait = max(self._admission[kind].wait(now), self._class_paused_until[kind] - now)
        if self.paused_seconds() or wait > longest:
            return False
        self.reserve(kind)
        await asyncio.sleep(wait)
        return not self.paused_seconds()

    def take_spare(self) -> bool:
        """Takes the right to a call that no message will miss; False when there is none.

        There is one while a whole burst is saved up, so that the next message need not wait.
        """
        now = self._monotonic()
        buckets = (self._admission[CallKind.TEXT], self._wire[CallKind.TEXT])
        if self._factor < 1.0 or max(self._paused_until, self._extras_paused_until) > now:
            return False
        if not all(bucket.is_full(now) for bucket in buckets):
            return False
        return all(bucket.take(now) for bucket in buckets)

    def spent(self, kind: CallKind) -> None:
        """What was taken has been used up just now, and not when it was taken.

        For work of several calls, of which only the first is made at a known time: with one such
        work at a time, no second holds more calls than it may.
        """
        self._admission[kind].empty(self._monotonic())

    async def pace(self, longest: float, kind: CallKind = CallKind.TEXT) -> bool:
        """Waits for the moment at which an admitted message may be written.

        False when that is not within ``longest`` seconds, or the account was paused meanwhile.
        """
        until = self._monotonic() + longest
        if kind is not CallKind.TEXT:
            async with self._wire_queues[kind]:
                if not await self._granted(self._wire[kind], until):
                    return False
        async with self._wire_queues[CallKind.TEXT]:
            return await self._granted(self._wire[CallKind.TEXT], until)

    async def _granted(self, bucket: Bucket, until: float) -> bool:
        while True:
            now = self._monotonic()
            paused = self._paused_until - now
            if paused <= 0 and bucket.take(now, factor=self._factor):
                return True
            if now >= until or (paused > 0 and until < math.inf):
                return False
            wait = max(bucket.wait(now), paused)
            await asyncio.sleep(max(_SHORTEST_SLEEP, min(wait, _LONGEST_SLEEP, until - now)))
