"""Background tasks that are held, named and watched."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class TaskGroup:
    """Tasks that live until they finish or are all cancelled.

    One that fails is logged by its type and reported to `on_failure`, because an unnoticed
    failure would look like a fault of the service under test.
    """

    def __init__(self, name: str, on_failure: Callable[[BaseException], None]) -> None:
        self._name = name
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background."""
        self._count += 1
        task = asyncio.create_task(work, name=f"{self._name}-{self._count}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def cancel(self) -> None:
        """Cancel what still runs and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error(
                "background_task_failed",
                task=task.get_name(),
                error=type(error).__name__,
            )
            self._on_failure(error)
