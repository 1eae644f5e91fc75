"""``vestlus serve`` as systemd runs it: started again when it has ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.e2e.service import (
    START_SECONDS,
    Process,
    Service,
    ServiceError,
    everybody,
    family,
    start_process,
    stop_process,
)

#: systemd's RestartSec.
RESTART_SECONDS = 1.0


class Supervised:
    """Keeps the service running until :meth:`stop`. Whatever a run left behind is ended before the
    next one starts, as systemd ends what is left of a unit, and :attr:`left_behind` names it.
    """

    def __init__(
        self, folder: Path, simulator: str, settings: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._simulator = simulator
        self._settings = settings
        self._say = say
        self._log = folder / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._known: dict[int, Process] = {}
        #: Exit statuses of runs that ended by themselves.
        self.ended: list[int] = []
        self.left_behind: list[str] = []

    @property
    def service(self) -> Service:
        """The run of this moment."""
        if self._process is None:
            raise ServiceError("the service was not started")
        address = f"http://127.0.0.1:{self._settings['VESTLUS_HTTP_PORT']}"
        account = self._settings["VESTLUS_ACCOUNT_ID"]
        return Service(self._process, self._log, self._simulator, address, account)

    async def start(self) -> None:
        """Starts it and waits until it is ready. Raises ServiceError."""
        self._launch()
        async with asyncio.timeout(START_SECONDS):
            while b"Vestlus is ready at" not in self._log.read_bytes():
                if self._process is None or self._process.poll() is not None:
                    raise ServiceError(f"it ended\n{self.service.tail()}")
                await asyncio.sleep(0.2)

    async def watch(self) -> None:
        """Starts it again whenever it has ended, for good."""
        while True:
            if self._process is not None and self._process.poll() is not None:
                self.ended.append(self._process.returncode)
                self._say(f"  vestlus serve has ended with {self._process.returncode}: restarted")
                self.left_behind += await asyncio.to_thread(self._end_what_is_left)
                await asyncio.sleep(RESTART_SECONDS)
                self._launch()
            await asyncio.to_thread(self.look)
            await asyncio.sleep(0.5)

    def look(self) -> None:
        """Notes which processes there are, so that none is lost sight of."""
        if self._process is not None and self._process.poll() is None:
            self._known |= {one.pid: one for one in family(self._process.pid)}

    async def stop(self) -> None:
        """Stops it with SIGINT. Raises ServiceError when it leaves a process behind."""
        if self._process is not None and self._process.poll() is None:
            await asyncio.to_thread(stop_process, self._process)
        await asyncio.to_thread(self._end_what_is_left)

    def _launch(self) -> None:
        self._known.clear()
        self._process = start_process("serve", self._folder, self._settings, self._log)

    def _end_what_is_left(self) -> list[str]:
        now = {one.pid: one.arguments for one in everybody()}
        left = [one for one in self._known.values() if now.get(one.pid) == one.arguments]
        for one in left:
            os.kill(one.pid, signal.SIGKILL)
        return [one.arguments[:60] for one in left]
