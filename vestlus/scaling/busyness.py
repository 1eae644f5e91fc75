"""How busy an actor is, from what it says of itself now and then."""

from __future__ import annotations

#: Time between two samples, seconds: long enough that one long turn is not all there is in it.
SAMPLE_SECONDS = 3.0


class Busyness:
    """The share of time that a process worked, over the last few seconds.

    An actor is one event loop, so one processor at most. How much it holds is told apart: turns
    that wait for a slow or limited model would only wait beside each other in more actors.
    """

    def __init__(self) -> None:
        self._at = 0.0
        self._cpu = 0.0
        self._known = False
        self._worked = 0.0
        #: How much of what it may hold at a time it holds, 0 to 1.
        self.full = 0.0

    @property
    def share(self) -> float:
        """From 0 to 1; 0 before there are two samples."""
        return self._worked

    def note(self, now: float, cpu_seconds: float, full: float) -> None:
        """``cpu_seconds``: the processor time of the process since it started. ``full``: how much
        of what it may hold at a time it holds, 0 to 1.
        """
        self.full = min(1.0, max(0.0, full))
        if not self._known or cpu_seconds < self._cpu:  # another process has its name now
            self._known, self._worked = True, 0.0
        elif now - self._at < SAMPLE_SECONDS:
            return
        else:
            self._worked = min(1.0, (cpu_seconds - self._cpu) / (now - self._at))
        self._at, self._cpu = now, cpu_seconds
