"""Reading the ledger: which row of each conversation is the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

import structlog

from publishers.book import LedgerBook
from publishers.rules import SendingRules
from vestlus.errors import StoreUnavailable
from vestlus.messages import SendReference
from vestlus.store.rows import SendRow

_log = structlog.get_logger(__name__)

#: Rows named in one reading; SQLite and PostgreSQL both take more.
_IDS_AT_ONCE = 500

#: Rung rows that wait to be read. What is rung beyond is found by the next reading.
_MOST_WANTED = 10_000

#: Between tries while the store does not answer.
_RETRY_SECONDS = 1.0


class Room(Protocol):
    """How much of each account is wanted; :class:`~publishers.lanes.Lanes`."""

    def dying_ms(self) -> int:
        """Rows with a deadline before this time are taken whatever the room."""
        ...

    def has_room(self, account: str) -> bool:
        """Whether one more row of the account is wanted."""
        ...

    def takes(self, row: SendRow) -> bool:
        """Whether this row is wanted."""
        ...

    def without_room(self) -> set[str]:
        """Accounts of which no more rows are wanted."""
        ...

    def stopped(self) -> set[str]:
        """Accounts that may not send, or are only tried."""
        ...

    def is_busy(self, account: str) -> bool:
        """Whether the account can do without more rows for a moment."""
        ...


class LedgerReader:
    """Hands each conversation's first unfinished row to ``learn``, once at a time.

    A conversation is in hand from then until :meth:`again` says that its row is through, or
    :meth:`let_go` that it is not wanted now. After :meth:`again` it is read anew at once, so
    that its next row follows without waiting for a bell.

    Accounts that have rows enough, or are stopped, are left out of the readings: their rows,
    however many and however near their deadlines, hide nobody else's. So that windows which
    close meanwhile are given up on time, a sweep every ``sweep_seconds`` reads the nearest
    deadlines of all accounts and takes what expires before the sweep after next. Only what is
    hidden behind ``longest_page`` other such rows is given up one sweep or more too late; it is
    never sent.

    What people wrote is read apart, before each such reading: by its deadline it would come after
    everything of the bot's that waits.
    """

    def __init__(
        self,
        book: LedgerBook,
        rules: SendingRules,
        monotonic: Callable[[], float],
        learn: Callable[[SendRow], None],
        room: Room,
    ) -> None:
        self._book = book
        self._rules = rules
        self._monotonic = monotonic
        self._learn = learn
        self._room = room
        self._in_hand: set[str] = set()
        #: Rows whose conversations are to be read.
        self._wanted: set[str] = set()
        self._wake = asyncio.Event()
        #: Conversations that were let go while a reading was under way: it may be out of date.
        self._overtaken: set[str] = set()
        self._page = rules.page
        self._poll_at = monotonic()
        self._sweep_at = monotonic() + rules.sweep_seconds

    def ring(self, sends: Iterable[SendReference]) -> None:
        """These rows were just written. Losing a ring delays until the next reading."""
        for send in sends:
            if len(self._wanted) >= _MOST_WANTED:
                break
            if send.conversation not in self._in_hand and self._room.has_room(send.account):
                self._wanted.add(send.ledger_id)
        if self._wanted:
            self._wake.set()

    def again(self, row: SendRow) -> None:
        """A step was made with this row; its conversation is to be read anew."""
        self._in_hand.discard(row.conversation)
        self._overtaken.add(row.conversation)
        self._wanted.add(row.id)
        self._wake.set()

    def let_go(self, rows: Iterable[SendRow]) -> None:
        """No step was made with these rows, and they are not at hand any more."""
        self._in_hand.difference_update(row.conversation for row in rows)

    def hurry(self) -> None:
        """There is room for an account whose rows were left in the ledger: reads at once."""
        self._poll_at = self._monotonic()
        self._wake.set()

    async def run(self) -> None:
        """Reads on a bell, after each step, at once at the start, and every ``poll_seconds``."""
        while True:
            self._wake.clear()
            try:
                await self._read()
            except StoreUnavailable:
                _log.warning("ledger_not_readable")
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if not self._wanted:
                await self._wait(min(self._poll_at, self._sweep_at) - self._monotonic())

    async def _read(self) -> None:
        if (now := self._monotonic()) >= self._poll_at:
            # Set first: whoever hurries during the reading may want another.
            self._poll_at = now + self._poll_seconds()
            try:
                await self._read_pages()
            except StoreUnavailable:
                self._poll_at = now
                raise
        if now >= self._sweep_at:
            await self._sweep()
            self._sweep_at = now + self._rules.sweep_seconds
        if self._wanted:
            await self._read_wanted()

    def _poll_seconds(self) -> float:
        """Very long pages are read less often; bells tell of new rows all the same."""
        return self._rules.poll_seconds * max(1.0, self._page / (4 * self._rules.page))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _read_pages(self) -> None:
        """Reads until a page is not full, without the accounts that would fill the next one.

        Ends: each page brings many new rows, of which accounts take no more than they have room
        for, or makes the next one leave out another account, or is the last.
        """
        self._overtaken.clear()
        self._take(await self._book.people(self._page, self._room.stopped()))
        left_out = self._room.without_room()
        rows = await self._heads(self._page, left_out)
        full, new = len(rows) >= self._page, self._take(rows)
        if not full and len(rows) < self._page // 4:
            self._page = max(self._page // 2, self._rules.page)
        while full:
            more = self._room.without_room()
            if new < self._page // 2:
                # Mostly what is in hand already: others may be hidden behind it.
                more |= {row.account for row in rows if self._room.is_busy(row.account)}
                if more <= left_out:
                    if not new:
                        self._page = min(self._page * 2, self._rules.longest_page)
                    return
            left_out |= more
            if self._wanted:
                await self._read_wanted()
            rows = await self._heads(self._page, left_out)
            full, new = len(rows) >= self._page, self._take(rows)

    async def _sweep(self) -> None:
        """Takes what expires soon, of stopped accounts too."""
        limit = self._rules.page
        while True:
            dying_ms = self._room.dying_ms()
            rows = await self._heads(limit)
            dying = [row for row in rows if row.deadline_ms < dying_ms]
            self._take(dying)
            if len(dying) < limit or limit >= self._rules.longest_page:
                return
            limit = min(limit * 2, self._rules.longest_page)

    async def _read_wanted(self) -> None:
        ids = list(self._wanted)[:_IDS_AT_ONCE]
        self._overtaken.clear()
        rows = await self._book.heads_of(ids)
        let_go = {row.id for row in rows if row.conversation in self._overtaken}
        self._wanted.difference_update(set(ids) - let_go)
        self._take(rows)

    async def _heads(self, limit: int, left_out: Collection[str] = ()) -> tuple[SendRow, ...]:
        self._overtaken.clear()
        return await self._book.heads(limit, without_accounts=left_out)

    def _take(self, rows: Sequence[SendRow]) -> int:
        new = 0
        for row in rows:
            if row.conversation in self._in_hand or row.conversation in self._overtaken:
                continue
            if self._room.takes(row):
                new += 1
                self._in_hand.add(row.conversation)
                self._learn(row)
        return new
