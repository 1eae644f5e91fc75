"""Sends that may have been made or not: waiting until they are cleared up.

One that meets two such faults ends as `unknown`, by design. So none is made while a send is tried
for the second time, or is about to be.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from tests.chaos.plan import CALM_SECONDS, SETTLING_SECONDS
from tests.chaos.steps import AWAY, Steps

#: Nobody waits longer, seconds.
MOST_PATIENCE = 90.0
#: From the look at what is about to be sent again to the death of who would send it, at most.
SWOOP_SECONDS = 2.0


class Doubts:
    """What the store tells of them."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    async def until_tried_again(self) -> None:
        """Waits for sends that were not done and are sent again after a look: looks fail too, and
        what would be swallowed now, at its second try, would end as `unknown`.
        """
        await asyncio.sleep(CALM_SECONDS)
        deadline = time.monotonic() + MOST_PATIENCE
        while time.monotonic() < deadline:
            with suppress(*AWAY):
                if await self._settled(SETTLING_SECONDS):
                    return
            await asyncio.sleep(0.2)

    async def second_try_soon(self) -> bool:
        """Whether something is sent a second time, or may be in a moment; not known while the
        store is away.
        """
        try:
            return not await self._settled(SETTLING_SECONDS - SWOOP_SECONDS)
        except AWAY:
            return True

    async def _settled(self, seconds: float) -> bool:
        """Whether nothing is sent a second time, or looked for since it was begun so long ago."""
        before_ms = round((time.time() - seconds) * 1000)
        return not await self._steps.doubtful(before_ms) and not await self._steps.second_tries()
