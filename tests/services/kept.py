"""Server processes that end with the test run, however it ends, and the waiting for them."""

import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")

# Below the ports that Linux and macOS give to outgoing connections. A client that keeps trying a
# stopped server on one of those can end up connected to itself, and the server cannot come back.
# Above Ray's worker ports (10002-19999), below those of Serve's replicas (30000-31000).
PORTS = range(20000, 30000)

# What this process was given.
_given: set[int] = set()


class ServiceError(Exception):
    """A server that the tests need cannot be had or does not start. The message says what to do."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on now, out of `PORTS`.

    It is a while before a server listens on it: no other call gives it, of this process or of
    those that run tests side by side with it.
    """
    own = own_ports(os.environ)
    for port in random.SystemRandom().sample(own, min(len(own), 500)):
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
    message = f"No free port of 127.0.0.1 between {own.start} and {own.stop}"
    raise ServiceError(message)


def own_ports(environ: Mapping[str, str]) -> range:
    """Return this process's share of `PORTS`: pytest-xdist tells how many share them."""
    workers = int(environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    place = int(environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return PORTS[place * len(PORTS) // workers : (place + 1) * len(PORTS) // workers]


def wait_until(
    condition: Callable[[], bool], *, timeout: float, what: Callable[[], str], every: float = 0.05
) -> None:
    """Return once `condition` holds, looking every `every` seconds.

    Raises `ServiceError` with what `what` says after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(what())
        pause.wait(every)


def service_user(*names: str) -> str | None:
    """Return the first of these users that exists, or None where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in names if name in known), None)


def owned_directory(prefix: str, user: str | None) -> Path:
    """Make a temporary directory that belongs to `user`, or to us."""
    path = Path(tempfile.mkdtemp(prefix=prefix))
    if user is not None:
        path.chmod(0o755)
        give(path, user)
    return path


def give(path: Path, user: str | None) -> None:
    """Make `user` the owner of `path`; None leaves it ours."""
    if user is not None:
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


@dataclass
class KeptProcess:
    """One process under a keeper: gone when we are, even after SIGKILL.

    `log` gets both of its outputs. `orphaned` are commands to run when the owner died without
    closing it. It can be started again after it ended.
    """

    command: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0
    orphaned: Sequence[Sequence[str]] = ()
    _keeper: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._keeper is not None and self._keeper.poll() is None

    @property
    def root(self) -> int | None:
        """The process whose descendants it and all that it started are, while it runs."""
        return None if self._keeper is None else self._keeper.pid

    def start(self) -> None:
        """Start it, unless it runs. Raises `ServiceError` if the command cannot be started."""
        if self.running:
            return
        self._release()
        spec = {
            "command": list(self.command),
            "env": None if self.env is None else dict(self.env),
            "cwd": None if self.cwd is None else str(self.cwd),
            "user": self.user,
            "log": str(self.log),
            "stop_signal": int(self.stop_signal),
            "grace": self.grace,
            "orphaned": [list(command) for command in self.orphaned],
        }
        keeper = subprocess.Popen(
            [sys.executable, "-I", str(KEEPER), json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._keeper = keeper
        if keeper.stdout is None or keeper.stdout.readline() != b"started\n":
            keeper.wait()
            self._release()
            message = f"{self.command[0]} could not be started"
            raise ServiceError(message)

    def stop(self) -> None:
        """Stop it in its own orderly way, or with SIGKILL after `grace` seconds. Idempotent."""
        self._end(b"stop\n")

    def kill(self) -> None:
        """SIGKILL it and all that it started. Idempotent."""
        self._end(b"kill\n")

    def _end(self, command: bytes) -> None:
        keeper = self._keeper
        if keeper is None:
            return
        if keeper.stdin is not None and keeper.poll() is None:
            try:
                keeper.stdin.write(command)
                keeper.stdin.flush()
            except BrokenPipeError:
                keeper.wait()  # it ended by itself between the look and the write
        keeper.wait(timeout=self.grace + 30)
        self._release()

    def _release(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            for pipe in (keeper.stdin, keeper.stdout):
                if pipe is not None:
                    pipe.close()

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of its log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
