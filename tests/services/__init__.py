"""RabbitMQ and PostgreSQL for tests and benchmarks: private, on 127.0.0.1, gone when we are.

::

    with running(provide_rabbitmq()) as rabbitmq, running(provide_postgres()) as postgres:
        space = rabbitmq.fresh_space()          # a virtual host of one's own
        database = postgres.fresh_database()    # the URL of an empty database
        rabbitmq.kill9()
        rabbitmq.start()

All calls block, the slowest for some seconds: call them with ``asyncio.to_thread`` where a loop
runs. ``python -m tests.services`` is the same for a shell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from tests.services.kept import ServiceError
from tests.services.postgres import PostgresServer
from tests.services.provision import provide_pgbouncer, provide_postgres, provide_rabbitmq
from tests.services.rabbitmq import AmqpSpace, RabbitMQServer
from tests.services.server import Server

__all__ = [
    "AmqpSpace",
    "PostgresServer",
    "RabbitMQServer",
    "Server",
    "ServiceError",
    "provide_pgbouncer",
    "provide_postgres",
    "provide_rabbitmq",
    "running",
]

S = TypeVar("S", bound=Server)


@contextmanager
def running(server: S) -> Iterator[S]:
    """Start a server of ours, and close it in the end; one that was given is left as it is."""
    try:
        if server.controllable:
            server.start()
        yield server
    finally:
        server.close()
