"""A consumer goes on for as long as it takes, and does not run when it cannot get on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.fakes.bus import MemoryBus
from tests.fakes.clock import run_virtual
from vestlus.backoff import LONGEST_SECONDS
from vestlus.bus.consuming import consume
from vestlus.bus.port import Delivery, Queue
from vestlus.errors import BusUnavailable


def test_what_cannot_be_handled_comes_again_ever_more_slowly_and_in_order() -> None:
    async def scenario() -> None:
        bus, handled, tries = MemoryBus(), list[bytes](), 0
        well_again = asyncio.Event()

        async def handle(deliveries: Sequence[Delivery]) -> None:
            nonlocal tries
            tries += 1
            if not well_again.is_set():
                raise BusUnavailable("what this is passed on to takes nothing")
            handled.extend(one.body for one in deliveries)

        await bus.publish(Queue.INBOX, 0, [b"1", b"2"])
        task = asyncio.create_task(consume(bus, Queue.INBOX, 0, handle, most=1))
        await asyncio.sleep(600)
        # The broker counts how often a message was delivered, and gives it up for good.
        assert tries < 2 * 600 / LONGEST_SECONDS + 10
        well_again.set()
        await asyncio.sleep(2 * LONGEST_SECONDS)
        assert handled == [b"1", b"2"]
        task.cancel()
        await asyncio.wait({task})

    run_virtual(scenario())
