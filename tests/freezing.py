"""Freezes a process at a moment when it holds none of its databases' locks.

One that is frozen inside a transaction keeps what it has locked, so that the others wait for it
instead of taking over: true, and told in ``docs/overload.md``, but another test than theirs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Collection
from contextlib import ExitStack, closing
from pathlib import Path

import asyncpg

#: How long the transactions that are under way may last.
_LOCK_SECONDS = 30

#: What PostgreSQL's sessions of the test's database do, but the one that asks.
_BUSY = """
SELECT count(*) > 0 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


async def freeze(pid: int, databases: Collection[str]) -> None:
    """Stops a process (SIGSTOP). ``databases`` are the URLs that it writes to.

    On PostgreSQL nobody else may keep a transaction open: the process would be woken for ever.
    """
    files = [url.removeprefix("sqlite:///") for url in databases if url.startswith("sqlite:///")]
    servers = [url for url in databases if url.startswith("postgresql://")]
    assert len(files) + len(servers) == len(databases)
    async with asyncio.timeout(_LOCK_SECONDS):
        await asyncio.to_thread(_freeze_between_writes, pid, files)
        while any([await _is_busy(url) for url in servers]):
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.02)
            await asyncio.to_thread(_freeze_between_writes, pid, files)


def _freeze_between_writes(pid: int, files: Collection[str]) -> None:
    """Whoever holds the locks knows that the process does not."""
    with ExitStack() as stack:
        for file in files:
            connection = sqlite3.connect(file, timeout=_LOCK_SECONDS, isolation_level=None)
            stack.enter_context(closing(connection)).execute("BEGIN IMMEDIATE")
        os.kill(pid, signal.SIGSTOP)
        tasks = Path(f"/proc/{pid}/task")
        while not all(_is_stopped(task / "stat") for task in tasks.iterdir()):
            time.sleep(0.001)  # a thread stops when it next leaves the kernel


def _is_stopped(stat: Path) -> bool:
    """Whether a thread is stopped, or is no more. See proc(5): the name may hold brackets."""
    try:
        return stat.read_text("utf-8").rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def _is_busy(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval(_BUSY))
    finally:
        await connection.close()
