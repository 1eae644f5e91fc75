"""What happens of each account, minute by minute, until somebody writes it down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from vestlus.measuring.series import place_of
from vestlus.store.measure_rows import NO_TIMES, MinuteRow, minute_of


@dataclass(slots=True)
class _Sums:
    received: int = 0
    answered: int = 0
    failed: int = 0
    times: list[int] = field(default_factory=lambda: list(NO_TIMES))


class MinuteTally:
    """Adds up; :meth:`take` empties it. For one event loop. Times are milliseconds since 1970."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[int, str], _Sums] = defaultdict(_Sums)

    def received(self, account: str, at_ms: int) -> None:
        """A user's message that calls for an answer was recorded."""
        self._sums[minute_of(at_ms), account].received += 1

    def answered(self, account: str, at_ms: int, seconds: float, messages: int) -> None:
        """An answer to so many messages went out whole, so long after the oldest of them."""
        sums = self._sums[minute_of(at_ms), account]
        sums.answered += messages
        sums.times[place_of(seconds)] += 1

    def failed(self, account: str, at_ms: int) -> None:
        """A send was given up."""
        self._sums[minute_of(at_ms), account].failed += 1

    def take(self) -> tuple[MinuteRow, ...]:
        """What there is, which is forgotten here."""
        taken, self._sums = self._sums, defaultdict(_Sums)
        return tuple(
            MinuteRow(
                minute_ms=minute_ms,
                account=account,
                received=sums.received,
                answered=sums.answered,
                failed=sums.failed,
                times=tuple(sums.times),
            )
            for (minute_ms, account), sums in taken.items()
        )

    def give_back(self, rows: Iterable[MinuteRow]) -> None:
        """What was taken could not be written: it is here again."""
        for row in rows:
            sums = self._sums[row.minute_ms, row.account]
            sums.received += row.received
            sums.answered += row.answered
            sums.failed += row.failed
            sums.times = [one + other for one, other in zip(sums.times, row.times, strict=True)]


#: This process's.
MINUTES: Final = MinuteTally()
