"""Watches a cluster while a service runs on it, and waits for what is to happen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.e2e.service import ServiceError
from tests.nodes.autoscaling_nodes import AutoscalingNodes
from tests.nodes.looks import Look, look_of

#: A node takes a while to start on a busy machine of two processors.
PATIENCE_SECONDS = 300.0


class Watching:
    """Keeps every look that ``tests.nodes.observing`` has."""

    def __init__(self, nodes: AutoscalingNodes, log: Path) -> None:
        self._nodes = nodes
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._reading: threading.Thread | None = None
        self.looks: list[Look] = []

    def __enter__(self) -> Self:
        with self._log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.nodes.observing", self._nodes.address],
                env=self._nodes.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        self._reading = threading.Thread(
            target=self._read, args=(self._process.stdout,), name="looks"
        )
        self._reading.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        assert self._reading is not None
        self._process.terminate()
        self._process.wait(30)
        self._reading.join()

    def _read(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self.looks.append(look_of(line.decode(), time.monotonic()))

    @property
    def now(self) -> Look:
        """The newest look."""
        return self.looks[-1]

    async def until(self, what: str, holds: Callable[[Look], bool]) -> Look:
        """The first look from now on at which it is so. Raises ServiceError when none is."""
        seen = len(self.looks)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for one in self.looks[seen:]:
                seen += 1
                if holds(one):
                    return one
            if self._process is None or self._process.poll() is not None:
                raise ServiceError(f"the look-out ended\n{self._log.read_text('utf-8')[-3000:]}")
            if time.monotonic() > deadline:
                last = self.looks[-1:]
                raise ServiceError(f"not within {PATIENCE_SECONDS:.0f} s: {what}; {last}")
            await asyncio.sleep(0.1)
