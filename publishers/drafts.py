"""Drafts that nobody agreed to in time."""

from __future__ import annotations

import asyncio

import structlog

from publishers.book import LedgerBook
from publishers.reconcile import WINDOW_CLOSED
from publishers.rules import SendingRules
from vestlus.backoff import until_available
from vestlus.store.ledger import SendState
from vestlus.store.rows import TransitionResult

_log = structlog.get_logger(__name__)


class DraftSweep:
    """Gives up the drafts of a partition whose windows have closed, a dead letter each.

    Drafts hold nothing up and nobody waits for their end, hence a slow round.
    """

    def __init__(self, *, book: LedgerBook, rules: SendingRules) -> None:
        self._book = book
        self._rules = rules

    async def run(self) -> None:
        """Sweeps at once and then every ``draft_sweep_seconds``, for good. Raises LeaseLost."""
        while True:
            while await self._page():
                continue
            await asyncio.sleep(self._rules.draft_sweep_seconds)

    async def _page(self) -> bool:
        """Gives up one page of drafts; whether there may be another."""
        rows = await until_available(lambda: self._book.overdue_drafts(self._rules.page))
        results = await asyncio.gather(
            *(self._book.step(row, SendState.DEAD, reason=WINDOW_CLOSED) for row in rows)
        )
        given_up = results.count(TransitionResult.DONE)
        if given_up:
            _log.warning("drafts_given_up", count=given_up, reason=WINDOW_CLOSED)
        # A page of which nothing could be given up would come again at once.
        return len(rows) == self._rules.page and given_up > 0
