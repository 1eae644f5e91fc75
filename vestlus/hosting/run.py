"""Running no longer than everything is well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog

from vestlus.backoff import Backoff
from vestlus.errors import BusUnavailable, StoreUnavailable

_log = structlog.get_logger(__name__)


async def once_reachable(serve: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Runs a service; begins anew while bus or store is away, until ``stop`` is set.

    For processes that start in the middle of an outage: starting another one instead takes
    seconds of a processor, and is no nearer to an answer. Other failures pass through.
    """
    backoff = Backoff()
    while not stop.is_set():
        try:
            await serve()
        except (BusUnavailable, StoreUnavailable) as error:
            _log.warning("not_reachable_at_start", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(backoff.next_seconds()):
                    await stop.wait()
        else:
            return


def pass_on(task: asyncio.Task[None], failed: asyncio.Future[None]) -> None:
    """Makes ``failed`` fail with what a task failed with; one that just ended is a failure too.

    For tasks that serve as long as the service, as a done-callback; one that was cancelled was
    ended by us.
    """
    if not (task.cancelled() or failed.done()):
        failed.set_exception(task.exception() or RuntimeError(task.get_name()))


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
