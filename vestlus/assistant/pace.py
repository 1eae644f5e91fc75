"""How long a call of the model has to wait, so that its key's limits are kept by all its users."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from vestlus.assistant.pace_meter import TRUSTED_SECONDS, Meter
from vestlus.assistant.ratelimits import RateLimits

#: Calls under way, of everybody with the key, before the first answer has told of limits; and in
#: how many seconds it may double. A burst right after a start does not run into a limit that
#: nobody knew, and after two seconds there is none to speak of.
FIRST_CALLS: Final = 16
DOUBLED_IN_SECONDS: Final = 0.5

#: The pause after a refusal that names none, and its longest; doubled with each in a row.
_FIRST_PAUSE_SECONDS: Final = 0.5

#: Azure OpenAI counts requests in windows of 10 s and does not say so in headers ("Quota
#: management"); tokens are counted by the minute everywhere.
_REQUESTS_PERIOD: Final = 10.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that went out: its number in this process and its time."""

    number: int
    at: float


class Pace:
    """The pace of one process's calls of one model with one key.

    ``share``: the part of the key's budget that is this process's, above 0 and at most 1, such as
    a fifth for one of five. ``tokens``: as the provider will count them. Times are seconds of one
    monotonic clock. It decides; who waits, and in which order, is the caller's affair.

    - Between two answers a process sends no more than its share of what the older one left, and
      of what is refilled meanwhile. What the others leave unused shows in the next answer.
    - Headers that are missing or cannot be read change nothing. No reset and no pause is trusted
      for longer than a minute, and headers that always say "nothing left" while calls are answered
      are not believed.
    - Those who waited for a reset or a pause go out one after the other, at most at twice the mean
      pace, and the processes do not begin in the same moment.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._requests = Meter(period=_REQUESTS_PERIOD)
        self._tokens = Meter()
        self._count = 0
        self._under_way = 0
        self._began: float | None = None
        self._answered = False
        self._last = -math.inf
        self._paused_until = -math.inf
        self._refused = 0
        self._gap = 0.0
        #: How far beyond the moment the next one that waits goes, in gaps.
        self._beyond = random.random()
        self._held_until = -math.inf

    @property
    def under_way(self) -> int:
        """Calls that went out and are not done."""
        return self._under_way

    @property
    def gap(self) -> float:
        """Seconds between two calls at the pace of the limit, of late; 0 where none is known."""
        return 2 * self._gap

    def wait(
        self, now: float, tokens: float, share: float, *, waited: bool = False, later: bool = False
    ) -> float:
        """Seconds until such a call may go out, 0 for now; never more than a minute.

        ``waited``: it is one of those that could not go at once. ``later``: others go first. To
        be asked again after that time, and after anything was heard.
        """
        waits = [
            self._paused_until - now,
            self._requests.wait(now, 1.0, share, later=later),
            self._tokens.wait(now, tokens, share, later=later),
        ]
        if not self._answered:
            waits.append(self._slow_start(now, share))
        if waited:
            gap = max(self._requests.gap(share), self._tokens.gap(share) * tokens) / 2
            self._gap = min(gap, TRUSTED_SECONDS / 2)
            waits.append(self._last + self._gap - now)
            waits.append(self._held(now, max(waits)))
        return min(TRUSTED_SECONDS, max(0.0, *waits))

    def sent(self, now: float, tokens: float) -> Call:
        """A call goes out now. To be followed by :meth:`done`, and by :meth:`heard` before it
        when there was an answer.
        """
        self._count += 1
        self._under_way += 1
        self._began = now if self._began is None else self._began
        self._last = now
        self._beyond, self._held_until = self._random.random(), -math.inf
        self._requests.sent(self._count, now, 1.0)
        self._tokens.sent(self._count, now, tokens)
        return Call(self._count, now)

    def weighed(self, call: Call, more: float) -> None:
        """The call has so many tokens more than was said when it went out, or fewer."""
        self._tokens.sent(call.number, call.at, more)

    def heard(
        self,
        call: Call,
        now: float,
        limits: RateLimits,
        *,
        refused: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """The provider answered; ``refused``: that there are too many calls, and nothing else.

        ``retry_after``: seconds for which it wants no more of them.
        """
        self._answered = True
        self._requests.heard(call.number, call.at, now, limits.requests, refused=refused)
        self._tokens.heard(call.number, call.at, now, limits.tokens, refused=refused)
        if not refused:
            self._refused = 0
            return
        pause = retry_after
        if pause is None:
            pause = _FIRST_PAUSE_SECONDS * 2 ** min(self._refused, 10)
        self._refused += 1
        pause = min(pause, TRUSTED_SECONDS)
        # Not all processes in the same moment: up to a tenth later, and up to one gap.
        spread = pause / 10 + min(self._gap, 1.0)
        self._paused_until = max(self._paused_until, now + pause + spread * self._random.random())

    def done(self) -> None:
        """A call that went out is not under way any more."""
        self._under_way -= 1

    def _held(self, now: float, wait: float) -> float:
        """Seconds until one that waits for ``wait`` goes: not all processes in one moment."""
        beyond = self._beyond * min(self._gap, 1.0)
        until = now + max(0.0, wait) + beyond
        # What was heard since may have made it sooner; being asked again makes it no later.
        self._held_until = until if wait > 0 else min(self._held_until, until)
        return self._held_until - now

    def _slow_start(self, now: float, share: float) -> float:
        """Until so many may be under way before anything is known of the key's limits."""
        first = max(1.0, FIRST_CALLS * share)
        if self._began is None or self._under_way < first:
            return 0.0
        doublings = math.log2((self._under_way + 1) / first)
        return self._began + doublings * DOUBLED_IN_SECONDS - now
