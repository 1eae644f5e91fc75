"""The ground on which all contestants run: one RabbitMQ, one PostgreSQL, and what is apart."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aio_pika

from benchmarks.comparison.hammer import mid
from tests.services import PostgresServer, RabbitMQServer, provide_postgres, provide_rabbitmq
from tests.services import running as served
from vestlus.cli.ports import free_port
from vestlus.loadtest.environment import Secrets, made_up_secrets, own_accounts
from vestlus.loadtest.machine import bus_version, machine, store_version
from vestlus.loadtest.parts import living_processes

ACCOUNTS = 4
PACKAGES = ("celery", "gevent", "psycopg", "fastapi", "uvicorn", "aio-pika", "asyncpg", "httpx2")


def say(text: str) -> None:
    """Progress; results are on standard output."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Ground:
    """Both servers, and by name the processes that they are."""

    rabbitmq: RabbitMQServer
    postgres: PostgresServer
    roots: dict[str, int] = field(default_factory=dict)


@contextmanager
def ground() -> Iterator[Ground]:
    """Start both; they end with the block."""
    with ExitStack() as stack:
        known = _children()
        rabbitmq = stack.enter_context(served(provide_rabbitmq(say)))
        with_rabbitmq = _children()
        postgres = stack.enter_context(served(provide_postgres(say)))
        # A keeper and, of RabbitMQ, a port mapper: the one that was started last is the server's.
        roots = {
            name: max(new)
            for name, new in (
                ("RabbitMQ", with_rabbitmq - known),
                ("PostgreSQL", _children() - with_rabbitmq),
            )
            if new
        }
        yield Ground(rabbitmq, postgres, roots)


def _children() -> set[int]:
    return {each.pid for each in living_processes() if each.parent == os.getpid()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one run of one contestant has for itself. ``run`` begins all its ids."""

    folder: Path
    run: str
    accounts: tuple[str, ...]
    known: Secrets
    port: int
    graph_port: int
    model_port: int
    amqp_url: str
    database_url: str

    @property
    def address(self) -> str:
        """Where the contestant takes webhooks."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def graph_url(self) -> str:
        """Where the pretend Graph is."""
        return f"http://127.0.0.1:{self.graph_port}"

    @property
    def model_url(self) -> str:
        """Where the pretend model is."""
        return f"http://127.0.0.1:{self.model_port}"


@contextmanager
def place(on: Ground, folder: Path) -> Iterator[Place]:
    """A virtual host, a database and ports that nobody has used."""
    space, database = on.rabbitmq.fresh_space(), on.postgres.fresh_database()
    try:
        yield Place(
            folder=folder,
            run=f"9{secrets.randbelow(10**8):08}",
            accounts=own_accounts(ACCOUNTS),
            known=made_up_secrets(),
            port=free_port("127.0.0.1"),
            graph_port=free_port("127.0.0.1"),
            model_port=free_port("127.0.0.1"),
            amqp_url=space.url,
            database_url=database,
        )
    finally:
        on.rabbitmq.retire(space)
        on.postgres.drop_database(database)


def peers_tables(url: str) -> None:
    """Make the peers' tables in a database."""
    from benchmarks.peers.ray_actors import make_tables  # noqa: PLC0415 - it imports Ray

    asyncio.run(make_tables(url))


async def kept(url: str, queues: Sequence[str], run: str) -> list[int]:
    """Take everything from the queues; return the numbers of the hammer's events in it."""
    found: list[int] = []
    pattern = re.compile(re.escape(mid(run, 0)[: len(f"m.{run}.")]).encode() + rb"(\d{9})\.")
    async with await aio_pika.connect(url) as connection:
        for name in queues:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, passive=True)
            left = queue.declaration_result.message_count or 0
            if not left:
                continue
            async with queue.iterator(no_ack=True) as messages:
                async for message in messages:
                    found += {int(each) for each in pattern.findall(message.body)}
                    left -= 1
                    if not left:
                        break
    return found


async def circumstances(on: Ground) -> dict[str, Any]:
    """The machine, and the versions of everything that takes part."""
    return {
        **machine(),
        "RabbitMQ": await bus_version(on.rabbitmq.url),
        "PostgreSQL": await store_version(on.postgres.url),
        **{name: version(name) for name in PACKAGES},
    }
