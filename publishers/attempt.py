"""When a request was begun by Meta's clock, which echoes and listings bear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from publishers.rules import SendingRules
from vestlus.clock import Clock
from vestlus.store.rows import SendRow


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row's last request was begun between these, milliseconds since 1970."""

    earliest_ms: int
    latest_ms: int

    @classmethod
    def as_the_row_says(cls, row: SendRow) -> Self:
        """By the clock of who claimed it."""
        return cls(row.attempted_ms, row.attempted_ms)

    @classmethod
    def around(cls, row: SendRow, estimate_ms: int, rules: SendingRules) -> Self:
        """The same where the clocks agree; else between that and what Meta's clock suggests.

        Both ends, since the estimate may be wrong too: it goes by the clock of who looks now
        where another one claimed the row.
        """
        tolerance_ms = round(rules.clock_tolerance_seconds * 1000)
        if abs(estimate_ms - row.attempted_ms) <= tolerance_ms:
            return cls.as_the_row_says(row)
        return cls(min(estimate_ms, row.attempted_ms), max(estimate_ms, row.attempted_ms))


class MetaClock:
    """What Meta's clock showed last, and since then by the monotonic clock. One per worker."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float], rules: SendingRules) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._rules = rules
        #: What it showed when the monotonic clock was at 0; ``None`` before it was heard of.
        self._base_ms: int | None = None

    def told(self, now_ms: int) -> None:
        """An answer that just came was made at this time."""
        self._base_ms = now_ms - round(self._monotonic() * 1000)

    def attempt(self, row: SendRow, claimed_at: float | None) -> Attempt:
        """When the row's last request was begun.

        ``claimed_at``: when its claim was handed in, by the monotonic clock of this process.
        Without it, it is supposed that the clock was as far from Meta's as it is now.
        """
        if self._base_ms is None:
            return Attempt.as_the_row_says(row)
        if claimed_at is not None:
            estimate_ms = self._base_ms + round(claimed_at * 1000)
        else:
            ahead_ms = self._clock() - (self._base_ms + round(self._monotonic() * 1000))
            estimate_ms = row.attempted_ms - ahead_ms
        return Attempt.around(row, estimate_ms, self._rules)
