"""What is frozen wakes in its time, and nobody waits for what cannot wake any more."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator

import pytest

from tests.chaos.freezing import send, thaw
from tests.e2e.service import everybody


@pytest.fixture
async def frozen() -> AsyncIterator[Process]:
    """A process that is frozen."""
    process = await asyncio.create_subprocess_exec("/bin/sleep", "2")
    send(process.pid, signal.SIGSTOP)
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_it_wakes_when_its_time_is_over(frozen: Process) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await frozen.wait()
    await thaw([frozen.pid], 0.1)
    async with asyncio.timeout(10):
        assert await frozen.wait() == 0


async def test_who_was_killed_meanwhile_is_not_waited_for(frozen: Process) -> None:
    thawing = asyncio.create_task(thaw([frozen.pid], 600))
    frozen.kill()
    await frozen.wait()
    async with asyncio.timeout(10):
        await thawing
    assert not send(frozen.pid, signal.SIGCONT)
    assert frozen.pid not in {one.pid for one in everybody()}
