"""Events whose keys need not be known any more are removed, by whoever leads the planning."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import structlog

from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.store.plan_port import Triggers

_log = structlog.get_logger(__name__)

#: How long an event is known by its key.
KEPT_MS: Final = 7 * 24 * 3_600_000

#: Events removed in one transaction, so that those that come meanwhile wait for none that is long.
_AT_ONCE: Final = 500

#: Between two looks for old events.
_PAUSE_SECONDS: Final = 3_600.0


async def forget_old(store: Triggers, now_ms: int) -> int:
    """Removes the events that are older than that; how many. Raises StoreUnavailable."""
    forgotten = 0
    while True:
        some = await store.forget_events(now_ms - KEPT_MS, limit=_AT_ONCE)
        forgotten += some
        if some < _AT_ONCE:
            return forgotten


async def keep_forgetting(store: Triggers, clock: Clock) -> None:
    """Removes old events at once and every hour, until cancelled. Two who do so do no harm."""
    while True:
        forgotten = await until_available(partial(forget_old, store, clock()))
        if forgotten:
            _log.info("events_forgotten", events=forgotten)
        await asyncio.sleep(_PAUSE_SECONDS)
