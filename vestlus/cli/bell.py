"""How a command wakes the scheduler of the running service."""

from __future__ import annotations

import structlog

from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.errors import BusUnavailable
from vestlus.planning.bell import ring
from vestlus.planning.desk import Ring
from vestlus.settings import Settings

_log = structlog.get_logger(__name__)


def bell_of(settings: Settings) -> Ring:
    """Opens the bus only to ring. Where it is away the scheduler finds what is new by itself,
    within half a minute.
    """

    async def ringing() -> None:
        try:
            async with open_bus(settings.bus, Topology(inbox=settings.partitions)) as bus:
                await ring(bus)
        except BusUnavailable:
            _log.warning("planner_not_rung")

    return ringing
