"""The queue of one account: who may be sent to next, and whether the account may send at all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from publishers.outage import Outage
from publishers.rate import AccountBudget
from publishers.readings import Readings
from publishers.rules import SendingRules
from publishers.waiting import Waiting
from vestlus.instagram.usage import Usage
from vestlus.store.rows import SendRow


class Lane:
    """The waiting heads of one account's conversations, in the order of :class:`Waiting`.

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
        self.readings = Readings(budget)
        self.in_flight = 0
        self.unwritten = 0
        #: Something changed that may let the next one go.
        self.changed = asyncio.Event()
        self._rules = rules
        self._on_stopped = stopped
        self._on_opened = opened
        self._rows = Waiting()
        self._half_open = False
        #: When a pause was lifted last, milliseconds since 1970.
        self._lifted_ms = -1
        self._outage = Outage(rules)

    @property
    def waiting(self) -> int:
        """Rows that wait for their turn."""
        return len(self._rows)

    @property
    def stopped(self) -> bool:
        """Whether the account is paused, or only tried by single requests."""
        return self._half_open

    def has_room(self, now_ms: int) -> bool:
        """Whether more rows are wanted: while stopped, one that is due when the pause ends."""
        if not self._half_open:
            return self.waiting + len(self.readings.looks) < self._rules.known
        due_ms = now_ms if self._rows.is_due else self._rows.next_due_ms
        return due_ms is None or due_ms > self._probe_ms(now_ms)

    def takes(self, row: SendRow, now_ms: int) -> bool:
        """Whether this PENDING row is wanted."""
        goes = not self._half_open or self._due_ms(row) <= self._probe_ms(now_ms)
        return goes and self.has_room(now_ms)

    def surplus(self, now_ms: int, dying_ms: int) -> list[SendRow]:
        """Takes out what is not needed while stopped.

        What expires before ``dying_ms`` stays, and one row for the next probe.
        """
        self._rows.promote(now_ms)
        rows = self._rows.rows()
        kept = {row.id for row in rows if row.deadline_ms < dying_ms}
        # The next one that can go, else the first that will.
        if (probe := self._rows.one()) is not None:
            kept.add(probe.id)
        self._rows.keep(kept)
        return [row for row in rows if row.id not in kept]

    def add(self, row: SendRow, now_ms: int) -> None:
        """Queues a PENDING row, for now or for its due time; what expires before is due then."""
        self._rows.add(row, self._due_ms(row), now_ms)
        self.changed.set()

    def is_idle(self, now_ms: int) -> bool:
        """Whether no row waits that could go now."""
        self._rows.promote(now_ms)
        return not self._rows.is_due

    def pop(self, now_ms: int) -> SendRow | None:
        """Takes the due row whose turn it is."""
        self._rows.promote(now_ms)
        return self._rows.pop()

    def pop_expired(self, now_ms: int) -> SendRow | None:
        """Takes a due row whose deadline has passed; needs neither token nor slot."""
        self._rows.promote(now_ms)
        return self._rows.pop_expired(now_ms)

    def open_wait(self, now_ms: int) -> float:
        """Seconds until the next row may be sent or expires, as far as time alone decides.

        0 for now, infinity for "not before something changes".
        """
        self._rows.promote(now_ms)
        waits = [math.inf]
        if (due_ms := self._rows.next_due_ms) is not None:
            waits.append((due_ms - now_ms) / 1000)
        if (deadline_ms := self._rows.nearest_deadline_ms) is not None:
            # One millisecond more, since a row may still be sent at its deadline.
            waits.append((deadline_ms + 1 - now_ms) / 1000)
            if self._has_slot():
                waits.append(self.budget.paused_seconds())
        return max(0.0, min(waits))

    def put_back(self, row: SendRow, due_ms: int, now_ms: int) -> None:
        """Queues a row of which nothing was written, for then: no pause had to do with that."""
        row = replace(row, due_ms=due_ms)
        self._rows.add(row, min(due_ms, row.deadline_ms + 1), now_ms)
        self.changed.set()

    def stop_until_renewed(self) -> float:
        """Pauses the account because a person has to see to it or to its token: until it has a new
        one, or is tried again. Returns the seconds until it is tried.
        """
        self.stop(self._rules.token_probe_seconds, until_renewed=True)
        return self._rules.token_probe_seconds

    def stop(self, seconds: float, *, until_renewed: bool = False) -> None:
        """Pauses the account; afterwards one request goes first, alone."""
        self.budget.pause(seconds, until_renewed=until_renewed)
        self._half_open = True
        self._on_stopped(self)
        self.changed.set()

    def usage(self, usage: Usage) -> None:
        """Follows Meta's usage headers, which may stop the account."""
        if seconds := self.budget.usage(usage):
            self.stop(seconds)

    def may_send(self) -> bool:
        """Whether the account may send one more at this moment."""
        return self._has_slot() and not self.budget.paused_seconds()

    def held_up_seconds(self, now_ms: int) -> float:
        """How long a row has been due that the account could send at once: it waits for this
        process, or for the store. 0 while the account's rate, its pause or the requests that
        Instagram has not answered hold it up.
        """
        self._rows.promote(now_ms)
        since_ms = self._rows.due_since_ms
        if since_ms is None or self._half_open or not self._has_answers():
            return 0.0
        if not self.budget.has_saved():
            return 0.0
        return max(0.0, (now_ms - since_ms) / 1000)

    def may_claim(self) -> bool:
        """Whether a row that is in flight, and was made ready meanwhile, may go on."""
        alone = not self._half_open or self.in_flight == 1
        return (
            alone and self.unwritten <= self._rules.unwritten and not self.budget.paused_seconds()
        )

    def resume(self, now_ms: int) -> None:
        """There is a new token: if the account waits for one, what was put off because of that is
        due now. What pauses it besides goes on.
        """
        if not self.budget.resume():
            return
        self._lifted_ms = now_ms
        for row in self._rows.take_later():
            self.add(row, now_ms)
        self.readings.put_forward(now_ms)
        self._on_opened()
        self.changed.set()

    def stop_unreachable(self) -> float:
        """Pauses the account because its request reached nobody; longer each time.

        Requests that fail together count once. Returns the seconds until it goes on.
        """
        if not (paused := self.budget.paused_seconds()):
            paused = self._outage.next_pause()
            self.stop(paused)
        return paused

    def ambiguous(self) -> None:
        """A request got no usable answer; several in a row pause the account.

        Each costs its row a look and the one resend it has: an outage must not spend them all.
        """
        if self._outage.ambiguous():
            self.stop_unreachable()

    def answered(self) -> None:
        """Instagram took a request and said something about that request only."""
        self._outage.over()
        # While paused, the answer is to a request that was made before.
        if self._half_open and not self.budget.paused_seconds():
            self._half_open = False
            self._on_opened()
            self.changed.set()

    def written(self) -> None:
        """A claimed row's request was written, or will not be: its place is for others."""
        full = self.unwritten >= self._rules.unwritten
        self.unwritten -= 1
        if full:
            self.changed.set()

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
        return self._has_answers() and self.unwritten < self._rules.unwritten

    def _has_answers(self) -> bool:
        """Whether what was asked of Instagram is answered as far as the next request needs it."""
        if self.readings.holds_sends:
            return False
        if self._half_open:
            return self.in_flight == 0
        return self.in_flight < self._rules.in_flight
