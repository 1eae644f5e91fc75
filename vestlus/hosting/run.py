"""Running until told to stop, and no longer than everything is well."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until_stopped(
    work: Coroutine[Any, Any, None], failed: asyncio.Future[None], stop: asyncio.Event
) -> None:
    """Runs ``work`` until ``stop`` is set. Raises what ``work`` or ``failed`` fails with."""
    tasks: list[asyncio.Future[Any]] = [
        asyncio.create_task(work, name="work"),
        asyncio.create_task(stop.wait(), name="stop"),
    ]
    try:
        await asyncio.wait([*tasks, failed], return_when=asyncio.FIRST_COMPLETED)
        for done in (failed, tasks[0]):
            if done.done():
                done.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
