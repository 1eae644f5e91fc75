"""Work that several callers wait for and that is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedWork(Generic[K, V]):
    """Runs at most one piece of work per key at a time; everybody who asks meanwhile shares it.

    A caller that is cancelled, or loses patience, leaves the work running for the others and for
    whoever comes next. Its outcome is kept nowhere: callers do that. ``name`` is for its tasks.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: dict[K, asyncio.Task[V]] = {}

    def running(self, key: K) -> bool:
        """Whether work for this key is under way."""
        return key in self._tasks

    async def run(self, key: K, work: Coroutine[Any, Any, V]) -> V:
        """The outcome of the work under way, or else of ``work``, which is closed otherwise."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(work, name=self._name)
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        else:
            work.close()
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Cancels what is under way and waits for its end. Safe to call twice."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, key: K, task: asyncio.Task[V]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            # Whoever waits gets it raised; that nobody waits any more is no reason for a warning.
            task.exception()
