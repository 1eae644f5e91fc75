"""How often one account may call: a bucket per class of call, and pauses for all of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from publishers.bucket import Bucket, Limit
from publishers.usage import KnownUsage
from vestlus.instagram.usage import Usage

#: Shortest sleep between two looks at a bucket. Sleeping less could end before the clock moves.
_SHORTEST_SLEEP = 0.0005

#: Longest one, so that a pause that begins is noticed.
_LONGEST_SLEEP = 0.5

#: How far claims may be ahead of their requests, seconds.
_AHEAD_SECONDS = 0.05


class CallKind(StrEnum):
    """The classes of call that Instagram counts apart."""

    #: Every message, pictures included: Meta's total for messages names no exception.
    TEXT = "text"
    #: Messages of pictures, besides.
    PICTURES = "pictures"
    #: Typing, read marks and reactions, which count as messages too.
    ACTION = "action"
    UPLOAD = "upload"
    #: Calls of the Conversations API.
    LOOK = "look"
    #: Calls of the Content Publishing API: containers, their status, publishing.
    PUBLISH = "publish"


class AccountBudget:
    """What one account may still do. Lives in the process that holds the account's lease.

    A request is metered twice. :meth:`take` admits it, before its row is claimed in the ledger.
    :meth:`pace` meters it again at the moment at which it is written: claims come back from the
    store together, connections take their time, and an event loop that stalls would otherwise let
    go a crowd at once. Whoever has passed :meth:`pace` writes before anything else runs, so that
    at most one request is written later than it was granted, however long this process is frozen
    in between; the limit of messages has room for that one.

    A message of pictures needs the right to a message and, besides, the right to pictures; so
    does an action, with the right to actions, and an upload, with the right to uploads.
    """

    def __init__(
        self,
        limits: Mapping[CallKind, Limit],
        monotonic: Callable[[], float],
        *,
        since: float | None = None,
    ) -> None:
        """``since``: from when on nobody else called for this account; now, by default."""
        since = monotonic() if since is None else since
        self._monotonic = monotonic
        # A ceiling is for requests as they are written.
        self._admission = {
            kind: Bucket(replace(limits[kind], ceiling=None), since) for kind in CallKind
        }
        text = limits[CallKind.TEXT]
        # Claims may be ahead of their requests after a stall, which then do not wait for them.
        ahead = Limit(text.rate, text.burst + int(text.rate * _AHEAD_SECONDS))
        self._admission[CallKind.TEXT] = Bucket(ahead, since)
        # The holder before may have used up what these have for a second.
        self._admission[CallKind.LOOK].empty(since, math.ceil(limits[CallKind.LOOK].rate))
        self._queues = {kind: asyncio.Lock() for kind in CallKind}
        written = (CallKind.TEXT, CallKind.PICTURES, CallKind.ACTION, CallKind.UPLOAD)
        self._wire = {kind: Bucket(limits[kind], since) for kind in written}
        self._wire_queues = {kind: asyncio.Lock() for kind in written}
        self._usage = KnownUsage()
        #: What time alone ends.
        self._stopped_until = -math.inf
        #: What a new token ends too.
        self._unrenewed_until = -math.inf
        #: Pauses of single classes.
        self._class_paused_until = dict.fromkeys(CallKind, -math.inf)
        self._extras_paused_until = -math.inf

    def paused_seconds(self, kind: CallKind | None = None) -> float:
        """How long nothing may be called, or nothing of one class; 0 when calls are allowed."""
        until = self._paused_until
        if kind is not None:
            until = max(until, self._class_paused_until[kind])
        return max(0.0, until - self._monotonic())

    def pause(self, seconds: float, *, until_renewed: bool = False) -> None:
        """Stops every class of call for so long; a longer pause that runs already stays.

        ``until_renewed``: a new token may end it, see :meth:`resume`.
        """
        until = self._monotonic() + seconds
        if until_renewed:
            self._unrenewed_until = max(self._unrenewed_until, until)
        else:
            self._stopped_until = max(self._stopped_until, until)

    def pause_class(self, kind: CallKind, seconds: float) -> None:
        """Stops one class alone: Meta limits looks and uploads apart from sending."""
        until = self._monotonic() + seconds
        self._class_paused_until[kind] = max(self._class_paused_until[kind], until)

    def pause_extras(self, seconds: float) -> None:
        """Grants no :meth:`take_spare` for so long."""
        self._extras_paused_until = max(self._extras_paused_until, self._monotonic() + seconds)

    def resume(self) -> bool:
        """There is a new token: ends the pauses that only waited for one; whether any ran.

        Those that Meta asked for stay: calling while limited prolongs them (Meta, "Graph API rate
        limiting").
        """
        ran = self._unrenewed_until > self._monotonic()
        self._unrenewed_until = -math.inf
        return ran

    @property
    def _paused_until(self) -> float:
        return max(self._stopped_until, self._unrenewed_until)

    def usage(self, usage: Usage) -> float:
        """Follows Meta's usage headers (Meta, "Graph API rate limiting"); returns the seconds for
        which nothing may be called, 0 to go on.

        Slows down when near a limit. Stops at it, or when Meta says that access is lost: until it
        is regained.
        """
        if stop := self._usage.note(usage, self._monotonic()):
            self.pause(stop)
        return stop

    @property
    def _factor(self) -> float:
        return self._usage.factor(self._monotonic())

    async def take(self, kind: CallKind, calls: int = 1) -> bool:
        """Waits for the right to that many calls; first come, first served.

        False when the account or the class is paused or that begins: whoever waits has other things
        to see to than the end of a pause, which may be an hour away. What was granted of several
        calls is given back then, each as one at the full rate. Cancelling spends nothing but what
        was granted already.
        """
        async with self._queues[kind]:
            for taken in range(calls):
                if not await self._granted(self._admission[kind], math.inf, kind):
                    self.unused(kind, taken)
                    return False
        return True

    def unused(self, kind: CallKind, calls: int = 1) -> None:
        """What was taken last was not made use of, and is there for others: each call as one at the
        full rate, also where the account is slowed down and it was taken for longer.
        """
        for _ in range(calls):
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
        text, action = self._admission[CallKind.TEXT], self._admission[CallKind.ACTION]
        if self._factor < 1.0 or max(self._paused_until, self._extras_paused_until) > now:
            return False
        if not (text.is_full(now) and self._wire[CallKind.TEXT].is_full(now)):
            return False
        return action.take(now) and text.take(now)

    def has_saved(self) -> bool:
        """Whether messages could go faster than they do, as far as this budget decides."""
        now = self._monotonic()
        buckets = (self._admission[CallKind.TEXT], self._wire[CallKind.TEXT])
        return not self.paused_seconds() and all(one.has_saved(now) for one in buckets)

    def spent(self, kind: CallKind, calls: int = 1) -> None:
        """What was taken has been used up just now, and not when it was taken.

        For work of several calls, of which only the first is made at a known time: with one such
        work at a time, whatever the next one is, no second holds more calls than it may.
        """
        self._admission[kind].empty(self._monotonic(), calls)

    async def pace(self, longest: float, kind: CallKind = CallKind.TEXT) -> bool:
        """Waits for the moment at which an admitted request may be written.

        False when that is not within ``longest`` seconds, or the account was paused meanwhile.
        Nothing else runs between its return and the next thing that its caller awaits.
        """
        until = self._monotonic() + longest
        if kind is not CallKind.TEXT and kind in self._wire:
            async with self._wire_queues[kind]:
                if not await self._granted(self._wire[kind], until):
                    return False
        async with self._wire_queues[CallKind.TEXT]:
            return await self._granted(self._wire[CallKind.TEXT], until)

    async def _granted(self, bucket: Bucket, until: float, kind: CallKind | None = None) -> bool:
        while True:
            if self.paused_seconds(kind):
                return False
            now = self._monotonic()
            if bucket.take(now, factor=self._factor):
                return True
            if now >= until:
                return False
            wait = min(bucket.wait(now), _LONGEST_SLEEP, until - now)
            await asyncio.sleep(max(_SHORTEST_SLEEP, wait))
