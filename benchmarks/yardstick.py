"""How fast the machine is just now: the same piece of work, again and again, beside a measurement.

On a machine with other work the CPU seconds of one and the same program differ by a half and more,
since neighbours take caches and the other half of a core. What the same work of another program
takes in the same seconds tells by how much.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

#: Between two pieces of work, seconds; each takes about a millisecond.
_EVERY_SECONDS = 0.05
_ROUNDS = 1_500


@dataclass(slots=True)
class Yardstick:
    """What the pieces of work took so far, in CPU seconds each."""

    took: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """The mean. It may be asked for once one was done."""
        return 1000 * statistics.fmean(self.took)


def _work() -> int:
    """Some of what Python programs do: calls, dictionaries, small objects, strings."""
    known: dict[str, tuple[int, str]] = {}
    for number in range(_ROUNDS):
        name = f"u{number % 97}"
        known[name] = (number, name.upper())
    return sum(number for number, _ in known.values())


@asynccontextmanager
async def yardstick() -> AsyncIterator[Yardstick]:
    """Works now and then until the block ends."""
    found = Yardstick()

    async def go_on() -> None:
        while True:
            began = time.thread_time()
            _work()
            found.took.append(time.thread_time() - began)
            await asyncio.sleep(_EVERY_SECONDS)

    task = asyncio.create_task(go_on(), name="yardstick")
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.wait({task})
