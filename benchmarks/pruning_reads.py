"""What partitions cost those who read: two of the comparisons of ``benchmarks.pruning``."""

from __future__ import annotations

import random
import statistics
import time

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url

from benchmarks.pruning_tables import INBOX, SPREAD, STATEMENTS, TALKS
from tests.services import PostgresServer
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.postgres import PostgresBackend, PostgresDialect
from vestlus.store.sql_store import SqlStore
from vestlus.store.weeks import WEEK_MS, week_of

#: That a load reads, and rounds that are not counted.
MESSAGES = 20
WARM = 100


def undivided(connection: Connection) -> None:
    """Makes the store of the release before."""
    config = Config()
    config.set_main_option("script_location", "vestlus.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "a0009")


async def compare_loads(server: PostgresServer, rows: int) -> dict[str, float]:
    """Microseconds of a load of 20 messages, from an undivided history and from 13 weeks."""
    urls = [server.fresh_database(), server.fresh_database()]
    plain = PostgresBackend(make_url(urls[0]))
    await plain.migrate(undivided)
    weeks = 13
    async with open_store(urls[1], partitions=16, outbox_partitions=4) as divided:
        now_ms = await divided.now_ms()
        first = week_of(now_ms).next
        for ahead in range(0, weeks, 4):
            await divided.make_weeks(now_ms + ahead * WEEK_MS)
        whole = SqlStore(PostgresDialect(), 4).over(plain, 16)
        for url in urls:
            connection = await asyncpg.connect(url)
            await connection.execute(SPREAD, rows, first.start_ms, weeks * WEEK_MS - 1)
            await connection.execute(TALKS, rows)
            await connection.execute("VACUUM ANALYZE")
            await connection.close()
        stores: dict[str, Store] = {"one table": whole, "13 weeks": divided}
        times: dict[str, list[float]] = {name: [] for name in stores}
        chance = random.Random(7)  # noqa: S311 - no secret
        for number in range(800):
            of = f"talk-{chance.randrange(rows // 30)}"
            for name, store in stores.items():
                began = time.perf_counter()
                found = (await store.load([of], MESSAGES))[of]
                taken = (time.perf_counter() - began) * 1e6
                if len(found.history) != MESSAGES:
                    message = f"{name}: {len(found.history)} messages"
                    raise RuntimeError(message)
                if number >= WARM:
                    times[name].append(taken)
    await plain.close()
    return {name: round(statistics.quantiles(some, n=10)[0]) for name, some in times.items()}


async def compare_inbox(url: str, rows: int) -> dict[str, dict[str, float]]:
    """Microseconds of the inbox's statements, on one table and on 14 partitions."""
    connection = await asyncpg.connect(url)
    await connection.execute(INBOX.replace("ROWS", str(rows)))
    found: dict[str, dict[str, float]] = {}
    chance = random.Random(7)  # noqa: S311 - no secret
    for what, statement in STATEMENTS.items():
        prepared = {
            name: await connection.prepare(statement.replace("TABLE", table))
            for name, table in (("one table", "inbox_plain"), ("14 days", "inbox_days"))
        }
        times: dict[str, list[float]] = {name: [] for name in prepared}
        for number in range(600):
            # The newest, as live traffic asks for them.
            newest = rows - chance.randrange(rows // 100) - 1
            argument = [newest] if "seq = ANY" in statement else [f"key-{newest}"]
            for name, one in prepared.items():
                began = time.perf_counter()
                await one.fetch(argument)
                if number >= WARM:
                    times[name].append((time.perf_counter() - began) * 1e6)
        found[what] = {
            name: round(statistics.quantiles(some, n=10)[0]) for name, some in times.items()
        }
    await connection.close()
    return found
