"""The demo on both pairs of bus and store, each started once for all the tests that share it.

They share accounts, persona and model too: each test has users of its own, and puts back what it
changed. What kills and freezes is well again when somebody was answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.service import Service, running_service, start_again
from tests.services import PostgresServer, RabbitMQServer

#: Short waits, so that the tests are: nothing else about the service differs. And Ray's default of
#: 15 has its processes wait for all others: here for Instagram, broker, database and the tests.
QUICK = {
    "VESTLUS_BURST_WAIT_SECONDS": "0.4",
    "VESTLUS_SETTLING_SECONDS": "5",
    "RAY_worker_niceness": "0",
}

VERIFY_TOKEN = "the verify token"
OPERATOR_TOKEN = "the token of the operators"
#: Of the system that tells of events.
EVENT_TOKEN = "of-the-calendar-of-the-library"

EMBEDDED = "sqlite"
PRODUCTION = "rabbitmq+postgresql"
PAIRS = (EMBEDDED, PRODUCTION)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a running demo come last: it takes no processor from those that start
    services of their own, and ends with the last of its tests.
    """
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[int, ...]:
    if not isinstance(item, pytest.Function) or "pair" not in item.fixturenames:
        return (0,)
    # One pair after the other. On each, whoever ends the demo comes last or, where it starts it
    # again, first; before the last who looks at all there is, and before those who look at what
    # takes its time.
    pair = PAIRS.index(item.callspec.params["pair"])
    late = [name in item.fixturenames for name in ("service_to_end", "much_happened", "in_the_end")]
    starts = item.path.stem == "test_stopping"
    return 1 + pair, *late, not starts


@dataclass(frozen=True, slots=True)
class Pair:
    """A bus and a store, and where the service on them keeps its files."""

    name: str
    folder: Path
    settings: dict[str, str]
    rabbitmq: RabbitMQServer | None = None


@pytest.fixture(scope="session", params=PAIRS)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Return each pair in turn, empty."""
    folder = tmp_path_factory.mktemp("service")
    settings = QUICK | {
        "VESTLUS_VERIFY_TOKEN": VERIFY_TOKEN,
        "VESTLUS_OPERATOR_TOKEN": OPERATOR_TOKEN,
        "VESTLUS_EVENT_TOKENS": f"calendar={EVENT_TOKEN}",
    }
    if request.param == EMBEDDED:
        yield Pair(EMBEDDED, folder, settings)
        return
    rabbitmq: RabbitMQServer = request.getfixturevalue("rabbitmq_service")
    postgres: PostgresServer = request.getfixturevalue("postgres_service")
    space, database = rabbitmq.fresh_space(), postgres.fresh_database()
    addresses = {"VESTLUS_BUS_URL": space.url, "VESTLUS_DATABASE_URL": database}
    yield Pair(PRODUCTION, folder, settings | addresses, rabbitmq)
    rabbitmq.retire(space)
    postgres.drop_database(database)


@pytest.fixture(scope="session")
def demo(pair: Pair) -> Iterator[Service]:
    """Return the demo of a pair, which a test may have ended."""
    with running_service(pair.folder, pair.settings) as running:
        yield running


@pytest.fixture
def service(demo: Service, pair: Pair) -> Service:
    """Return the demo of a pair, running."""
    if demo.process.poll() is not None:
        start_again(demo, pair.folder, pair.settings)
    return demo


@pytest.fixture
def service_to_end(service: Service) -> Service:
    """Return the same, for a test that does not leave it running."""
    return service


@pytest.fixture
def much_happened() -> None:
    """For a test that looks at everything, and leaves traces everywhere."""


@pytest.fixture
def in_the_end() -> None:
    """For a test that looks at what an earlier one began: there are others in between."""
