"""A service begins when bus and store are there, and ends with whatever fails it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from vestlus.errors import BusUnavailable, LeaseLost, StoreUnavailable
from vestlus.hosting.run import once_reachable, pass_on


class Service:
    """Fails with each of these in turn, then serves until stopped."""

    def __init__(self, stop: asyncio.Event, *failures: Exception) -> None:
        self._stop = stop
        self._failures = list(failures)
        self.begun = 0

    async def serve(self) -> None:
        self.begun += 1
        if self._failures:
            raise self._failures.pop(0)
        self._stop.set()


async def test_a_service_waits_for_bus_and_store_in_the_same_process() -> None:
    stop = asyncio.Event()
    service = Service(stop, StoreUnavailable("away"), BusUnavailable("away"))
    async with asyncio.timeout(5):
        await once_reachable(service.serve, stop)
    assert service.begun == 3


async def test_any_other_failure_ends_it() -> None:
    stop = asyncio.Event()
    service = Service(stop, LeaseLost("inbox.0"))
    with pytest.raises(LeaseLost):
        await once_reachable(service.serve, stop)
    assert service.begun == 1


async def test_a_stop_ends_the_waiting() -> None:
    stop = asyncio.Event()
    failures = [StoreUnavailable("away") for _ in range(1000)]
    service = Service(stop, *failures)
    waiting = asyncio.create_task(once_reachable(service.serve, stop))
    async with asyncio.timeout(5):
        while service.begun < 2:
            await asyncio.sleep(0.01)
        stop.set()
        await waiting


async def failing_with(error: Exception | None) -> None:
    """What a task that ends so makes of the service's failure."""
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        if error is not None:
            raise error

    task = asyncio.create_task(work(), name="reading tokens")
    await asyncio.wait({task})
    pass_on(task, failed)
    pass_on(task, failed)
    await failed


async def test_a_task_that_fails_or_just_ends_fails_the_service_and_a_cancelled_one_does_not() -> (
    None
):
    with pytest.raises(LeaseLost):
        await failing_with(LeaseLost("inbox.0"))
    with pytest.raises(RuntimeError, match="reading tokens"):
        await failing_with(None)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    cancelled = asyncio.create_task(asyncio.Event().wait())
    cancelled.cancel()
    await asyncio.wait({cancelled})
    pass_on(cast("asyncio.Task[None]", cancelled), failed)
    assert not failed.done()
