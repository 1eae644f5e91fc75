"""What a scheduler knows of its own watch: whether it was there, and whether clocks jumped."""

from __future__ import annotations

from typing import Final

from vestlus.scheduling.missed import ON_TIME_MS

#: A clock that jumped ahead is believed after so long: by then it is put right, or was right.
SETTLED_SECONDS: Final = 120.0


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


class Steadiness:
    """Compares the wall clock with the monotonic one.

    What is claimed by a clock that is wrong is claimed for good: of a clock that jumps a day ahead
    and back, a day of posts would be passed over. So nothing is claimed right after a jump ahead.
    """

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self._settled_at = 0.0

    def unsettled_seconds(self, now_ms: int, monotonic: float) -> float:
        """How long the wall clock is not to be believed yet; 0 while it is."""
        if self._last is not None:
            last_ms, last = self._last
            jumped_ms = (now_ms - last_ms) - (monotonic - last) * 1000
            if jumped_ms > ON_TIME_MS:
                self._settled_at = monotonic + SETTLED_SECONDS
            elif jumped_ms < -ON_TIME_MS:
                self._settled_at = monotonic
        self._last = (now_ms, monotonic)
        return max(0.0, self._settled_at - monotonic)
