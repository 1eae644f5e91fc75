"""A bounded pool of tasks, of which each is about one occurrence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Pool:
    """At most ``places`` tasks at a time, one for an id.

    ``ended`` is called after each, with what it failed of, if it did. Its owner cancels what is
    left by :meth:`close`.
    """

    def __init__(
        self, name: str, places: int, ended: Callable[[BaseException | None], None]
    ) -> None:
        self._name = name
        self._places = places
        self._ended = ended
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def page(self) -> int:
        """How many due ones must be read so that every free place is filled."""
        return self._places + len(self._tasks)

    def begin(self, id_: str, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Starts a task, if there is a place and none for this id yet; whether it did."""
        if id_ in self._tasks or len(self._tasks) >= self._places:
            return False
        task = asyncio.create_task(work(), name=f"planner {self._name}")
        self._tasks[id_] = task
        task.add_done_callback(lambda task: self._done(id_, task))
        return True

    async def idle(self) -> None:
        """Waits for the tasks that are under way."""
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()))

    async def close(self) -> None:
        """Cancels what is under way, and waits for its end."""
        for task in self._tasks.values():
            task.cancel()
        await self.idle()

    def _done(self, id_: str, task: asyncio.Task[None]) -> None:
        del self._tasks[id_]
        self._ended(None if task.cancelled() else task.exception())
