"""One class of calls a second: the rate and the bucket that keeps to it. Pure.

The bucket is a generic cell rate algorithm (GCRA): its whole state is one time, the theoretical
arrival time of the next call, and nothing runs in the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``rate`` calls a second on average, and ``burst`` of them at once."""

    rate: float
    burst: int = 1

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.burst >= 1):
            message = "a limit needs a rate above 0 and a burst of at least 1"
            raise ValueError(message)

    @classmethod
    def at_most(cls, per_second: int, *, burst: int = 1, late: int = 0) -> Self:
        """A limit that no second ever exceeds, wherever that second is taken to begin.

        The burst comes out of the same allowance, and so do ``late`` calls: granted before the
        second, made within it. 5 % of the time of one call is left for what happens to a request
        between here and Instagram. Where the allowance is too small for both, calls go one at a
        time, and a second may hold a late one too many.
        """
        if per_second <= burst + late:
            return cls(rate=per_second / (1 + late) * 0.95)
        return cls(rate=per_second - burst - late + 0.95, burst=burst)


class Bucket:
    """The pure part: when the next call may be made. ``now`` is monotonic, in seconds.

    In any stretch of time of ``w`` seconds at most ``floor(rate * w) + burst`` calls are
    granted. It starts empty: the holder before this one may just have spent its burst.
    """

    def __init__(self, limit: Limit, now: float) -> None:
        self._spacing = 1.0 / limit.rate
        self._tolerance = (limit.burst - 1) * self._spacing
        self._arrival = now + limit.burst * self._spacing

    def wait(self, now: float) -> float:
        """Seconds until a call would be granted, 0 for now."""
        return max(0.0, self._arrival - self._tolerance - now)

    def take(self, now: float, *, factor: float = 1.0) -> bool:
        """Grants a call, or says that it is too early. ``factor`` slows down: 0 < factor <= 1."""
        if self.wait(now) > 0:
            return False
        self._arrival = max(self._arrival, now) + self._spacing / factor
        return True

    def reserve(self, now: float, *, factor: float = 1.0) -> float:
        """Grants a call for later; returns in how many seconds it may be made."""
        wait = self.wait(now)
        self._arrival = max(self._arrival, now) + self._spacing / factor
        return wait

    def give_back(self) -> None:
        """The call that was granted last was not made."""
        self._arrival -= self._spacing

    def is_full(self, now: float) -> bool:
        """Whether nobody has called for so long that a whole burst is saved up."""
        return self._arrival <= now

    def empty(self, now: float) -> None:
        """Takes away what has been saved up: the next call is one spacing away, or further."""
        self._arrival = max(self._arrival, now + self._tolerance + self._spacing)
