"""Running no longer than everything is well."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until_failed(work: Coroutine[Any, Any, None], failed: asyncio.Future[None]) -> None:
    """Runs ``work`` to its end. Raises what it, or ``failed``, fails with, whichever is first."""
    task = asyncio.create_task(work, name="work")
    try:
        await asyncio.wait([task, failed], return_when=asyncio.FIRST_COMPLETED)
        if failed.done():
            failed.result()
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})
