"""What the whole suite shares: services that are started when first asked for, and guards."""

import asyncio
import gc
import ipaddress
import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.compiled import share_compiled
from tests.contract.store_support import another
from tests.services import (
    AmqpSpace,
    PostgresServer,
    RabbitMQServer,
    provide_postgres,
    provide_rabbitmq,
    running,
)
from tests.services.postgres import private_postgres
from tests.services.postgres_copies import DatabaseCopies
from tests.services.provision import POSTGRES, RABBITMQ
from tests.services.rabbitmq import private_rabbitmq

# A shell's background job ignores SIGINT, and one of nohup SIGHUP; children inherit that. Tests of
# what a signal does would wait for it for ever.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(
            _number,
            signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL,
        )


_configure = structlog.configure


def _uncached(**given: Any) -> None:  # noqa: ANN401  as structlog has it
    _configure(**{**given, "cache_logger_on_first_use": False})


# A logger that is kept as a command of one test has set it up would be so for all tests after it.
structlog.configure = _uncached  # type: ignore[assignment]  # with the same arguments


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Take back how a test, or a command that it called, set up logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
    added = [one for one in root.handlers if one not in handlers]
    for one in added:
        root.removeHandler(one)
    root.setLevel(level)


class OutsideNetworkError(PermissionError):
    """A test tried to reach something other than this machine."""


def _allowed_hosts() -> set[str]:
    """Return the addresses of the servers that the environment gives to the tests."""
    given = (urlsplit(os.environ.get(service.variable, "")) for service in (RABBITMQ, POSTGRES))
    hosts = {url.hostname for url in given if url.hostname}
    return {str(info[4][0]) for host in hosts for info in socket.getaddrinfo(host, None)}


def _guarded(connect: Callable[..., Any], allowed: set[str]) -> Callable[..., Any]:
    def guard(self: socket.socket, address: Any) -> Any:  # noqa: ANN401  as socket has it
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = str(address[0])
            if host != "localhost" and host not in allowed and not _is_loopback(host):
                message = f"a test may reach 127.0.0.1 only, not {host}"
                raise OutsideNetworkError(message)
        return connect(self, address)

    return guard


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:  # a name: whoever connects to one may end up anywhere
        return False


# No example fails for being slow: that would be the machine's failure.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse connections that leave the machine, and end on SIGTERM as on Ctrl-C.

    The guard covers Python's sockets, asyncio's included; uvloop's own sockets it cannot see.
    """
    patch = pytest.MonkeyPatch()
    allowed = _allowed_hosts()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), allowed))
    config.add_cleanup(patch.undo)
    config.add_cleanup(share_compiled())
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without the garbage collector, and spare it what was imported and collected.

    All of that lasts to the end; to look through it again and again took a sixth of the time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that prints past pytest's capturing."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capturing = request.config.pluginmanager.get_plugin("capturemanager")

    def print_line(text: str) -> None:
        if reporter is not None and capturing is not None:
            with capturing.global_and_fixture_disabled():
                reporter.ensure_newline()
                reporter.write_line(text, flush=True)

    return print_line


@pytest.fixture(scope="session")
def rabbitmq_service(say: Callable[[str], None]) -> Iterator[RabbitMQServer]:
    """Return the RabbitMQ of this session, running."""
    with running(provide_rabbitmq(say)) as server:
        yield server


@pytest.fixture(scope="session")
def amqp_url(rabbitmq_service: RabbitMQServer) -> str:
    """Return the URL of the session's RabbitMQ: a virtual host that all tests share."""
    return rabbitmq_service.url


@pytest.fixture
def amqp_space(rabbitmq_service: RabbitMQServer) -> Iterator[AmqpSpace]:
    """Return a place on RabbitMQ that only this test uses: a fresh virtual host.

    On a broker given by VESTLUS_TEST_AMQP_URL it is that broker's own virtual host, and
    `queue_prefix` is what the test has to put before the names of its queues and exchanges.
    """
    space = rabbitmq_service.fresh_space()
    yield space
    rabbitmq_service.retire(space)


@pytest.fixture
def rabbitmq_server(rabbitmq_service: RabbitMQServer) -> Iterator[RabbitMQServer]:
    """Return a RabbitMQ that this test may stop and kill; it runs again afterwards.

    It is the session's, or a private one where the session's was given by its address.
    """
    if not rabbitmq_service.controllable:
        with running(private_rabbitmq()) as server:
            yield server
        return
    yield rabbitmq_service
    rabbitmq_service.start()


@pytest.fixture(scope="session")
def postgres_service(say: Callable[[str], None]) -> Iterator[PostgresServer]:
    """Return the PostgreSQL of this session, running."""
    with running(provide_postgres(say)) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_service: PostgresServer) -> str:
    """Return the URL of a database that all tests share, on the session's PostgreSQL."""
    return postgres_service.url


@pytest.fixture
def postgres_database(postgres_service: PostgresServer) -> Iterator[str]:
    """Return the URL of an empty database that only this test uses."""
    database = postgres_service.fresh_database()
    yield database
    if postgres_service.controllable:
        postgres_service.start()
    postgres_service.drop_database(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store of either kind that is yet to be made."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/some/folder/store.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def postgres_server(postgres_service: PostgresServer) -> Iterator[PostgresServer]:
    """Return a PostgreSQL that this test may stop and kill; it runs again afterwards.

    It is the session's, or a private one where the session's was given by its address.
    """
    if not postgres_service.controllable:
        with running(private_postgres()) as server:
            yield server
        return
    yield postgres_service
    postgres_service.start()


def _make(url: str) -> None:
    """Makes a store as the tests open it."""

    async def work() -> None:
        async with another(url):
            pass

    asyncio.run(work())


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a SQLite store that nobody has used."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    _make(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def store_databases(postgres_service: PostgresServer) -> Iterator[DatabaseCopies]:
    """Return PostgreSQL stores that hold nothing yet."""
    url = postgres_service.fresh_database()
    _make(url)
    copies = DatabaseCopies(postgres_service, url)
    yield copies
    copies.close()
    postgres_service.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a store of either kind that holds nothing yet."""
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated_file")
        shutil.copy(migrated, tmp_path / "store.db")
        yield f"sqlite:///{tmp_path}/store.db"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_service")
    databases: DatabaseCopies = request.getfixturevalue("store_databases")
    url = databases.take()
    yield url
    if postgres.controllable:
        postgres.start()
    databases.give_back(url)
