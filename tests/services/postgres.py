"""PostgreSQL for a test run: the installed server run privately, or the public image."""

import asyncio
import glob
import os
import re
import shutil
import signal
import socket
import struct
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.services.kept import (
    KeptProcess,
    ServiceError,
    free_port,
    owned_directory,
    service_user,
)
from tests.services.server import DockerRunner, PrivateRunner, Server, run

T = TypeVar("T")

IMAGE = "postgres:17-alpine"
BINARY_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


def installed_binaries() -> Path | None:
    """Return the directory of the newest installed `postgres` and `initdb`, if any."""
    found = [Path(path) for pattern in BINARY_PLACES for path in glob.glob(pattern)]  # noqa: PTH207  absolute patterns
    found.sort(key=lambda path: int((re.findall(r"\d+", str(path)) or ["0"])[0]), reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    for place in found:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    return None


class PostgresServer(Server):
    """A PostgreSQL; `url` names the database `postgres` of a superuser."""

    def __init__(self, url: str, runner: PrivateRunner | DockerRunner | None = None) -> None:
        """Nothing is started here."""
        super().__init__("PostgreSQL", url, runner)

    def answers(self) -> bool:
        """Whether it authenticates a session now; a server that starts up or recovers does not."""
        address = urlsplit(self.url)
        fields = b"user\0" + (address.username or "postgres").encode() + b"\0"
        fields += b"database\0" + address.path[1:].encode() + b"\0\0"
        startup = struct.pack("!II", len(fields) + 8, 196608) + fields  # protocol 3.0
        try:
            with socket.create_connection(
                (address.hostname or "", address.port or 5432), timeout=5
            ) as connection:
                connection.sendall(startup)
                return connection.recv(1) == b"R"
        except OSError:
            return False

    def fresh_database(self, template: str | None = None) -> str:
        """Create a database and return its URL: empty, or like the one whose URL is `template`.

        The server must be running, and nobody connected to the template.
        """
        name = f"test_{uuid.uuid4().hex[:12]}"
        model = "template0" if template is None else urlsplit(template).path[1:]
        run_apart(lambda: _execute(self.url, f'CREATE DATABASE "{name}" TEMPLATE "{model}"'))
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop_database(self, url: str) -> None:
        """Drop a database that `fresh_database` made, sessions or not."""
        name = urlsplit(url).path[1:]
        run_apart(lambda: _execute(self.url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    import asyncpg  # noqa: PLC0415  only those who make databases need a driver

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def run_apart(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end on a loop of its own, also where a loop already runs."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(lambda: asyncio.run(make())).result()


def private_postgres() -> PostgresServer:
    """Return the installed PostgreSQL as a private cluster on 127.0.0.1, not yet started.

    Durability is as in production (fsync on). As root it runs as the user `postgres`, since it
    refuses to run as root. Raises `ServiceError` if PostgreSQL is not installed.
    """
    binaries = installed_binaries()
    if binaries is None:
        message = "PostgreSQL is not installed here"
        raise ServiceError(message)
    user = service_user("postgres", "nobody")
    base = owned_directory("vestlus-postgres-", user)
    data, port = base / "data", free_port()
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": str(base)}
    initdb = [str(binaries / "initdb"), "--pgdata", str(data), "--username", "postgres"]
    # Trust is enough on loopback with data that is thrown away; --no-sync only hurries initdb.
    initdb += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
    run(initdb, env=env, user=user, cwd=base)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "fsync": "on",
    }
    process = KeptProcess(
        [
            *(str(binaries / "postgres"), "-D", str(data)),
            *(f"--{name}={value}" for name, value in settings.items()),
        ],
        base / "server.log",
        env=env,
        cwd=base,
        user=user,
        stop_signal=signal.SIGINT,  # "fast shutdown": sessions are ended, data is written out
        orphaned=[["rm", "-rf", str(base)]],
    )
    return PostgresServer(
        f"postgresql://postgres@127.0.0.1:{port}/postgres", PrivateRunner(process, base)
    )


def docker_postgres(log: Path, docker: str = "docker") -> PostgresServer:
    """Return PostgreSQL's public image as a server on 127.0.0.1, not yet started."""
    runner = DockerRunner(IMAGE, 5432, {"POSTGRES_HOST_AUTH_METHOD": "trust"}, log, docker)
    return PostgresServer(f"postgresql://postgres@127.0.0.1:{runner.port}/postgres", runner)
