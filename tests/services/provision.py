"""Decides where a test run's RabbitMQ, PostgreSQL and PgBouncer come from, and provides them.

In this order: the address in the environment; the installed server, run privately; a server that
is installed with apt-get, where we are root on a Debian-like system; Docker, where an engine
answers; else `ServiceError` with an instruction. Nothing is ever skipped and sudo is never called.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.services.kept import ServiceError
from tests.services.pgbouncer import installed_pgbouncer, private_pgbouncer
from tests.services.postgres import (
    PostgresServer,
    docker_postgres,
    installed_binaries,
    private_postgres,
)
from tests.services.rabbitmq import (
    RabbitMQServer,
    docker_rabbitmq,
    installed_epmd,
    installed_scripts,
    private_rabbitmq,
)
from tests.services.server import run

POLICY = Path("/usr/sbin/policy-rc.d")


class Source(StrEnum):
    """Where a server comes from."""

    GIVEN = "given"
    INSTALLED = "installed"
    APT = "apt-get"
    DOCKER = "docker"


@dataclass(frozen=True)
class Service:
    """What is known of a service beforehand."""

    name: str
    variable: str  # the environment variable with the address of one to use
    package: str  # Debian's
    brew: str
    example: str


RABBITMQ = Service(
    "RabbitMQ",
    "VESTLUS_TEST_AMQP_URL",
    "rabbitmq-server",
    "rabbitmq",
    "amqp://guest:guest@127.0.0.1:5672/%2F",
)
POSTGRES = Service(
    "PostgreSQL",
    "VESTLUS_TEST_POSTGRES_URL",
    "postgresql",
    "postgresql@17",
    "postgresql://postgres@127.0.0.1:5432/postgres",
)

#: Always a private one, before whichever PostgreSQL there is: its configuration is the test's.
PGBOUNCER = Service(
    "PgBouncer",
    "",
    "pgbouncer",
    "pgbouncer",
    "",
)


def _installed(service: Service) -> bool:
    if service is PGBOUNCER:
        return installed_pgbouncer() is not None
    if service is RABBITMQ:
        return installed_scripts() is not None and installed_epmd() is not None
    return installed_binaries() is not None


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run(
            [docker, "version", "--format", "{{.Server.Version}}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


@dataclass(frozen=True)
class Machine:
    """What the decision depends on; the defaults look at this machine."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    is_root: bool = field(default_factory=lambda: os.geteuid() == 0)
    has_apt: bool = field(default_factory=lambda: shutil.which("apt-get") is not None)
    installed: Callable[[Service], bool] = _installed
    docker_answers: Callable[[], bool] = _docker_answers


def sources(service: Service, machine: Machine) -> Iterator[Source]:
    """Yield the places that `service` can come from on `machine`, the best first.

    Each is looked for only when the one before it was no good.
    """
    if service.variable and machine.environ.get(service.variable):
        yield Source.GIVEN
        return  # an address that was given is meant: nothing else is tried in its place
    if machine.installed(service):
        yield Source.INSTALLED
        return
    if machine.is_root and machine.has_apt:
        yield Source.APT
    if service is not PGBOUNCER and machine.docker_answers():
        yield Source.DOCKER


_OTHER_WAYS = (
    "\n  Docker:                start its engine; the public image is then used"
    "\n  elsewhere:             set {service.variable}, as in {service.example}"
)


def instruction(service: Service) -> str:
    """Return what a person can do to have `service` for the tests."""
    return (
        f"The tests need {service.name}, and this machine has none to use. Do one of these:\n"
        f"  Debian, Ubuntu, WSL2:  apt-get install {service.package}   (as root)\n"
        f"  macOS:                 brew install {service.brew}"
        + ("" if service is PGBOUNCER else _OTHER_WAYS.format(service=service))
    )


@contextmanager
def _no_service_start() -> Iterator[None]:
    """Keep a package's installation from starting its service: ours are private ones."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def apt_install(package: str, say: Callable[[str], None]) -> None:
    """Install a Debian package without starting its service. Raises `ServiceError`."""
    say(f"Installing {package} with apt-get, for the tests")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_service_start():
        run(["apt-get", "update", "-q"], env=env)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", package], env=env)


def ensure(service: Service, say: Callable[[str], None], machine: Machine | None = None) -> Source:
    """Make sure that `service` can be had, installing it if that is the way, and say how.

    Raises `ServiceError` with an instruction if it cannot.
    """
    machine = machine or Machine()
    for source in sources(service, machine):
        if source is Source.APT:
            try:
                apt_install(service.package, say)
            except ServiceError as error:
                say(str(error))
                continue
            if not machine.installed(service):
                say(f"{service.package} was installed, but no server was found in it")
                continue
            return Source.INSTALLED
        return source
    raise ServiceError(instruction(service))


def _docker_log() -> Path:
    handle, path = tempfile.mkstemp(prefix="vestlus-docker-", suffix=".log")
    os.close(handle)
    return Path(path)


def provide_rabbitmq(
    say: Callable[[str], None] = print, machine: Machine | None = None
) -> RabbitMQServer:
    """Return a RabbitMQ that is not started yet; `close` it in the end.

    Raises `ServiceError` with an instruction if there is no way to have one.
    """
    machine = machine or Machine()
    source = ensure(RABBITMQ, say, machine)
    if source is Source.GIVEN:
        return RabbitMQServer(machine.environ[RABBITMQ.variable])
    return private_rabbitmq() if source is Source.INSTALLED else docker_rabbitmq(_docker_log())


def provide_postgres(
    say: Callable[[str], None] = print, machine: Machine | None = None
) -> PostgresServer:
    """Return a PostgreSQL that is not started yet; `close` it in the end.

    Raises `ServiceError` with an instruction if there is no way to have one.
    """
    machine = machine or Machine()
    source = ensure(POSTGRES, say, machine)
    if source is Source.GIVEN:
        return PostgresServer(machine.environ[POSTGRES.variable])
    return private_postgres() if source is Source.INSTALLED else docker_postgres(_docker_log())


@contextmanager
def provide_pgbouncer(
    postgres_url: str, say: Callable[[str], None] = print, machine: Machine | None = None
) -> Iterator[str]:
    """Run a PgBouncer before the PostgreSQL at an address, and yield its own address.

    Raises `ServiceError` with an instruction if there is no way to have one.
    """
    ensure(PGBOUNCER, say, machine)
    with private_pgbouncer(postgres_url) as url:
        yield url
