"""The wall clock, without jumps ahead that may be mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from vestlus.clock import Clock
from vestlus.scheduling.missed import ON_TIME_MS

_log = structlog.get_logger(__name__)

#: A clock that jumped ahead is believed after so long: by then it is put right, or was right.
SETTLED_SECONDS: Final = 120.0
#: What is done early by less than that is on time.
_JUMP_MS: Final = ON_TIME_MS


class SteadyClock:
    """A :data:`~vestlus.clock.Clock` that does not follow a jump ahead before it has lasted.

    What is claimed, published or given up at a time is that for good: of a clock that is a day
    ahead for a moment, a day of posts would be passed over, and tomorrow's would be out. So after
    a jump, time goes on for :data:`SETTLED_SECONDS` as if there had been none, by the monotonic
    clock; and who does what cannot be undone does nothing as long as :meth:`unsettled_seconds`
    says so, because the jump may be right: a machine that slept has the later time. A clock that
    goes back is believed at once: what is early waits.

    Jumps are found from one reading to the next, so what happened before the first is not known.
    One does for a process; not for several threads.
    """

    def __init__(self, wall: Clock, monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        #: The last reading that was believed, and the monotonic clock then.
        self._believed: tuple[int, float] | None = None
        #: How far it has jumped ahead, milliseconds, and when that was seen; while it is unsettled.
        self._jumped: tuple[int, float] | None = None

    def __call__(self) -> int:
        """Milliseconds since 1970."""
        now_ms, _ = self._read()
        return now_ms

    def unsettled_seconds(self) -> float:
        """How long it does not follow the wall clock yet; 0 while it does."""
        _, unsettled = self._read()
        return unsettled

    def _read(self) -> tuple[int, float]:
        wall_ms, at = self._wall(), self._monotonic()
        before_ms, before = self._believed or (wall_ms, at)
        steady_ms = before_ms + round((at - before) * 1000)
        unsettled = self._unsettled(wall_ms - steady_ms, at)
        if unsettled > 0:
            return steady_ms, unsettled
        self._jumped, self._believed = None, (wall_ms, at)
        return wall_ms, 0.0

    def _unsettled(self, ahead_ms: int, at: float) -> float:
        if ahead_ms <= _JUMP_MS:
            return 0.0
        if self._jumped is None or abs(ahead_ms - self._jumped[0]) > _JUMP_MS:
            self._jumped = (ahead_ms, at)
            _log.warning(
                "clock_jumped_ahead",
                seconds=round(ahead_ms / 1000),
                believed_in_seconds=round(SETTLED_SECONDS),
            )
        return self._jumped[1] + SETTLED_SECONDS - at
