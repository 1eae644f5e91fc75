"""One class of calls a second: the rate and the bucket that keeps to it. Pure.

The bucket is a generic cell rate algorithm (GCRA), whose state is the theoretical arrival time of
the next call, and, where a second has a ceiling, the times of as many calls. Nothing runs in the
background.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Self

#: A second, and half a millisecond for what happens to a request between here and Instagram.
_SECOND = 1.0005

#: How long a stall may be of which nothing is lost, seconds: of event loops, stores and timers on
#: a machine that has more to do than it can.
_CAUGHT_UP_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``rate`` calls a second on average, and ``burst`` of them at once.

    With a ``ceiling``, besides, no second ever holds more than that, and what was saved up is
    spent at twice the rate and not at once.
    """

    rate: float
    burst: int = 1
    ceiling: int | None = None

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.burst >= 1 and (self.ceiling is None or self.ceiling >= 1)):
            message = "a limit needs a rate above 0, a burst and a ceiling of at least 1"
            raise ValueError(message)

    @classmethod
    def at_most(cls, per_second: int) -> Self:
        """A limit that no second ever exceeds, wherever that second is taken to begin.

        5 % of the time of one call is left for what happens to it between here and Instagram.
        """
        return cls(rate=per_second - 0.05)

    @classmethod
    def at_the_wire(cls, per_second: int) -> Self:
        """The same for requests that are granted right before they are written.

        It makes up for stalls. Of the allowance of a second, one call is for a process that is
        frozen between a grant and its request, which then comes in somebody else's second, and
        one for what happens between here and Instagram. A limit of 1 or 2 has no room for them.
        """
        ceiling = max(1, per_second - 2)
        return cls(
            rate=float(ceiling),
            burst=1 + int(ceiling * _CAUGHT_UP_SECONDS),
            ceiling=ceiling,
        )


class Bucket:
    """When the next call may be made. ``now`` is monotonic, in seconds.

    In any stretch of time of ``w`` seconds at most ``floor(rate * w) + burst`` calls are
    granted. It starts, at ``since``, as the holder before it may have left it: with nothing saved
    up, and a second behind it that is as full as may be.
    """

    def __init__(self, limit: Limit, since: float) -> None:
        self._spacing = 1.0 / limit.rate
        self._tolerance = (limit.burst - 1) * self._spacing
        self._arrival = since + limit.burst * self._spacing
        self._ceiling = limit.ceiling
        before = limit.ceiling or 0
        #: With a ceiling, the newest grants, oldest first.
        self._grants: deque[float] = deque(
            (since - _SECOND * (before - number) / before for number in range(1, before + 1)),
            maxlen=before,
        )

    def wait(self, now: float) -> float:
        """Seconds until a call would be granted, 0 for now."""
        earliest = self._arrival - self._tolerance
        if self._grants:
            earliest = max(earliest, self._grants[-1] + self._spacing / 2)
            if len(self._grants) == self._ceiling:
                earliest = max(earliest, self._grants[0] + _SECOND)
        return max(0.0, earliest - now)

    def take(self, now: float, *, factor: float = 1.0) -> bool:
        """Grants a call, or says that it is too early. ``factor`` slows down: 0 < factor <= 1."""
        if self.wait(now) > 0:
            return False
        self._spend(now, factor)
        self._grants.append(now)
        return True

    def reserve(self, now: float, *, factor: float = 1.0) -> float:
        """Grants a call for later; returns in how many seconds it may be made.

        For limits without a ceiling.
        """
        wait = self.wait(now)
        self._spend(now, factor)
        return wait

    def give_back(self) -> None:
        """The call that was granted last was not made."""
        self._arrival -= self._spacing

    def has_saved(self, now: float) -> bool:
        """Whether half a burst is saved up, in a second that has room for more calls: while as
        many calls are made as may be, it never is.
        """
        full = len(self._grants) == self._ceiling and now < self._grants[0] + _SECOND
        return not full and self._arrival - now <= self._tolerance / 2

    def is_full(self, now: float) -> bool:
        """Whether nobody has called for so long that a whole burst is saved up."""
        return self._arrival <= now

    def empty(self, now: float, calls: int = 1) -> None:
        """Takes away what has been saved up: the next call is that many spacings away, or more."""
        self._arrival = max(self._arrival, now + self._tolerance + calls * self._spacing)

    def _spend(self, now: float, factor: float) -> None:
        self._arrival = max(self._arrival, now) + self._spacing / factor
