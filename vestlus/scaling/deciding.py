"""Whether a pool should grow or shrink: quickly up, slowly down, and never to and fro."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vestlus.scaling.load import PoolLoad


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """When a pool grows and shrinks."""

    #: So busy a pool grows. An actor is one event loop: from about four fifths on, what arrives
    #: waits for what came before it.
    busy_above: float = 0.75
    #: A pool grows, too, when something has waited so long for one of its actors …
    backlog_above_seconds: float = 5.0
    #: … and that actor is so busy. With less, the wait is for a model or for a database, and more
    #: actors would only wait beside the others.
    backlog_busy: float = 0.4
    #: How busy actors should be after a change. Far below ``busy_above``: what was taken away is
    #: not wanted back.
    busy_aim: float = 0.5
    #: The same while something has waited for so long, and as far below ``backlog_busy``.
    backlog_aim: float = 0.25
    #: For how long it must be so before a pool grows, seconds: longer than a burst.
    up_after_seconds: float = 10.0
    #: After any change the next one upwards waits so long, seconds: an actor takes some seconds
    #: to start, and partitions as long to move.
    up_pause_seconds: float = 30.0
    #: For how long it must be quiet before one actor is taken away, and the next one.
    down_after_seconds: float = 300.0
    #: For how long the cluster must have too few processors before one actor is taken away for
    #: it, and the next one: a node may be back by then.
    room_after_seconds: float = 60.0


class Autoscaler:
    """Decides the size of one pool from how it fares, round by round.

    Holds nothing that must last: begun anew, it goes on from the size that there is. Within the
    bounds it never shrinks a pool sooner than ``down_after_seconds`` after any change, and never
    by more than one; it never more than doubles one. New bounds hold at once, less room only
    after ``room_after_seconds`` and by one at a time.
    """

    def __init__(self, size: int, rules: ScalingRules, now: float) -> None:
        """``now`` is monotonic, in seconds, here and below."""
        self._rules = rules
        self._size = size
        self._changed: float | None = None
        self._high_since: float | None = None
        self._low_since = now
        self._over_since: float | None = None
        #: Why the size is what it is, for people.
        self.reason = ""

    @property
    def size(self) -> int:
        """How many actors there should be."""
        return self._size

    def decide(
        self, load: PoolLoad, bounds: tuple[int, int], now: float, room: int | None = None
    ) -> int:
        """How many actors there should be from now on, within ``bounds``: least and most.
        ``room``: for how many the cluster has processors, where that is to bound them too.
        """
        least, most = bounds
        if not least <= self._size <= most:
            self._change(max(least, min(self._size, most)), "bounds", now)
            return self._size
        limit = most if room is None else max(least, min(room, most))
        self._note(load, now)
        if self._is_over(limit, now):
            self._change(self._size - 1, "fewer processors", now)
        elif self._grows(load, now):
            wanted = math.ceil(load.busy * load.serving / self._rules.busy_aim)
            size = min(limit, max(self._size + 1, min(wanted, 2 * self._size)))
            if size > self._size:
                self._change(size, _why(load), now)
        elif self._size > least and now - self._low_since >= self._rules.down_after_seconds:
            self._change(self._size - 1, f"quiet: busy {load.busy:.0%}", now)
        return self._size

    def _note(self, load: PoolLoad, now: float) -> None:
        """Since when it has been too much, and since when too little."""
        rules = self._rules
        high = self._is_strained(load)
        if not high:
            self._high_since = None
        elif self._high_since is None:
            self._high_since = now
        share = load.serving / max(1, self._size - 1)
        # What has waited for long while nobody is busy, one stuck turn for instance, keeps nobody.
        waits = load.backlog_seconds >= rules.backlog_above_seconds
        aim = rules.backlog_aim if waits else rules.busy_aim
        keeps = load.busy * share > aim or load.full * share > rules.busy_aim
        if high or keeps or load.busiest_with_one_less > rules.busy_above:
            self._low_since = now

    def _is_strained(self, load: PoolLoad) -> bool:
        """Whether there is too much for the actors, for one of them at least that another could
        take something from.
        """
        rules = self._rules
        all_busy = load.busy >= rules.busy_above
        return any(
            (all_busy and one.busy >= rules.busy_above)
            or (
                one.backlog_seconds >= rules.backlog_above_seconds
                and one.busy >= rules.backlog_busy
            )
            for one in load.divisible
        )

    def _is_over(self, limit: int, now: float) -> bool:
        """Whether there have been too many for the processors for so long that one must go."""
        if self._size <= limit:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = now
        return (
            self._over_since is not None
            and now - self._over_since >= self._rules.room_after_seconds
        )

    def _grows(self, load: PoolLoad, now: float) -> bool:
        """Not while some are still starting, or wait for a node: they may be enough."""
        rules = self._rules
        return (
            self._high_since is not None
            and load.serving >= self._size
            and now - self._high_since >= rules.up_after_seconds
            and (self._changed is None or now - self._changed >= rules.up_pause_seconds)
        )

    def _change(self, size: int, reason: str, now: float) -> None:
        self._size, self.reason = size, reason
        self._changed = self._low_since = now
        self._high_since = self._over_since = None


def _why(load: PoolLoad) -> str:
    return f"busy {load.busy:.0%}, oldest waiting {load.backlog_seconds:.1f} s"
