"""On what a run was made: without it, figures of two runs cannot be compared."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import aiormq
import asyncpg
from yarl import URL

from vestlus import __version__
from vestlus.loadtest.environment import is_own_account
from vestlus.loadtest.options import LoadTestError

_PATIENCE_SECONDS = 20.0


def machine() -> dict[str, object]:
    """Cores, memory, load and versions of this machine."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "cores_usable": usable or 0,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        # What else runs here shows in it, before anything is started.
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        "vestlus": __version__,
        "ray": version("ray"),
        "openai": version("openai"),
        "aiohttp": version("aiohttp"),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


async def bus_version(url: str | None) -> str:
    """Kind and version of the bus. Raises LoadTestError when it cannot be reached."""
    if url is None or urlsplit(url).scheme == "sqlite":
        return f"embedded (SQLite {sqlite3.sqlite_version})"
    try:
        connection = await aiormq.connect(URL(url))
    except (OSError, aiormq.AMQPError) as error:
        raise LoadTestError(
            f"VESTLUS_BUS_URL: RabbitMQ cannot be reached ({type(error).__name__})"
        ) from error
    try:
        found = connection.server_properties["version"]
    finally:
        await connection.close()
    return f"RabbitMQ {found.decode() if isinstance(found, bytes) else found}"


async def store_version(url: str | None) -> str:
    """Kind and version of the store.

    Raises LoadTestError when it cannot be reached, or holds conversations of somebody's accounts:
    a load test would work on them.
    """
    if url is None or urlsplit(url).scheme == "sqlite":
        if url is not None:
            _refuse_others(_sqlite_accounts(url))
        return f"SQLite {sqlite3.sqlite_version}"
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE_SECONDS)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise LoadTestError(
            f"VESTLUS_DATABASE_URL: PostgreSQL cannot be reached ({type(error).__name__})"
        ) from error
    try:
        if await connection.fetchval("SELECT to_regclass('conversation')") is not None:
            rows = await connection.fetch("SELECT DISTINCT account FROM conversation LIMIT 1000")
            _refuse_others([str(row["account"]) for row in rows])
        found = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    return f"PostgreSQL {found}"


def _sqlite_accounts(url: str) -> list[str]:
    path = Path(url.removeprefix("sqlite:///"))
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    try:
        known = "SELECT 1 FROM sqlite_master WHERE name = 'conversation'"
        if connection.execute(known).fetchone() is None:
            return []
        rows = connection.execute("SELECT DISTINCT account FROM conversation LIMIT 1000")
        return [str(account) for (account,) in rows]
    finally:
        connection.close()


def _refuse_others(accounts: list[str]) -> None:
    if any(not is_own_account(account) for account in accounts):
        raise LoadTestError(
            "VESTLUS_DATABASE_URL: the store holds conversations of real accounts. Give the load "
            "test a store and a bus of its own, or none for the embedded ones"
        )
