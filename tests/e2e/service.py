"""The whole service as a user starts it: ``vestlus demo`` in a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.kept import free_port

#: Ray starts slowly on a busy machine of two processors.
START_SECONDS = 240.0
STOP_SECONDS = 120.0


class ServiceError(RuntimeError):
    """The service did not do what it must; the message has the end of its output."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the service."""

    pid: int
    parent: int
    arguments: str


@dataclass(slots=True)
class Service:
    """A running demo. Everything is asked of it from outside."""

    process: subprocess.Popen[bytes]
    log: Path
    simulator: str
    address: str
    account: str

    def control(self, path: str, body: object = None, *, timeout: float = 60) -> Any:  # noqa: ANN401
        """Calls the simulator's control API."""
        return call(f"{self.simulator}/control/{path}", body, timeout=timeout)

    def write(self, user: str, text: str) -> dict[str, Any]:
        """The user writes; returns the simulator's message."""
        sent: dict[str, Any] = self.control(
            "messages", {"account": self.account, "user": user, "text": text}
        )
        return sent

    def answers(self, user: str, after: int, *, count: int = 1, seconds: float = 90) -> list[str]:
        """Waits for answers to a user and returns their texts."""
        deadline = time.monotonic() + seconds
        texts: list[str] = []
        while len(texts) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ServiceError(f"{len(texts)} of {count} answers came\n{self.tail()}")
            query = urllib.parse.urlencode(
                {"account": self.account, "user": user, "after": after, "timeout": min(left, 20)}
            )
            found = self.control(f"wait?{query}")["messages"]
            texts += [str(one["text"]) for one in found]
            after = max([after, *(int(one["seq"]) for one in found)])
        return texts

    def ask(self, user: str, text: str, *, seconds: float = 90) -> str:
        """Writes and waits for one answer."""
        sent = self.write(user, text)
        return self.answers(user, int(sent["seq"]), seconds=seconds)[0]

    def model_requests(self, text: str) -> list[dict[str, Any]]:
        """The requests to the model that contain a text, oldest first."""
        query = urllib.parse.urlencode({"limit": 2000, "contains": text})
        found = self.control(f"model-requests?{query}")["requests"]
        return [one["body"] for one in found if text in json.dumps(one["body"], ensure_ascii=False)]

    def processes(self, mark: str) -> list[int]:
        """Process ids of this service whose command line has ``mark``, oldest first."""
        return [one.pid for one in family(self.process.pid) if mark in one.arguments]

    def kill(self, mark: str, *, which: int = 0) -> int:
        """Kills one process with SIGKILL; returns its id."""
        found = self.processes(mark)
        if not found:
            raise ServiceError(f"no process {mark} to kill\n{self.tail()}")
        os.kill(found[which % len(found)], signal.SIGKILL)
        return found[which % len(found)]

    def status(self, path: str) -> int:
        """The HTTP status of a path of the service, 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def tail(self) -> str:
        """The end of what the service printed."""
        return self.log.read_text("utf-8", errors="replace")[-4000:]

    def printed(self, since: int) -> str:
        """What the service printed since its log was so long, in bytes."""
        return self.log.read_bytes()[since:].decode(errors="replace")


def call(url: str, body: object = None, *, timeout: float = 60) -> Any:  # noqa: ANN401 - any JSON
    """A JSON call; a body makes it a POST."""
    request = urllib.request.Request(  # noqa: S310 - addresses of this test's own servers
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        return json.load(answer)


def everybody() -> list[Process]:
    """Every live process of the machine."""
    listing = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="],  # noqa: S607 - the system's own
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = [line.split(None, 3) for line in listing.splitlines()]
    return [
        Process(int(row[0]), int(row[1]), row[3] if len(row) > 3 else "")
        for row in rows
        if not row[2].startswith("Z")
    ]


def family(pid: int) -> list[Process]:
    """A process and all its descendants, by process id."""
    living = everybody()
    members = {pid}
    grew = True
    while grew:
        found = {one.pid for one in living if one.parent in members}
        grew = not found <= members
        members |= found
    return sorted((one for one in living if one.pid in members), key=lambda one: one.pid)


def wait_for(what: str, condition: Callable[[], object], *, seconds: float) -> None:
    """Waits until the condition holds; raises ServiceError naming it otherwise."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"not within {seconds:.0f} s: {what}")
        pause.wait(0.1)


@contextmanager
def running_service(folder: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    """Starts ``vestlus demo`` on ``folder`` and stops it with SIGINT, as Ctrl-C does.

    Raises ServiceError when it does not start, does not stop, or leaves a process behind.
    """
    service = _started_demo(folder, settings)
    try:
        yield service
    finally:
        stop_process(service.process)


def start_again(service: Service, folder: Path, settings: Mapping[str, str]) -> None:
    """Starts the demo of :func:`running_service`, which has ended, again on its folder, in place.

    Raises ServiceError as that does.
    """
    again = _started_demo(folder, settings)
    service.process = again.process
    service.simulator, service.address = again.simulator, again.address


def _started_demo(folder: Path, settings: Mapping[str, str]) -> Service:
    addresses = folder / "demo.json"
    with starting_demo(folder, settings) as (process, log):
        _wait_until("demo is ready", process, log, lambda: _filled(addresses))
    found = json.loads(addresses.read_text("utf-8"))
    return Service(process, log, found["simulator"], found["service"], found["account"])


@contextmanager
def starting_demo(
    folder: Path, settings: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """``vestlus demo``, not ready yet, and its log; ended where the block fails."""
    log = folder / "demo.log"
    with _one_after_the_other():
        environment = {"VESTLUS_HTTP_PORT": str(free_port()), **settings}
        process = start_process("demo", folder, environment, log)
        try:
            yield process, log
        except BaseException:
            stop_process(process)
            raise


@contextmanager
def _one_after_the_other() -> Iterator[None]:
    """Demos that start at the same moment would choose the same port for their simulators."""
    with (Path(tempfile.gettempdir()) / "vestlus-tests-demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _filled(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


@contextmanager
def running_serve(
    folder: Path, simulator: str, settings: Mapping[str, str], *, code: Path | None = None
) -> Iterator[Service]:
    """Starts ``vestlus serve`` with these settings and stops it with SIGINT. ``code`` is another
    checkout that it is to be the service of.

    Raises ServiceError as :func:`running_service` does.
    """
    log = folder / "serve.log"
    # Of an earlier start on this folder.
    before = log.stat().st_size if log.exists() else 0
    with serving(folder, settings, code=code) as (process, _):
        _wait_until(
            "serve is ready",
            process,
            log,
            lambda: b"Vestlus is ready at" in log.read_bytes()[before:],
        )
        address = f"http://127.0.0.1:{settings['VESTLUS_HTTP_PORT']}"
        yield Service(process, log, simulator, address, settings["VESTLUS_ACCOUNT_ID"])


def start_process(
    command: str,
    folder: Path,
    settings: Mapping[str, str],
    log: Path,
    *,
    code: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Starts ``vestlus COMMAND`` with these settings and no others; its output goes to ``log``.

    Of the checkout ``code``, where one is given, and of this one otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VESTLUS_", "OPENAI_", "RAY_"))
    }
    if code is not None:
        # Before the one that is installed; Ray's workers have it from here.
        environment["PYTHONPATH"] = str(code)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "vestlus.cli.main", command],
            env=environment | {"VESTLUS_DATA_DIR": str(folder), **settings},
            cwd=code,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _wait_until(
    what: str, process: subprocess.Popen[bytes], log: Path, started: Callable[[], bool]
) -> None:
    def ready() -> bool:
        if process.poll() is not None:
            raise ServiceError(f"it ended\n{log.read_text('utf-8', errors='replace')[-4000:]}")
        return started()

    wait_for(what, ready, seconds=START_SECONDS)


@contextmanager
def serving(
    folder: Path, settings: Mapping[str, str], *, code: Path | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """``vestlus serve``, not ready yet, and its log; ended as :func:`running_serve` ends it."""
    log = folder / "serve.log"
    environment = {"VESTLUS_HTTP_HOST": "127.0.0.1", **settings}
    process = start_process("serve", folder, environment, log, code=code)
    try:
        yield process, log
    finally:
        stop_process(process)


@contextmanager
def running_simulator(
    folder: Path,
    port: int,
    *,
    webhook_port: int | None = None,
    accounts: Sequence[str] = ("17841400000000009",),
    seed: int = 0,
) -> Iterator[tuple[str, dict[str, str]]]:
    """A simulator beside a service on ``port``; its address and the settings that point at it.

    Webhooks go to ``webhook_port`` where something stands between. The settings are those of the
    first account.
    """
    secret, token, account = "the app secret", "the-access-token", accounts[0]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "vestlus.simulator", "--port", "0", "--seed", str(seed)),
            *("--data", str(folder / "simulator.sqlite")),
            *("--webhook-url", f"http://127.0.0.1:{webhook_port or port}/webhook"),
            *(word for one in accounts for word in ("--account-id", one)),
        ],
        env=os.environ
        | {"VESTLUS_SIMULATOR_APP_SECRET": secret, "VESTLUS_SIMULATOR_ACCESS_TOKEN": token},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = str(json.loads(process.stdout.readline())["url"])
        yield (
            url,
            {
                "VESTLUS_HTTP_PORT": str(port),
                "VESTLUS_APP_SECRETS": f"an older secret,{secret}",
                "VESTLUS_VERIFY_TOKEN": "the verify token",
                "VESTLUS_OPERATOR_TOKEN": "the operator token",
                "VESTLUS_ENCRYPTION_KEY": "k" * 40,
                "VESTLUS_ACCOUNT_ID": account,
                "VESTLUS_ACCESS_TOKEN": token,
                "VESTLUS_GRAPH_URL": f"{url}/graph/v25.0",
                "OPENAI_BASE_URL": f"{url}/openai/v1",
                "OPENAI_API_KEY": "any",
                # A few users write as no person does.
                "VESTLUS_ANSWERS_PER_USER_HOUR": "0",
                "VESTLUS_ANSWERS_PER_USER_DAY": "0",
            },
        )
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Stops a command with SIGINT. Raises ServiceError when it leaves a process behind."""
    before = family(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

    def left() -> list[Process]:
        # Orphans have another parent than before: the command line tells them from a reused id.
        now = {one.pid: one.arguments for one in everybody()}
        return [one for one in before if now.get(one.pid) == one.arguments]

    try:
        wait_for("no process is left behind", lambda: not left(), seconds=20)
    except ServiceError:
        survivors = left()
        for one in survivors:
            os.kill(one.pid, signal.SIGKILL)
        raise ServiceError(f"left behind: {[one.arguments for one in survivors]}") from None
