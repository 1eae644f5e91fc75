"""The queue of one account: who may be sent to next, and whether the account may send at all."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from publishers.look import Look
from publishers.missed import MissedSearch
from publishers.rate import AccountBudget
from publishers.rules import SendingRules
from vestlus.store.rows import SendRow

#: Ambiguous outcomes in a row that are taken for an outage.
AMBIGUOUS_IN_A_ROW = 3


class Lane:
    """The waiting heads of one account's conversations: nearest deadline first.

    After a pause it opens by halves: one request at a time, until one shows that Instagram
    takes them again. From the pause until then it is stopped: ``stopped`` is called when that
    begins, ``opened`` when it ends and when a pause is lifted. State is touched by the worker's
    tasks of one loop only, never across an await.
    """

    def __init__(
        self,
        account: str,
        budget: AccountBudget,
        rules: SendingRules,
        *,
        stopped: Callable[[Lane], None],
        opened: Callable[[], None],
    ) -> None:
        self.account = account
        self.budget = budget
        self.looks: dict[str, Look] = {}
        #: Looks for missed messages, where somebody wants that of this account.
        self.search: MissedSearch | None = None
        #: A conversation is being read. One at a time: see :meth:`AccountBudget.spent`.
        self.reading = False
        self.in_flight = 0
        self.unwritten = 0
        #: Something changed that may let the next one go.
        self.changed = asyncio.Event()
        self._rules = rules
        self._on_stopped = stopped
        self._on_opened = opened
        self._ready: list[tuple[int, int, SendRow]] = []
        self._later: list[tuple[int, int, SendRow]] = []
        self._order = count()
        self._half_open = False
        #: When a pause was lifted last, milliseconds since 1970.
        self._lifted_ms = -1
        #: Pauses in a row because nothing answered.
        self._unreachable = 0
        #: Ambiguous outcomes in a row.
        self._ambiguous = 0

    @property
    def waiting(self) -> int:
        """Rows that wait for their turn."""
        return len(self._ready) + len(self._later)

    @property
    def stopped(self) -> bool:
        """Whether the account is paused, or only tried by single requests."""
        return self._half_open

    def has_room(self, now_ms: int) -> bool:
        """Whether more rows are wanted: while stopped, one that is due when the pause ends."""
        if not self._half_open:
            return self.waiting + len(self.looks) < self._rules.known
        return not self._ready and not (self._later and self._later[0][0] <= self._probe_ms(now_ms))

    def takes(self, row: SendRow, now_ms: int) -> bool:
        """Whether this PENDING row is wanted."""
        goes = not self._half_open or self._due_ms(row) <= self._probe_ms(now_ms)
        return goes and self.has_room(now_ms)

    def surplus(self, now_ms: int, dying_ms: int) -> list[SendRow]:
        """Takes out what is not needed while stopped.

        What expires before ``dying_ms`` stays, and one row for the next probe.
        """
        self._promote(now_ms)
        queued = [*self._ready, *self._later]
        # The nearest deadline of those that can go, else the first that will.
        kept = {row.id for _, _, row in (self._ready or self._later)[:1]}
        kept |= {row.id for _, _, row in queued if row.deadline_ms < dying_ms}
        for heap in (self._ready, self._later):
            heap[:] = [one for one in heap if one[2].id in kept]
            heapq.heapify(heap)
        return [row for _, _, row in queued if row.id not in kept]

    def add(self, row: SendRow, now_ms: int) -> None:
        """Queues a PENDING row, for now or for its due time; what expires before is due then."""
        due_ms = self._due_ms(row)
        if due_ms > now_ms:
            heapq.heappush(self._later, (due_ms, next(self._order), row))
        else:
            heapq.heappush(self._ready, (row.deadline_ms, next(self._order), row))
        self.changed.set()

    def is_idle(self, now_ms: int) -> bool:
        """Whether no row waits that could go now."""
        self._promote(now_ms)
        return not self._ready

    def pop(self, now_ms: int) -> SendRow | None:
        """Takes the due row with the nearest deadline."""
        self._promote(now_ms)
        return heapq.heappop(self._ready)[2] if self._ready else None

    def pop_expired(self, now_ms: int) -> SendRow | None:
        """Takes a due row whose deadline has passed; needs neither token nor slot."""
        self._promote(now_ms)
        if self._ready and self._ready[0][0] < now_ms:
            return heapq.heappop(self._ready)[2]
        return None

    def open_wait(self, now_ms: int) -> float:
        """Seconds until the next row may be sent or expires, as far as time alone decides.

        0 for now, infinity for "not before something changes".
        """
        self._promote(now_ms)
        waits = [math.inf]
        if self._later:
            waits.append((self._later[0][0] - now_ms) / 1000)
        if self._ready:
            # One millisecond more, since a row may still be sent at its deadline.
            waits.append((self._ready[0][0] + 1 - now_ms) / 1000)
            if self._has_slot():
                waits.append(self.budget.paused_seconds())
        return max(0.0, min(waits))

    def stop(self, seconds: float) -> None:
        """Pauses the account; afterwards one request goes first, alone."""
        self.budget.pause(seconds)
        self._half_open = True
        self._on_stopped(self)
        self.changed.set()

    def usage(self, percent: float, regain_seconds: float) -> None:
        """Follows Meta's usage headers, which may stop the account."""
        self.budget.usage(percent, regain_seconds)
        if paused := self.budget.paused_seconds():
            self.stop(paused)
        self.changed.set()

    def may_send(self) -> bool:
        """Whether the account may send one more at this moment."""
        return self._has_slot() and not self.budget.paused_seconds()

    def may_claim(self) -> bool:
        """Whether a row that is in flight, and was made ready meanwhile, may go on."""
        alone = not self._half_open or self.in_flight == 1
        return (
            alone and self.unwritten <= self._rules.unwritten and not self.budget.paused_seconds()
        )

    def resume(self, now_ms: int) -> None:
        """Lifts a pause: what was put off because of it is due now."""
        self.budget.resume()
        self._lifted_ms = now_ms
        later, self._later = self._later, []
        for _, _, row in later:
            self.add(row, now_ms)
        for look in self.looks.values():
            look.read_ms = min(look.read_ms, now_ms)
        self._on_opened()
        self.changed.set()

    def stop_unreachable(self) -> float:
        """Pauses the account because its request reached nobody; longer each time.

        Requests that fail together count once. Returns the seconds until it goes on.
        """
        if not (paused := self.budget.paused_seconds()):
            longest = self._rules.longest_unreachable_seconds
            paused = min(
                self._rules.unreachable_seconds * 2.0 ** min(self._unreachable, 16), longest
            )
            self._unreachable += 1
            self.stop(paused)
        return paused

    def ambiguous(self) -> None:
        """A request got no usable answer; several in a row pause the account.

        Each costs its row a look and the one resend it has: an outage must not spend them all.
        """
        self._ambiguous += 1
        if self._ambiguous >= AMBIGUOUS_IN_A_ROW:
            self.stop_unreachable()

    def answered(self) -> None:
        """Instagram took a request and said something about that request only."""
        self._ambiguous = 0
        self._unreachable = 0
        # While paused, the answer is to a request that was made before.
        if self._half_open and not self.budget.paused_seconds():
            self._half_open = False
            self._on_opened()
        self.changed.set()

    def due_look(self, now_ms: int) -> Look | None:
        """The oldest ambiguous send for which a listing is due."""
        due = [look for look in self.looks.values() if not look.busy and look.read_ms <= now_ms]
        return min(due, key=lambda look: look.row.attempted_ms, default=None)

    def look_wait(self, now_ms: int) -> float:
        """Seconds until a listing may be read; infinity for "not before something changes"."""
        if self.reading:
            return math.inf
        due = [look.read_ms for look in self.looks.values() if not look.busy]
        if not due:
            return math.inf
        return max((min(due) - now_ms) / 1000, self.budget.paused_seconds(), 0.0)

    def search_wait(self, now_ms: int) -> float:
        """Seconds until a call may be made for missed messages. Ambiguous sends go first."""
        if self.reading or self.search is None:
            return math.inf
        return max(self.search.wait(now_ms), self.budget.paused_seconds(), 0.0)

    async def until_changed(self, seconds: float) -> None:
        """Waits for :attr:`changed`, at most so long; infinity is for ever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if seconds == math.inf else seconds):
                await self.changed.wait()

    def _due_ms(self, row: SendRow) -> int:
        # What was put off before the pause was lifted was perhaps put off because of it.
        if 0 < row.attempted_ms <= self._lifted_ms:
            return 0
        return min(row.due_ms, row.deadline_ms + 1)

    def _probe_ms(self, now_ms: int) -> int:
        """When the next probe may go, and a second: rows are put off by another clock."""
        return now_ms + round(self.budget.paused_seconds() * 1000) + 1000

    def _has_slot(self) -> bool:
        if self._half_open:
            return self.in_flight == 0
        return self.in_flight < self._rules.in_flight and self.unwritten < self._rules.unwritten

    def _promote(self, now_ms: int) -> None:
        while self._later and self._later[0][0] <= now_ms:
            row = heapq.heappop(self._later)[2]
            heapq.heappush(self._ready, (row.deadline_ms, next(self._order), row))
