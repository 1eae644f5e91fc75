"""What it takes to divide a history that is there: the last of ``benchmarks.pruning``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import asyncpg
from sqlalchemy import make_url

from benchmarks.pruning_reads import undivided
from benchmarks.pruning_tables import FILL
from vestlus.store.open import open_store
from vestlus.store.postgres import PostgresBackend
from vestlus.store.weeks import WEEK_MS


async def compare_upgrade(
    url: str, rows: int, used: Callable[[asyncpg.Connection], Awaitable[float]]
) -> dict[str, float]:
    """Seconds of an upgrade of so many messages, which are locked meanwhile, and the server's
    processor time.
    """
    backend = PostgresBackend(make_url(url))
    await backend.migrate(undivided)
    await backend.close()
    connection = await asyncpg.connect(url)
    now_ms = time.time_ns() // 10**6
    await connection.execute(FILL, rows, now_ms - 13 * WEEK_MS, 13 * WEEK_MS - 1)
    await connection.execute("VACUUM ANALYZE history")
    await connection.execute("CHECKPOINT")
    before, began = await used(connection), time.perf_counter()
    async with open_store(url, partitions=16, outbox_partitions=4):
        seconds = time.perf_counter() - began
    cpu_seconds = await used(connection) - before
    await connection.close()
    return {"rows": rows, "seconds": round(seconds, 2), "cpu_seconds": round(cpu_seconds, 2)}
