"""The bell that wakes the scheduler: something was added, changed or decided.

Losing it loses nothing: the scheduler looks by itself as well, every 30 s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from vestlus.bus.consuming import consume
from vestlus.bus.port import Bus, Delivery, Queue
from vestlus.clock import Clock, system_clock
from vestlus.errors import BusUnavailable, UndecodableMessage
from vestlus.messages import decode_planner, encode, planner_message

_log = structlog.get_logger(__name__)

#: Bells taken at a time: all of them ring once.
_AT_ONCE = 200


async def ring(bus: Bus, *, clock: Clock = system_clock) -> None:
    """Wakes the scheduler. Where the bus is away it is only noted: what was added is found all
    the same.
    """
    try:
        await bus.publish(Queue.PLANNER, 0, [encode(planner_message(at_ms=clock()))])
    except BusUnavailable:
        _log.warning("planner_not_rung")


async def listen(bus: Bus, heard: Callable[[], None]) -> None:
    """Calls ``heard`` for whatever rings, until cancelled.

    Bells are acknowledged at once. One that cannot be read rings as well: there is nothing in it
    to lose.
    """

    async def take(deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            try:
                decode_planner(delivery.body)
            except UndecodableMessage as error:
                _log.error("undecodable_message", source=str(Queue.PLANNER), reason=error.reason)
        heard()

    await consume(bus, Queue.PLANNER, 0, take, most=_AT_ONCE)
