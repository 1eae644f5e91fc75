"""Where what an erased user said could still stand outside the tables: files, logs and spans."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.typing import EventDict

#: A folder of PostgreSQL's own has each of its files; all of them are read by the server itself.
_FILES = """
    SELECT coalesce(relname, name), pg_read_binary_file(folder || '/' || name)
    FROM (SELECT 'base/' || oid AS folder FROM pg_database WHERE datname = current_database()) AS d,
    pg_ls_dir(folder) AS name
    LEFT JOIN pg_class ON pg_relation_filenode(pg_class.oid)::text = name
"""
_TABLES = """
    SELECT string_agg(format('%I', relname), ', ') FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Files:
    """Those of a bus and a store that run in this process, or of a PostgreSQL's database.

    Not those of a RabbitMQ, nor PostgreSQL's write-ahead log: both go in their own time.
    """

    folder: Path | None = None
    database: str = ""

    async def with_any(self, words: Collection[str]) -> list[str]:
        """The names of files in which one of the words stands."""
        bodies = await _of_postgres(self.database) if self.database else _of_folder(self.folder)
        assert bodies
        return [name for name, body in bodies for word in words if word.encode() in body]

    async def know_values(self) -> None:
        """Has PostgreSQL's planner take samples of what is there."""
        if self.database:
            async with _connected(self.database) as connection:
                await connection.execute("ANALYZE")

    async def overwrite(self) -> None:
        """Takes what is free out of PostgreSQL's files, which it would overwrite as it needs it."""
        if self.database:
            async with _connected(self.database) as connection:
                tables = await connection.fetchval(_TABLES)
                await connection.execute(f"VACUUM FULL pg_statistic, {tables}")


@asynccontextmanager
async def _connected(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    try:
        yield connection
    finally:
        await connection.close()


async def _of_postgres(database: str) -> list[tuple[str, bytes]]:
    async with _connected(database) as connection:
        # Files that nothing needs any more go with it.
        await connection.execute("CHECKPOINT")
        return [(str(name), bytes(body)) for name, body in await connection.fetch(_FILES)]


def _of_folder(folder: Path | None) -> list[tuple[str, bytes]]:
    paths = sorted(folder.rglob("*")) if folder else ()
    return [(path.name, path.read_bytes()) for path in paths if path.is_file()]


def logged(logs: list[EventDict], words: Collection[str]) -> list[EventDict]:
    """Lines in which one of the words stands."""
    events = {one["event"] for one in logs}
    expected = {"webhook_durable", "recorded", "turn_committed", "send_step"}
    assert expected <= events, "what has no lines has nothing in them"
    return [one for one in logs if any(word in str(one) for word in words)]


def told_in_spans(spans: InMemorySpanExporter, words: Collection[str]) -> list[str]:
    """Spans in which one of the words stands."""
    told = [one.to_json() for one in spans.get_finished_spans()]
    assert len(told) > 10
    names = {json.loads(one)["name"] for one in told}
    assert {"webhook", "record", "turn", "send"} <= names
    return [one for one in told for word in words if word in one]
