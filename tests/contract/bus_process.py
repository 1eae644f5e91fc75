"""A process of its own that uses a bus, for the tests that kill one.

``publish URL PREFIX COUNT`` publishes numbers and prints each once it is durable.
``consume URL PREFIX ACKS`` prints what it receives, acknowledges the first ACKS and holds the rest.
"""

from __future__ import annotations

import asyncio
import sys

from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology

TOPOLOGY = Topology(inbox=3, outbox=1)


async def publish(bus: Bus, count: int) -> None:
    for number in range(count):
        await bus.publish(Queue.INBOX, 0, [str(number).encode()])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


async def consume(bus: Bus, acks: int) -> None:
    subscription = await bus.subscribe(Queue.INBOX, 0)
    while True:
        deliveries = await subscription.receive(max(acks, 1))
        await subscription.ack(deliveries[:acks])
        acks -= min(acks, len(deliveries))
        for delivery in deliveries:
            sys.stdout.write(f"{delivery.body.decode()}\n")
        sys.stdout.flush()


async def main(what: str, url: str, prefix: str, number: int) -> None:
    async with open_bus(url, TOPOLOGY, prefix=prefix) as bus:
        await {"publish": publish, "consume": consume}[what](bus, number)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
