"""What Meta allows within hours and days. Pure.

Such a quota is too long for a process to remember: how much of it is used is counted from what the
store has, and a new holder goes on where the one before it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``calls`` within any ``seconds``."""

    calls: int
    seconds: float

    def __post_init__(self) -> None:
        if self.calls < 1 or not self.seconds > 0:
            message = "a quota needs at least 1 call and a time above 0"
            raise ValueError(message)

    def since_ms(self, now_ms: int) -> int:
        """What was done at this time or before does not count any more, milliseconds."""
        return now_ms - round(self.seconds * 1000)

    def wait_ms(self, done_ms: Sequence[int], now_ms: int) -> int:
        """Milliseconds until one more may be done, 0 for now, given when the others were.

        ``done_ms`` are milliseconds since 1970 in any order; older ones do no harm.
        """
        since = self.since_ms(now_ms)
        counting = sorted(at for at in done_ms if at > since)
        if len(counting) < self.calls:
            return 0
        # Room comes with the end of the oldest of the newest `calls`.
        return counting[-self.calls] - since
