"""What a scheduler knows of its own watch: whether it was there."""

from __future__ import annotations

from vestlus.scheduling.missed import ON_TIME_MS


class Attendance:
    """Since when somebody has been looking without a gap, by the wall clock.

    A gap longer than :data:`~vestlus.scheduling.missed.ON_TIME_MS`, or a clock that went back,
    begins it anew: what was due in the gap was missed.
    """

    def __init__(self) -> None:
        self.since_ms = 0
        self._last_ms: int | None = None

    def note(self, now_ms: int) -> None:
        """Somebody looks."""
        last = self._last_ms
        if last is None or not last <= now_ms <= last + ON_TIME_MS:
            self.since_ms = now_ms
        self._last_ms = now_ms
