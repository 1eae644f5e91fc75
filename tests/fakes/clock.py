"""An event loop whose time jumps to the next timer as soon as nothing else is to be done."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: Where virtual time begins, milliseconds since 1970.
START_MS = 1_780_000_000_000


class StuckError(Exception):
    """Every task waits and no timer is set: nothing would ever happen again."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: it moves the loop's time on by what the loop would have waited."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise StuckError
        self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Timers fire in order, at once; two runs of the same program are the same."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time in seconds, from 0."""
        return self._jumping.now

    def freeze(self, seconds: float) -> None:
        """Let time pass in which nothing of this process runs."""
        self._jumping.now += seconds


def virtual_ms() -> int:
    """Return the virtual wall clock, milliseconds since 1970."""
    return START_MS + round(asyncio.get_running_loop().time() * 1000)


def virtual_monotonic() -> float:
    """Return the virtual monotonic clock, seconds."""
    return asyncio.get_running_loop().time()


def frozen_for(seconds: float) -> None:
    """Freeze the process that calls this for so many virtual seconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.freeze(seconds)


def run_virtual(main: Coroutine[Any, Any, T], *, longest: float = 30_000.0) -> T:
    """Run a coroutine in virtual time, at most so many seconds of it.

    No thread or socket may be waited for.
    """

    async def bounded() -> T:
        async with asyncio.timeout(longest):
            return await main

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(bounded())
