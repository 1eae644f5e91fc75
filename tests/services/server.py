"""A running server as the tests see it: an address, and for fault tests a way to stop it."""

import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.services.kept import KeptProcess, ServiceError, free_port, wait_until

START_TIMEOUT_SECONDS = 120.0


class Runner(Protocol):
    """How a server's process is run. `stop` and `kill9` keep its data, `close` removes it."""

    def start(self) -> None:
        """Start the process."""

    def stop(self) -> None:
        """Stop it in its own orderly way."""

    def kill9(self) -> None:
        """SIGKILL every process of it."""

    def close(self) -> None:
        """Stop it for good and remove what it wrote."""

    def tail(self) -> str:
        """Return the last lines of its log."""


class Server:
    """One server at `url`.

    A server that was given by its address (no runner) is only used: `stop`, `start` and `kill9`
    raise `ServiceError`, and `controllable` is false.
    """

    def __init__(self, name: str, url: str, runner: Runner | None) -> None:
        """Nothing is started here."""
        self.name = name
        self.url = url
        self._runner = runner
        self._running = runner is None

    @property
    def controllable(self) -> bool:
        """Whether it can be stopped and started."""
        return self._runner is not None

    @property
    def running(self) -> bool:
        """Whether it was started and neither stopped nor killed since."""
        return self._running

    @property
    def root(self) -> int | None:
        """The process whose descendants are all of its; None where it is not a private one."""
        return self._runner.process.root if isinstance(self._runner, PrivateRunner) else None

    @property
    def directory(self) -> Path | None:
        """Where it has its files; None where it is not a private one."""
        return self._runner.directory if isinstance(self._runner, PrivateRunner) else None

    def answers(self) -> bool:
        """Whether a client can work with it now."""
        raise ServiceError(self.name)

    def start(self) -> None:
        """Start it, unless it runs, and return once it answers; its data is as it was."""
        runner = self._controlled()
        if self._running:
            return
        runner.start()
        wait_until(
            self.answers,
            timeout=START_TIMEOUT_SECONDS,
            what=lambda: f"{self.name} does not answer. The end of its log:\n{runner.tail()}",
        )
        self._running = True

    def stop(self) -> None:
        """Stop it in its own orderly way; clients are disconnected. Idempotent."""
        self._controlled().stop()
        self._running = False

    def kill9(self) -> None:
        """SIGKILL all its processes; what it had made durable is there after `start`."""
        self._controlled().kill9()
        self._running = False

    def close(self) -> None:
        """Stop it for good and remove its data; a server given by its address is left alone."""
        if self._runner is not None:
            self._runner.close()
            self._running = False

    def _controlled(self) -> Runner:
        if self._runner is None:
            message = f"{self.name} was given by its address, so it cannot be started or stopped"
            raise ServiceError(message)
        return self._runner


@dataclass
class PrivateRunner:
    """Runs an installed server in a directory of its own; `companions` live as long as it does."""

    process: KeptProcess
    directory: Path
    companions: Sequence[KeptProcess] = ()

    def start(self) -> None:
        """Start the companions, then the server."""
        for companion in self.companions:
            companion.start()
        self.process.start()

    def stop(self) -> None:
        """Stop the server; the companions go on."""
        self.process.stop()

    def kill9(self) -> None:
        """Kill the server; the companions go on."""
        self.process.kill()

    def close(self) -> None:
        """End everything and remove the directory."""
        self.process.stop()
        for companion in self.companions:
            companion.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def tail(self) -> str:
        """Return the last lines of the server's output."""
        return self.process.tail()


class DockerRunner:
    """Runs a server's public image; the container keeps its data until `close`."""

    def __init__(
        self,
        image: str,
        container_port: int,
        environment: Mapping[str, str],
        log: Path,
        docker: str = "docker",
    ) -> None:
        """`log` gets the container's output. Nothing is started or fetched here."""
        self.docker = docker
        self.container = f"vestlus-test-{uuid.uuid4().hex[:12]}"
        self.port = free_port()
        self._create = [
            *(docker, "create", "--name", self.container, "--hostname", "localhost"),
            *("--publish", f"127.0.0.1:{self.port}:{container_port}"),
            *(f"--env={name}={value}" for name, value in environment.items()),
            image,
        ]
        self._remove = [docker, "rm", "--force", "--volumes", self.container]
        self._created = False
        self._process = KeptProcess(
            [docker, "start", "--attach", self.container], log, orphaned=[self._remove]
        )

    def start(self) -> None:
        """Create the container the first time, fetching the image, and start it."""
        if not self._created:
            run(self._create)
            self._created = True
        self._process.start()

    def stop(self) -> None:
        """Stop the container; the attached client ends with it."""
        run([self.docker, "stop", self.container])
        self._process.stop()

    def kill9(self) -> None:
        """SIGKILL the container's processes."""
        run([self.docker, "kill", "--signal", "KILL", self.container])
        self._process.stop()

    def close(self) -> None:
        """Remove the container and its data."""
        if self._created:
            run(self._remove)
            self._process.stop()

    def tail(self) -> str:
        """Return the last lines of the container's output."""
        return self._process.tail()

    def execute(self, *command: str) -> str:
        """Run a command in the container and return its output."""
        return run([self.docker, "exec", self.container, *command])


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
    timeout: float = 600.0,
) -> str:
    """Run a command to its end and return its output.

    Raises `ServiceError` with the end of its output if it fails or takes longer than `timeout`
    seconds.
    """
    try:
        done = subprocess.run(
            command,
            env=None if env is None else dict(env),
            user=user,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{command[0]} could not be run: {type(error).__name__}"
        raise ServiceError(message) from error
    if done.returncode != 0:
        output = "\n".join(done.stdout.splitlines()[-15:])
        message = f"{' '.join(command[:3])} failed ({done.returncode}):\n{output}"
        raise ServiceError(message)
    return done.stdout
