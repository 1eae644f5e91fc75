"""A look at the store that readers of one replica share for some moments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedLook(Generic[T]):
    """Looks again when what was seen is older than ``seconds``, or could not be seen."""

    def __init__(self, look: Callable[[], Awaitable[T]], *, seconds: float, name: str) -> None:
        self._look = look
        self._seconds = seconds
        self._name = name
        self._looking: asyncio.Task[T] | None = None
        self._looked = 0.0

    async def __call__(self) -> T:
        """What there is. Raises what looking raised."""
        now = asyncio.get_running_loop().time()
        if self._looking is None or now - self._looked >= self._seconds or _failed(self._looking):
            self._looked = now
            self._looking = asyncio.create_task(self._seen(), name=self._name)
        # Shielded: whoever leaves does not take the look from the others.
        return await asyncio.shield(self._looking)

    async def _seen(self) -> T:
        return await self._look()


def _failed(task: asyncio.Task[T]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
