"""Places for turns under way, so many and no more; who waits for one, waits in a fair line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from vestlus.fairness import FairLine
from vestlus.hosting.mailbox import Mailbox
from vestlus.measuring.catalogue import TURN_SECONDS, of

_QUEUED = of(TURN_SECONDS, "queued")

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process holds in memory."""

    #: Turns under way at a time: 2 s of a model at 1,000 messages a second.
    turns: int = 2_000
    #: Conversations that wait for one of these. They keep no messages: some 20 MB. Beyond,
    #: nothing more is taken in, and the bus holds the rest.
    waiting: int = 20_000
    #: Conversations at rest in memory, beyond which those unused for longest are dropped before
    #: their time; and what these may take. With 20 messages each, one takes some 5 KB.
    live: int = 100_000
    live_bytes: int = 700 * MEGABYTE


class Places:
    """Hands out the places; ``begin`` is called for whoever gets one.

    Of those who wait, one of each account goes in turn, and of one account who has waited for
    longest. Whoever has more to do after a turn waits behind those of its account who wait
    already. So a user's flood takes one place at a time and one turn in each round of its
    account's users, and an account's flood one turn in each round of the accounts.
    """

    def __init__(self, limits: Limits, begin: Callable[[Mailbox], None]) -> None:
        self._limits = limits
        self._begin = begin
        self._taken = 0
        self._waiting = FairLine[Mailbox]()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting_seconds(self) -> float:
        """How long whoever waits for longest has waited. Looks at all of them."""
        now = time.monotonic()
        return max((now - box.queued_since for box in self._waiting), default=0.0)

    async def room(self) -> None:
        """Returns when no more wait than may."""
        await self._room.wait()

    def ask(self, box: Mailbox) -> None:
        """Gives the mailbox a place, now or in its turn; while it waits it keeps nothing."""
        if self._waiting or self._taken >= self._limits.turns:
            box.lighten()
            box.queued, box.queued_since = True, time.monotonic()
            # One that was not loaded yet has no account here: they take turns as one party.
            self._waiting.put(box.account, box)
            self._note()
            return
        _QUEUED.observe(0.0)
        self._give(box)

    def leave(self) -> None:
        """A place is free."""
        self._taken -= 1
        while self._waiting and self._taken < self._limits.turns:
            box = self._waiting.take()
            box.queued = False
            if not box.stopped:
                _QUEUED.observe(time.monotonic() - box.queued_since)
                self._give(box)
        self._note()

    def purge(self) -> None:
        """Those who were stopped do not wait any more."""
        self._waiting.keep(lambda box: not box.stopped)
        self._note()

    def _give(self, box: Mailbox) -> None:
        self._taken += 1
        self._begin(box)

    def _note(self) -> None:
        if len(self._waiting) < self._limits.waiting:
            self._room.set()
        else:
            self._room.clear()
