"""How long what a partition takes in has waited on the bus. Plain code."""

from __future__ import annotations

#: A wait that was seen counts for so long: what comes after it may have waited as long.
REMEMBERED_MS = 5_000


class Waited:
    """Noted batch by batch, by the machine's clock, milliseconds."""

    def __init__(self) -> None:
        self._oldest_ms: int | None = None
        self._last_ms = 0
        self._ended_ms = 0

    def begin(self, now_ms: int) -> None:
        """A batch is in hand; how old it is, is not known yet."""
        self._oldest_ms = now_ms

    def published(self, at_ms: int) -> None:
        """The oldest of the batch was published then."""
        self._oldest_ms = at_ms

    def end(self, now_ms: int) -> None:
        """The batch is recorded."""
        if self._oldest_ms is not None:
            self._last_ms, self._ended_ms = now_ms - self._oldest_ms, now_ms
        self._oldest_ms = None

    def broken_off(self) -> None:
        """The batch in hand, if any, is given back."""
        self._oldest_ms = None

    @property
    def last_seconds(self) -> float:
        """How long the oldest of the last batch had waited when it was recorded."""
        return max(0, self._last_ms) / 1000

    def seconds(self, now_ms: int) -> float:
        """The longest wait that is known of: of the batch in hand, or of the one before."""
        waits = [0]
        if self._oldest_ms is not None:
            waits.append(now_ms - self._oldest_ms)
        if 0 <= now_ms - self._ended_ms <= REMEMBERED_MS:
            waits.append(self._last_ms)
        return max(waits) / 1000
