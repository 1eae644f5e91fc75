"""The processes of a load test: pretend Graph, pretend model, users, and the service itself."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vestlus.loadtest.options import LoadTestError

#: How long a helper may take to end, and the service to drain and end, seconds.
HELPER_SECONDS = 15.0
SERVICE_SECONDS = 120.0
START_SECONDS = 240.0
_SHOWN = 3000

_End = None


class Child:
    """A process that speaks JSON lines on standard output, or a log file."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        if process.stdout is not None:
            threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def _read(self) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                self._lines.put(line)
        self._lines.put(_End)

    def line(self, seconds: float) -> dict[str, Any] | None:
        """The next line; None when none came in time. Raises LoadTestError at the end of all."""
        try:
            found = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if found is _End:
            raise LoadTestError(
                f"{self.log.stem} has ended by itself ({self._status()}):\n{self.tail()}"
            )
        value: dict[str, Any] = json.loads(found)
        return value

    def _status(self) -> str:
        """How it ended: a signal has a negative status."""
        try:
            return f"status {self.process.wait(1)}"
        except subprocess.TimeoutExpired:
            return "it closed its output and goes on"

    def say(self, text: str) -> None:
        """Writes a line to its standard input. One that has ended already hears nothing."""
        if self.process.stdin is None:
            return
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text("utf-8", errors="replace")[-_SHOWN:].strip()

    def end(self, number: signal.Signals, seconds: float) -> None:
        """Ends it with a signal, or at last with SIGKILL."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # what it never read
                    continue


@contextmanager
def helper(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator[Child]:
    """A process of the simulator; it ends with the block, and with us however we end."""
    with _started(name, arguments, environment, folder, stdout=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.end(signal.SIGTERM, HELPER_SECONDS)


@contextmanager
def service(environment: Mapping[str, str], folder: Path) -> Iterator[Child]:
    """``vestlus serve``; not ready yet. Leaving drains and ends it."""
    arguments = ["vestlus.loadtest.service"]
    with _started("service", arguments, environment, folder, stdout=None) as child:
        try:
            yield child
        finally:
            child.end(signal.SIGINT, SERVICE_SECONDS)


@contextmanager
def _started(
    name: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    stdout: int | None,
) -> Iterator[Child]:
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own modules, our own arguments
            [sys.executable, "-m", *arguments],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=output if stdout is None else stdout,
            stderr=subprocess.STDOUT if stdout is None else output,
            text=True,
            # Ctrl-C reaches the whole group of the terminal; these are ended by us, in order.
            start_new_session=True,
        )
    yield Child(process, log)


def wait_until_ready(
    child: Child | None, address: str, check: Callable[[], None], seconds: float = START_SECONDS
) -> None:
    """Waits for ``/readyz``; ``check`` raises when it is not to be waited for any more.

    Raises LoadTestError when it ends or is not ready in time.
    """
    deadline = time.monotonic() + seconds
    problem = "no answer"
    while time.monotonic() < deadline:
        check()
        if child is not None and child.process.poll() is not None:
            raise LoadTestError(f"the service did not start:\n{child.tail()}")
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:  # noqa: S310
                if answer.status == 200:  # noqa: PLR2004 - HTTP's "OK"
                    return
        except urllib.error.HTTPError as error:
            with error:
                problem = error.read(500).decode(errors="replace")
        except OSError as error:
            problem = type(error).__name__
        threading.Event().wait(0.25)
    said = f"{address}/readyz was not ready within {seconds:.0f} s: {problem}"
    raise LoadTestError(said if child is None else f"{said}\n{child.tail()}")
