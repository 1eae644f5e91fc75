"""What the tests of the worker share: how soon is prompt, and a wait in virtual time."""

import asyncio
from collections.abc import Callable

PROMPT = 1.0


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)
