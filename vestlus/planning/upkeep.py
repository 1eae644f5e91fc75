"""What the scheduler's leader does now and then besides planning."""

from __future__ import annotations

import asyncio

import structlog

from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.planning.events import forget_old
from vestlus.store.plan_port import Triggers

_log = structlog.get_logger(__name__)

#: Between two looks for what is too old to be kept.
EVERY_SECONDS = 3_600.0


async def keep_tidy(store: Triggers, clock: Clock, every_seconds: float = EVERY_SECONDS) -> None:
    """Removes events whose keys need not be known any more, until cancelled."""
    while True:
        if forgotten := await until_available(lambda: forget_old(store, clock())):
            _log.info("events_forgotten", events=forgotten)
        await asyncio.sleep(every_seconds)
