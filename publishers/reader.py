"""Reading the ledger: which row of each conversation is the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from publishers.book import LedgerBook
from publishers.rules import SendingRules
from vestlus.errors import StoreUnavailable
from vestlus.messages import SendReference
from vestlus.store.rows import SendRow

_log = structlog.get_logger(__name__)

#: Rows named in one reading; SQLite and PostgreSQL both take more.
_IDS_AT_ONCE = 500

#: Between tries while the store does not answer.
_RETRY_SECONDS = 1.0


class LedgerReader:
    """Hands each conversation's first unfinished row to ``learn``, once at a time.

    A conversation is in hand from then until :meth:`again` says that its row is through; it is
    read anew at once, so that its next row follows without waiting for a bell.
    """

    def __init__(
        self,
        book: LedgerBook,
        rules: SendingRules,
        monotonic: Callable[[], float],
        learn: Callable[[SendRow], None],
    ) -> None:
        self._book = book
        self._rules = rules
        self._monotonic = monotonic
        self._learn = learn
        self._in_hand: set[str] = set()
        #: Rows whose conversations are to be read.
        self._wanted: set[str] = set()
        self._wake = asyncio.Event()
        #: Conversations that were let go while a reading was under way: it may be out of date.
        self._overtaken: set[str] = set()
        self._page = rules.page

    def ring(self, sends: Iterable[SendReference]) -> None:
        """These rows were just written. Losing a ring delays until the next reading."""
        for send in sends:
            if send.conversation not in self._in_hand and len(self._in_hand) < self._rules.known:
                self._wanted.add(send.ledger_id)
        if self._wanted:
            self._wake.set()

    def again(self, row: SendRow) -> None:
        """A step was made with this row; its conversation is to be read anew."""
        self._in_hand.discard(row.conversation)
        self._overtaken.add(row.conversation)
        self._wanted.add(row.id)
        self._wake.set()

    async def run(self) -> None:
        """Reads on a bell, after each step, at once at the start, and every ``poll_seconds``."""
        poll_at = self._monotonic()
        while True:
            self._wake.clear()
            try:
                if self._monotonic() >= poll_at:
                    await self._read_page()
                    poll_at = self._monotonic() + self._poll_seconds()
                elif self._wanted:
                    await asyncio.sleep(self._rules.group_seconds)
                    await self._read_wanted()
            except StoreUnavailable:
                _log.warning("ledger_not_readable")
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if not self._wanted:
                await self._wait(poll_at - self._monotonic())

    def _poll_seconds(self) -> float:
        """Very long pages are read less often; bells tell of new rows all the same."""
        return self._rules.poll_seconds * max(1.0, self._page / (4 * self._rules.page))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _read_page(self) -> None:
        self._overtaken.clear()
        rows = await self._book.heads(self._page)
        new = self._take(rows)
        if len(rows) == self._page and not new:
            # A full page of what is in hand already: others may be hidden behind it.
            self._page = min(self._page * 2, self._rules.longest_page)
        elif len(rows) < self._page // 4:
            self._page = max(self._page // 2, self._rules.page)

    async def _read_wanted(self) -> None:
        ids = list(self._wanted)[:_IDS_AT_ONCE]
        self._overtaken.clear()
        rows = await self._book.heads(len(ids), ids)
        let_go = {row.id for row in rows if row.conversation in self._overtaken}
        self._wanted.difference_update(set(ids) - let_go)
        self._take(rows)

    def _take(self, rows: Sequence[SendRow]) -> int:
        new = [
            row
            for row in rows
            if row.conversation not in self._in_hand and row.conversation not in self._overtaken
        ]
        for row in new:
            self._in_hand.add(row.conversation)
            self._learn(row)
        return len(new)
