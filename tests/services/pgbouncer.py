"""PgBouncer in transaction mode before a test run's PostgreSQL: few sessions for many clients."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.services.kept import (
    KeptProcess,
    ServiceError,
    free_port,
    give,
    owned_directory,
    service_user,
    wait_until,
)

#: Debian's is not on everybody's path.
PLACES = ("/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer")

#: Fewer than the clients of a test, so that what one leaves behind in a session meets another.
SESSIONS = 3


def installed_pgbouncer() -> Path | None:
    """Return the installed program, if there is one."""
    on_path = shutil.which("pgbouncer")
    found = [Path(on_path)] if on_path else [Path(place) for place in PLACES]
    return next((path for path in found if path.exists()), None)


def through(url: str, database: str) -> str:
    """Return the address of a database at another server's address."""
    return urlsplit(url)._replace(path=urlsplit(database).path).geturl()


@contextmanager
def private_pgbouncer(postgres_url: str) -> Iterator[str]:
    """Run one before the server at an address, and yield its own address.

    Raises `ServiceError` if it is not installed.
    """
    program = installed_pgbouncer()
    if program is None:
        message = "PgBouncer is not installed here"
        raise ServiceError(message)
    behind = urlsplit(postgres_url)
    user = service_user("postgres", "nobody")
    base, port = owned_directory("vestlus-pgbouncer-", user), free_port()
    password = f" password={behind.password}" if behind.password else ""
    settings = base / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n"
        f"* = host={behind.hostname} port={behind.port or 5432}"
        f" user={behind.username or 'postgres'}{password}\n"
        f"[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\n"
        f"listen_port = {port}\n"
        f"unix_socket_dir =\n"
        f"auth_type = any\n"
        f"pool_mode = transaction\n"
        f"default_pool_size = {SESSIONS}\n"
    )
    give(settings, user)
    process = KeptProcess(
        [str(program), str(settings)],
        base / "pgbouncer.log",
        env={"PATH": os.environ.get("PATH", os.defpath)},
        cwd=base,
        user=user,
        stop_signal=signal.SIGTERM,
        orphaned=[["rm", "-rf", str(base)]],
    )
    try:
        process.start()
        wait_until(lambda: _listens(port), timeout=30, what=process.tail)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        process.stop()
        shutil.rmtree(base, ignore_errors=True)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
