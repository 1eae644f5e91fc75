"""Whether there is room for one more post today: by what the store has, and by what Meta says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from publishers.limits import AccountLimits
from publishers.posts_rules import PostRules
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import GraphError
from vestlus.instagram.port import PublishingQuota
from vestlus.store.port import Posts

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Reading:
    told: PublishingQuota
    at: float
    #: Posts that were published since.
    since: int = 0


class PostQuotas:
    """The room of a partition's accounts. One per worker.

    Meta's own count is read at most once a minute for an account. Where it cannot be read, what
    the store has decides alone, and Meta refuses what is too much.
    """

    def __init__(
        self,
        *,
        store: Posts,
        limits_of: Callable[[str], AccountLimits],
        rules: PostRules,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._limits_of = limits_of
        self._rules = rules
        self._clock = clock
        self._monotonic = monotonic
        self._readings: dict[str, _Reading] = {}

    async def wait_seconds(self, account: str, containers: int) -> float:
        """Seconds until a post that needs so many containers more may go on, 0 for now."""
        limits, now_ms = self._limits_of(account), self._clock()
        since_ms = min(limits.posts.since_ms(now_ms), limits.containers.since_ms(now_ms))
        times = await until_available(lambda: self._store.post_times(account, since_ms))
        waits = [limits.posts.wait_ms(times.posts, now_ms)]
        if containers:
            room = max(1, limits.containers.calls - containers + 1)
            waits.append(replace(limits.containers, calls=room).wait_ms(times.containers, now_ms))
        return max(waits) / 1000

    def needs_reading(self, account: str) -> bool:
        """Whether Meta is to be asked, before :meth:`has_room` is."""
        known = self._readings.get(account)
        return known is None or self._monotonic() - known.at >= self._rules.quota_seconds

    def told(self, account: str, told: PublishingQuota | GraphError) -> None:
        """What Meta said; what failed leaves the decision to what the store has."""
        if isinstance(told, GraphError):
            _log.warning("publishing_quota_not_read", account=account, reason=told.reason)
            self._readings.pop(account, None)
        else:
            self._readings[account] = _Reading(told, self._monotonic())

    def has_room(self, account: str) -> bool:
        """Whether Meta, as far as was read, takes one more post."""
        known = self._readings.get(account)
        return known is None or known.told.used + known.since < known.told.total

    def published(self, account: str) -> None:
        """One more is out, or may be."""
        if (known := self._readings.get(account)) is not None:
            known.since += 1
