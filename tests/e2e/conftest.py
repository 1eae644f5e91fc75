"""The service on both pairs of bus and store, each started once for the tests that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.service import Service, running_service
from tests.services import PostgresServer, RabbitMQServer

#: Short waits, so that the tests are: nothing else about the service differs.
QUICK = {"VESTLUS_BURST_WAIT_SECONDS": "0.4", "VESTLUS_SETTLING_SECONDS": "5"}

EMBEDDED = "sqlite"
PRODUCTION = "rabbitmq+postgresql"


@dataclass(frozen=True, slots=True)
class Pair:
    """A bus and a store, and where the service on them keeps its files."""

    name: str
    folder: Path
    settings: dict[str, str]
    rabbitmq: RabbitMQServer | None = None


@pytest.fixture(scope="module", params=[EMBEDDED, PRODUCTION])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Return each pair in turn, empty."""
    folder = tmp_path_factory.mktemp("service")
    if request.param == EMBEDDED:
        yield Pair(EMBEDDED, folder, dict(QUICK))
        return
    rabbitmq: RabbitMQServer = request.getfixturevalue("rabbitmq_service")
    postgres: PostgresServer = request.getfixturevalue("postgres_service")
    space, database = rabbitmq.fresh_space(), postgres.fresh_database()
    addresses = {"VESTLUS_BUS_URL": space.url, "VESTLUS_DATABASE_URL": database}
    yield Pair(PRODUCTION, folder, QUICK | addresses, rabbitmq)
    rabbitmq.retire(space)
    postgres.drop_database(database)


@pytest.fixture(scope="module")
def service(pair: Pair) -> Iterator[Service]:
    """Return the running service."""
    with running_service(pair.folder, pair.settings) as running:
        yield running


Say = Callable[[str], None]
