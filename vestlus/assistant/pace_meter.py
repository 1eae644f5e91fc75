"""One limit of a key, as one process sees it: what is left, and how long to wait for more."""

from __future__ import annotations

from collections import deque
from typing import Final

from vestlus.assistant.ratelimits import Budget

#: Providers' limits are per minute. A reset that is farther away is not waited for longer: after
#: so long without news the limit counts as whole again, and the next answer says what is true.
TRUSTED_SECONDS: Final = 60.0

#: Down to this part of its share a process calls at will; below, what is left is spread over the
#: time until all of it is there again. With a budget that is refilled steadily, that settles where
#: exactly the refill is used.
FREE_DOWN_TO: Final = 0.5

#: The same for what nobody waits for: it stops where others still call at will.
FREE_FOR_LATER: Final = 0.75

#: So many calls in a row that were answered, after the reset had been waited for, with headers
#: that say again that nothing is left, and the headers are not believed until a call is refused.
_FOOLED_AT_MOST: Final = 2

#: A steady refill makes the time until all is there proportional to what is missing. Where the
#: proportion is once this much another, all comes back at one moment instead.
_UNSTEADY: Final = 1.5

#: Calls whose answer never came are forgotten after this time: it would have been refilled.
_FORGOTTEN_SECONDS: Final = 120.0


class Meter:
    """What is left of one limit, and this process's share of it.

    What the provider last said is as of the call that it answered (``number``, counted by this
    process): calls sent after that one are taken off this process's share of what was left.
    ``share``: part of the key's budget, above 0 and at most 1. All times in seconds of one
    monotonic clock. Without news from the provider nothing is waited for.
    """

    def __init__(self, *, period: float = TRUSTED_SECONDS) -> None:
        """``period``: how long until all is there again, where the provider does not say."""
        self._period = self._window = period
        #: Number, time and weight of the calls that what is known does not count yet.
        self._sent: deque[tuple[int, float, float]] = deque()
        self._spent = 0.0
        #: Of these, what was sent before the limit counted as whole again.
        self._forgiven = 0.0
        self._last = float("-inf")
        #: The key's, 0 while nothing is known.
        self.limit = 0.0
        self._highest = 0.0
        self._remaining = 0.0
        self._number = -1
        #: The least and greatest time that a refill of everything seemed to take.
        self._refills: tuple[float, float] | None = None
        #: Nothing is refilled before the reset, and then everything.
        self._at_once = False
        self._since = 0.0
        #: When all is there again by what was said, and when that is presumed.
        self._refilled_at = 0.0
        self._full_at = 0.0
        #: Nothing was heard since the limit must be whole; and the calls sent in that belief.
        self._presumed = False
        self._by_presumption: set[int] = set()
        self._fooled = 0

    @property
    def believed(self) -> bool:
        """Whether the provider's word on this limit is heeded."""
        return self._fooled < _FOOLED_AT_MOST

    def sent(self, number: int, now: float, weight: float) -> None:
        """A call goes out, or turns out to weigh so much more. ``number`` rises with every call."""
        while self._sent and self._sent[0][1] < now - _FORGOTTEN_SECONDS:
            self._drop_first()
        if self._presumed:
            self._by_presumption.add(number)
        self._sent.append((number, now, weight))
        self._spent += weight
        self._last = max(self._last, now)

    def heard(
        self, number: int, sent_at: float, now: float, said: Budget | None, *, refused: bool
    ) -> None:
        """The call ``number``, sent at ``sent_at``, was answered now with this.

        An older call's word is not heeded any more: nothing of what came later is in it.
        """
        presumed = number in self._by_presumption
        if said is None:
            if not self.limit:
                self._count_up_to(number)
            return
        if number < self._number:
            return
        if refused or said.remaining >= 1:
            self._fooled = 0
        elif presumed:
            self._fooled += 1
        self._highest = max(self._highest, said.remaining + 1)
        limit = said.limit or self._highest
        if limit != self.limit:
            self._refills, self._at_once = None, False
        self.limit, self._remaining = limit, said.remaining
        self._number, self._since = number, sent_at
        reset = said.reset_seconds
        if reset is None:
            reset = self._window = self._period
        else:
            self._notice(limit, reset)
            self._window = self._takes()
        refilled_at = now + reset
        if self._at_once and self._refilled_at > now:
            refilled_at = min(refilled_at, self._refilled_at)
        self._refilled_at = refilled_at
        self._full_at = min(refilled_at, now + TRUSTED_SECONDS)
        self._forgiven, self._presumed = 0.0, False
        self._count_up_to(number)

    def wait(self, now: float, weight: float, share: float, *, later: bool) -> float:
        """Seconds until a call of this weight may go out, 0 for now; never more than a minute.

        ``later``: others go first. A call that weighs more than the whole share is let go when
        the limit is whole.
        """
        if not self.limit or not self.believed:
            return 0.0
        mine = self._left(now, share)
        whole = self.limit * share
        weight = min(weight, whole)
        free = whole * (FREE_FOR_LATER if later else FREE_DOWN_TO)
        if mine - weight >= free or (mine >= weight >= whole):
            return 0.0
        if later or mine < weight:
            wanted = free + weight if later else weight
            return self._until(now, wanted - mine, share)
        gap = weight * max(0.0, self._refilled_at - now) / mine
        if not self._at_once and not self._presumed:
            # Where little is left, half of what is refilled is used, and the rest is let gather.
            gap = min(gap, 2 * weight * self._seconds_for_one(share))
        return min(TRUSTED_SECONDS, max(0.0, self._last + gap - now))

    def gap(self, share: float) -> float:
        """Seconds between the calls of this process when all use their whole shares."""
        if not self.limit or not self.believed:
            return 0.0
        return min(TRUSTED_SECONDS, self._window / (self.limit * share))

    def _until(self, now: float, missing: float, share: float) -> float:
        """When so much more is there, by the refill that the provider's reset promises."""
        left = max(0.0, self._full_at - now)
        return left if self._at_once else min(left, missing * self._seconds_for_one(share))

    def _seconds_for_one(self, share: float) -> float:
        """How long the refill of one of this process's share takes."""
        refill = (self.limit - self._remaining) * share
        return (self._refilled_at - self._since) / refill if refill > 0 else TRUSTED_SECONDS

    def _left(self, now: float, share: float) -> float:
        """What is left of this process's share."""
        if now >= self._full_at:
            # Nothing was heard since it must be whole. What was sent before is refilled by now.
            self._since = now if now - self._full_at >= self._window else self._full_at
            self._full_at = self._refilled_at = self._since + self._window
            self._remaining, self._presumed = self.limit, True
            self._forgiven = sum(one[2] for one in self._sent if one[1] < self._since)
        level = self._remaining
        if not self._at_once:
            passed = (now - self._since) / max(self._refilled_at - self._since, 1e-9)
            level += (self.limit - self._remaining) * min(1.0, max(0.0, passed))
        return level * share - max(0.0, self._spent - self._forgiven)

    def _takes(self) -> float:
        """How long a refill of everything takes, as far as that was told and is trusted."""
        most = self._refills[1] if self._refills else TRUSTED_SECONDS
        return min(most, TRUSTED_SECONDS)

    def _notice(self, limit: float, reset: float) -> None:
        """Tells a steady refill from one at a moment, by what was said so far."""
        missing = limit - self._remaining
        if missing < max(limit / 10, 5.0):
            return  # too little to tell
        takes = reset * limit / missing
        least, most = self._refills or (takes, takes)
        self._refills = least, most = min(least, takes), max(most, takes)
        self._at_once = most > _UNSTEADY * least

    def _count_up_to(self, number: int) -> None:
        while self._sent and self._sent[0][0] <= number:
            self._drop_first()

    def _drop_first(self) -> None:
        first, at, weight = self._sent.popleft()
        self._spent = self._spent - weight if self._sent else 0.0
        if self._forgiven and at < self._since:
            self._forgiven = max(0.0, self._forgiven - weight)
        self._by_presumption.discard(first)
