"""Meta's limits per account, and the usage headers that tell how near they are."""

import json
import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

# Instagram Platform Overview: Send API 100 calls/s, Conversations API 2 calls/s, per account.
SENDS_PER_SECOND = 100.0
CONVERSATIONS_PER_SECOND = 2.0

HOUR_SECONDS = 3600.0
# No call is judged that came in so much earlier than the newest one, seconds.
LATEST = 30.0


class Started(NamedTuple):
    """When a request came: its tick, and when it arrived by the wall clock and the meter's."""

    tick: int
    at: float
    arrived: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls of one account, by the second and by the hour; None is no limit."""

    sends_per_second: float | None = SENDS_PER_SECOND
    conversations_per_second: float | None = CONVERSATIONS_PER_SECOND
    calls_per_hour: float | None = None

    def of(self, kind: str) -> float | None:
        """Return the limit by the second; actions and uploads count as sends."""
        return self.conversations_per_second if kind == "conversations" else self.sends_per_second


@dataclass(frozen=True, slots=True)
class OverLimit:
    """A call that was over its account's limit. `seq` is the newest message's at that moment."""

    account: str
    op: str
    seq: int


class RateMeter:
    """Counts each account's calls within any one second, by the moment of their arrival.

    A window that slides is harsher than Meta's need be, so that who keeps within it keeps within
    whatever Meta really counts. Calls over the limit do not count towards it; they are kept in
    `over`, in memory only, while faults of the kind *throttle* are not. Calls may be counted in
    another order than they arrived in.

    Of the hour's limit the usage headers tell, as Meta's do: in percent, and when it is used up,
    the minutes until the oldest calls of the hour are over.
    """

    def __init__(self, clock: Callable[[], float], newest: Callable[[], int] = lambda: 0) -> None:
        self.limits = Limits()
        self.refused: Counter[str] = Counter()
        self.over: list[OverLimit] = []
        self.clock = clock
        self._newest = newest
        # By account and kind, the times of the last seconds' calls, in order.
        self._calls: dict[tuple[str, str], list[float]] = {}
        # By account, the times of the last hour's calls of all kinds, in order.
        self._hours: dict[str, list[float]] = {}

    def admit(self, account: str, op: str, arrived: float) -> bool:
        """Count a call that came in at this time; False if it is over a second's limit."""
        kind = "conversations" if op == "conversations" else "send"
        calls = self._calls.setdefault((account, kind), [])
        del calls[: bisect_right(calls, self.clock() - LATEST)]
        place = bisect_right(calls, arrived)
        calls.insert(place, arrived)
        limit = self.limits.of(kind)
        if limit is not None and _is_over(calls, place, math.ceil(limit)):
            del calls[place]
            self.refused[kind] += 1
            self.over.append(OverLimit(account, op, self._newest()))
            return False
        insort(self._hours.setdefault(account, []), arrived)
        return True

    def used_up(self, account: str) -> bool:
        """Tell whether the hour's calls are used up; what is tried then does not count."""
        limit = self.limits.calls_per_hour
        used_up = limit is not None and len(self._hour(account)) >= limit
        if used_up:
            self.refused["hour"] += 1
        return used_up

    def headers(self, account: str) -> dict[str, str]:
        """Return the usage headers (Graph API rate limiting)."""
        percent, minutes = 0, 0
        limit = self.limits.calls_per_hour
        if limit is not None:
            calls = self._hour(account)
            percent = 100 if not limit else min(100, int(100 * len(calls) / limit))
            if len(calls) >= limit:
                oldest = calls[0] if calls else self.clock()
                minutes = max(1, math.ceil((oldest + HOUR_SECONDS - self.clock()) / 60))
        return usage_headers(account, percent, minutes)

    def _hour(self, account: str) -> list[float]:
        calls = self._hours.setdefault(account, [])
        del calls[: bisect_right(calls, self.clock() - HOUR_SECONDS)]
        return calls


def usage_headers(account: str, percent: int, minutes: int) -> dict[str, str]:
    """Return both headers, saying so much of the limits is used and when access is regained."""
    return dict(_usage_headers(account, percent, minutes))


@lru_cache(maxsize=1024)
def _usage_headers(account: str, percent: int, minutes: int) -> dict[str, str]:
    usage = {
        "call_count": percent,
        "total_cputime": percent // 4,
        "total_time": percent // 2,
    }
    business = {"type": "messenger", **usage, "estimated_time_to_regain_access": minutes}
    return {
        "X-App-Usage": json.dumps(usage, separators=(",", ":")),
        "X-Business-Use-Case-Usage": json.dumps({account: [business]}, separators=(",", ":")),
    }


def _is_over(calls: list[float], place: int, limit: int) -> bool:
    """Tell whether any second that holds the call at this place has more calls than the limit."""
    first, last = max(0, place - limit), min(place, len(calls) - 1 - limit)
    return any(calls[begin + limit] - calls[begin] < 1.0 for begin in range(first, last + 1))
