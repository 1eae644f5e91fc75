"""Signals to processes that may have ended meanwhile, and the end of a freeze."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Collection


async def thaw(pids: Collection[int], seconds: float) -> None:
    """Wakes what is frozen after so long, or when there is nothing left that could wake."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline and any(send(pid, 0) for pid in pids):
            await asyncio.sleep(0.1)
    finally:
        for pid in pids:
            send(pid, signal.SIGCONT)


def send(pid: int, number: int) -> bool:
    """Sends a signal, or asks with 0; whether there is such a process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
