"""Consuming a partition for as long as it takes: subscribed again whenever that is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog
from prometheus_client import Counter

from vestlus.backoff import Backoff
from vestlus.bus.port import Bus, Delivery, Queue, Subscription
from vestlus.errors import BusUnavailable, SubscriptionLost
from vestlus.measuring.catalogue import DELIVERIES, INTERRUPTIONS, of

_log = structlog.get_logger(__name__)

#: Takes deliveries, oldest first. When it returns they are done with and are acknowledged; when
#: it raises BusUnavailable they come again.
Handle = Callable[[Sequence[Delivery]], Awaitable[None]]


async def consume(
    bus: Bus,
    queue: Queue,
    partition: int,
    handle: Handle,
    *,
    most: int,
    returned: Callable[[], None] | None = None,
) -> None:
    """Hands deliveries, at most ``most`` at a time, to ``handle`` until cancelled.

    ``returned`` is called whenever the queue is reached again that was not reachable, or lost.
    What ``handle`` raises, other than BusUnavailable, ends it. Deliveries not acknowledged by
    then go to the next consumer.
    """
    backoff = Backoff()
    away = False
    while True:
        try:
            subscription = await bus.subscribe(queue, partition)
        except BusUnavailable:
            _log.warning("queue_not_reachable", queue=str(queue), partition=partition)
            of(INTERRUPTIONS, queue).inc()
            away = True
            await backoff.wait()
            continue
        if away and returned is not None:
            returned()
        away = True
        try:
            await _receive(subscription, handle, most, backoff, of(DELIVERIES, queue))
        except (SubscriptionLost, BusUnavailable):
            _log.info("subscription_lost", queue=str(queue), partition=partition)
            of(INTERRUPTIONS, queue).inc()
            await backoff.wait()
        finally:
            await subscription.close()


async def _receive(
    subscription: Subscription, handle: Handle, most: int, backoff: Backoff, received: Counter
) -> None:
    while True:
        deliveries = await subscription.receive(most)
        received.inc(len(deliveries))
        await handle(deliveries)
        await subscription.ack(deliveries)
        # Only now: what cannot be handled comes again at once, and RabbitMQ counts how often.
        backoff.reset()
