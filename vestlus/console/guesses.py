"""Tries with a secret, counted in buckets by all replicas together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from vestlus.clock import Clock
from vestlus.store.operator_rows import SignInTry
from vestlus.store.port import Store

WINDOW_MS: Final = 15 * 60 * 1000
#: Wrong tries within that time from one address, of one known browser, and of all strangers.
MOST_OF_ONE: Final = 10
MOST_OF_ALL: Final = 60

#: Full buckets that a replica remembers, so that a flood of tries does not reach the store.
_REMEMBERED: Final = 1_000

#: Pairs of a bucket's name and of how many tries it takes; the narrower first.
Buckets = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Try:
    """A try of signing in: admitted where ``again_ms`` is 0, else from then on."""

    id: str
    again_ms: int


class Guesses:
    """Counts tries. One per process and kind of secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full: dict[str, int] = {}

    def full_ms(self, buckets: Buckets) -> int:
        """Until when this replica knows one of them to be full; 0 for none."""
        full_ms = max(self._full.get(name, 0) for name, _ in buckets)
        return full_ms if full_ms > self._clock() else 0

    async def admit(self, store: Store, buckets: Buckets) -> Try:
        """Counts a try in all of them, if there is room in each. Raises StoreUnavailable."""
        full_ms = self.full_ms(buckets)
        if full_ms:
            return Try("", full_ms)
        id_ = secrets.token_urlsafe(16)
        again_ms = await store.admit_try(SignInTry(id_, self._clock(), WINDOW_MS, buckets))
        if again_ms:
            if len(self._full) >= _REMEMBERED:
                self._full.clear()
            # Which of them is full is not said; the first one is the narrower.
            self._full[buckets[0][0]] = again_ms
        return Try(id_, again_ms)
