"""Events of one webhook made durable on the bus."""

from __future__ import annotations

import asyncio

from vestlus.bus.port import Bus, Queue
from vestlus.conversation.events import Event
from vestlus.instagram.parsing import group_by_partition
from vestlus.instagram.webhook_traces import envelope_context
from vestlus.messages import encode, inbox_message


async def publish_events(
    bus: Bus, events: tuple[Event, ...], *, partitions: int, at_ms: int
) -> None:
    """Publishes them, a message to each partition that has some; returns when the bus has confirmed
    all. Raises what the first that failed raised, when none is under way any more.
    """
    publishes = [
        bus.publish(
            Queue.INBOX,
            partition,
            [encode(inbox_message(group, at_ms=at_ms, traceparent=envelope_context(group)))],
        )
        for partition, group in group_by_partition(events, partitions).items()
    ]
    # All are waited for, so that none is left running when the first one fails.
    results = await asyncio.gather(*publishes, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
