"""Meta's limits per account, and the usage headers that tell how near they are."""

import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

# Instagram Platform Overview: Send API 100 calls/s, Conversations API 2 calls/s, per account.
SENDS_PER_SECOND = 100.0
CONVERSATIONS_PER_SECOND = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls per second of one account; None is no limit."""

    sends_per_second: float | None = SENDS_PER_SECOND
    conversations_per_second: float | None = CONVERSATIONS_PER_SECOND

    def of(self, op: str) -> float | None:
        """Return the limit of an operation; actions count as sends."""
        return self.conversations_per_second if op == "conversations" else self.sends_per_second


@dataclass(frozen=True, slots=True)
class OverLimit:
    """A call that was over its account's limit. `seq` is the newest message's at that moment."""

    account: str
    op: str
    seq: int


class RateMeter:
    """Counts each account's calls within any one second.

    A window that slides is harsher than Meta's need be, so that who keeps within it keeps within
    whatever Meta really counts. Calls over the limit do not count towards it; they are kept in
    `over`, in memory only, while faults of the kind *throttle* are not.
    """

    def __init__(self, clock: Callable[[], float], newest: Callable[[], int] = lambda: 0) -> None:
        self.limits = Limits()
        self.refused: Counter[str] = Counter()
        self.over: list[OverLimit] = []
        self._clock = clock
        self._newest = newest
        self._calls: dict[tuple[str, str], deque[float]] = {}

    def admit(self, account: str, op: str) -> bool:
        """Count a call; False if it is over the limit."""
        kind = "conversations" if op == "conversations" else "send"
        calls = self._recent(account, kind)
        limit = self.limits.of(kind)
        if limit is not None and len(calls) >= limit:
            self.refused[kind] += 1
            self.over.append(OverLimit(account, op, self._newest()))
            return False
        calls.append(self._clock())
        return True

    def headers(self, account: str) -> dict[str, str]:
        """Return the usage headers, in percent of the nearest limit (Graph API rate limiting)."""
        percent = 0
        for kind in ("send", "conversations"):
            limit = self.limits.of(kind)
            if limit:
                used = len(self._recent(account, kind))
                percent = max(percent, min(100, round(100 * used / limit)))
        usage = {
            "call_count": percent,
            "total_cputime": percent // 4,
            "total_time": percent // 2,
        }
        business = {"type": "messenger", **usage, "estimated_time_to_regain_access": 0}
        return {
            "X-App-Usage": json.dumps(usage, separators=(",", ":")),
            "X-Business-Use-Case-Usage": json.dumps({account: [business]}, separators=(",", ":")),
        }

    def _recent(self, account: str, kind: str) -> deque[float]:
        calls = self._calls.setdefault((account, kind), deque())
        oldest = self._clock() - 1.0
        while calls and calls[0] <= oldest:
            calls.popleft()
        return calls
