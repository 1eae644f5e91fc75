"""What is begun is brought to its end, whoever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: The loop itself holds tasks weakly only.
_under_way: Final[set[asyncio.Task[Any]]] = set()


async def to_its_end(act: Coroutine[Any, Any, T], among: set[asyncio.Task[Any]] = _under_way) -> T:
    """What the act returns or raises. Where its caller is cancelled, as when a browser has
    gone or a turn is stopped, the act goes on by itself.

    ``among`` has its task until it ends, for whoever must not end before it.
    """
    task = asyncio.create_task(act)
    among.add(task)
    task.add_done_callback(among.discard)
    return await asyncio.shield(task)
