"""How long a process has not reached the bus."""

from __future__ import annotations

import asyncio

import pytest

from vestlus.bus.port import Queue
from vestlus.bus.reach import Reach
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.hosting.run import once_reachable, pass_on


class Broker:
    """A bus that is asked how much waits."""

    def __init__(self) -> None:
        self.away = self.broken = False
        self.asked = asyncio.Event()

    async def depth(self, queue: Queue, partition: int) -> int:
        del queue, partition
        self.asked.set()
        if self.broken:
            raise KeyError("ours")
        if self.away:
            raise BusUnavailable("away")
        return 0


async def test_it_counts_from_the_first_look_in_vain_to_the_next_that_is_not() -> None:
    broker, now = Broker(), [100.0]
    reach = Reach(broker, lambda: now[0])  # type: ignore[arg-type]
    await reach.look()
    assert reach.away_seconds == 0.0
    broker.away = True
    await reach.look()
    now[0] = 107.5
    await reach.look()
    assert reach.away_seconds == 7.5
    broker.away = False
    await reach.look()
    assert reach.away_seconds == 0.0


def unexpected(task: asyncio.Task[None]) -> None:
    assert task.cancelled()


async def test_it_looks_while_it_is_watched_and_no_longer() -> None:
    broker = Broker()
    async with Reach(broker).watched(unexpected) as reach:  # type: ignore[arg-type]
        await broker.asked.wait()
        assert reach.away_seconds == 0.0
    assert not [one for one in asyncio.all_tasks() if one.get_name() == "reach of the bus"]


async def test_an_error_of_ours_is_heard_of() -> None:
    broker, failed = Broker(), asyncio.get_running_loop().create_future()
    broker.broken = True
    async with Reach(broker).watched(lambda task: pass_on(task, failed)):  # type: ignore[arg-type]
        with pytest.raises(KeyError):
            await failed


async def test_a_store_that_is_away_while_it_looks_is_waited_for_in_the_same_process() -> None:
    tries = 0

    async def serve() -> None:
        nonlocal tries
        tries += 1
        async with Reach(Broker()).watched(unexpected):  # type: ignore[arg-type]
            if tries == 1:
                raise StoreUnavailable("away")

    await once_reachable(serve, asyncio.Event())
    assert tries == 2
