"""A store that somebody has to themselves is opened by nobody meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.contract.store_support import OUTBOX_PARTITIONS, PARTITIONS, store
from tests.contract.test_store_repartition import MORE, write
from vestlus.errors import PartitionMismatch
from vestlus.store.in_use import check_not_in_use
from vestlus.store.open import open_store
from vestlus.store.repartition import repartition
from vestlus.store.restoring import mark_restored

__all__ = ["store"]


class Midst:
    """A point at which somebody who works in a thread is held up."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.reached = asyncio.Event()
        self.goes_on = threading.Event()

    def __call__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self.reached.set)
        self.goes_on.wait(20)


@asynccontextmanager
async def opening(store_url: str) -> AsyncIterator[asyncio.Task[None]]:
    """A process that starts."""

    async def start() -> None:
        async with open_store(
            store_url, partitions=PARTITIONS, outbox_partitions=OUTBOX_PARTITIONS
        ):
            return

    task = asyncio.create_task(start())
    # Longer than one takes that is let in.
    await asyncio.wait({task}, timeout=2)
    yield task


async def test_who_starts_while_partitions_change_waits_and_is_refused(store_url: str) -> None:
    await write(store_url)
    midst = Midst()
    moving = asyncio.create_task(repartition(store_url, PARTITIONS, MORE, midst))
    await midst.reached.wait()
    async with opening(store_url) as started:
        waits = not started.done()
        midst.goes_on.set()
        await moving
        with pytest.raises(PartitionMismatch):
            await started
    assert waits


async def test_who_starts_while_a_store_is_marked_as_restored_waits(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(store_url)
    midst = Midst()

    def checked(*arguments: Any) -> None:  # noqa: ANN401 - as it takes them
        check_not_in_use(*arguments)
        midst()

    monkeypatch.setattr("vestlus.store.restoring.check_not_in_use", checked)
    marking = asyncio.create_task(mark_restored(store_url, 1_000_000))
    await midst.reached.wait()
    async with opening(store_url) as started:
        waits = not started.done()
        midst.goes_on.set()
        await marking
        await started
    assert waits
