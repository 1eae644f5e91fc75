"""What the conversations of one account are to be read for, and when."""

from __future__ import annotations

import math

from publishers.look import Look
from publishers.missed import MissedSearch
from publishers.rate import AccountBudget, CallKind


class Readings:
    """An account's ambiguous sends and its look for missed messages.

    Touched by the worker's tasks of one loop only, never across an await. Times are milliseconds
    since 1970, waits are seconds.
    """

    def __init__(self, budget: AccountBudget) -> None:
        self._budget = budget
        #: Ambiguous sends, by the id of the row.
        self.looks: dict[str, Look] = {}
        #: Looks for missed messages, where somebody wants that of this account.
        self.search: MissedSearch | None = None
        #: A conversation is being read. One at a time: see :meth:`AccountBudget.spent`.
        self.under_way = False

    @property
    def holds_sends(self) -> bool:
        """Whether nothing may be sent before missed messages were looked for."""
        return self.search is not None and self.search.holds_sends

    def due_look(self, now_ms: int) -> Look | None:
        """The oldest ambiguous send for which a listing is due and that nobody is at."""
        due = [look for look in self.looks.values() if not look.busy and look.read_ms <= now_ms]
        return min(due, key=lambda look: look.row.attempted_ms, default=None)

    def look_wait(self, now_ms: int) -> float:
        """Until a listing may be read; infinity for "not before something changes"."""
        due = [look.read_ms for look in self.looks.values() if not look.busy]
        if self.under_way or not due:
            return math.inf
        return max((min(due) - now_ms) / 1000, self._paused_seconds())

    def search_wait(self, now_ms: int) -> float:
        """Until a call may be made for missed messages. Ambiguous sends go first."""
        if self.under_way or self.search is None:
            return math.inf
        return max(self.search.wait(now_ms), self._paused_seconds())

    def put_forward(self, now_ms: int) -> None:
        """What was put off is due now."""
        for look in self.looks.values():
            look.read_ms = min(look.read_ms, now_ms)

    def _paused_seconds(self) -> float:
        return self._budget.paused_seconds(CallKind.LOOK)
