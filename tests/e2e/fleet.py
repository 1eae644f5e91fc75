"""``vestlus serve`` several times on one RabbitMQ and one PostgreSQL, behind one switch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.e2e.service import Service, everybody, family, running_serve
from tests.e2e.switch import Switch
from tests.services.kept import free_port

#: Ray's own is what the demo has.
INGRESS = "haproxy" if sys.platform == "linux" else "default"

#: Turns and sends under way end within it, and everything else takes a few seconds.
STOP_SECONDS = 60.0

#: What no log may hold: tokens, secrets, and what somebody wrote.
UNSPOKEN = (
    *("IGSIM", "the app secret", "the-access-token", "kkkkk", "the-event-token"),
    "Mis kell te avate",
)


class Fleet:
    """Starts and stops whole services, each with a Ray cluster of its own.

    One is the service of the moment, to which Instagram sends. Leaving stops it.
    """

    def __init__(
        self, folder: Path, simulator: str, settings: Mapping[str, str], switch: Switch
    ) -> None:
        """``simulator`` sends its webhooks to the switch."""
        self._folder = folder
        self._settings = dict(settings)
        self._switch = switch
        self._started = 0
        self._stack = ExitStack()
        self._current: Service | None = None
        self.simulator = simulator

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        with self._stack:
            if self._current is not None:
                self.stop(self._current)

    @property
    def current(self) -> Service:
        """The service of the moment; started, behind HAProxy where there is, if there is none."""
        if self._current is None:
            self.direct(self.start())
        assert self._current is not None
        return self._current

    @property
    def database(self) -> str:
        """The address of the database of all of them."""
        return self._settings["VESTLUS_DATABASE_URL"]

    def vestlus(
        self,
        service: Service,
        *words: str,
        besides: Mapping[str, str] | None = None,
        status: int = 0,
    ) -> Any:  # noqa: ANN401 - JSON
        """What a command prints as JSON that is run with a service's settings, and some besides."""
        port = {"VESTLUS_HTTP_PORT": service.address.rpartition(":")[2]}
        done = subprocess.run(
            [sys.executable, "-m", "vestlus.cli.main", *words, "--json"],
            env=os.environ | self._settings | port | dict(besides or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def start(self, ingress: str = INGRESS) -> Service:
        """One more service, which gets no webhooks yet."""
        self._started += 1
        own = {"VESTLUS_HTTP_PORT": str(free_port()), "VESTLUS_INGRESS": ingress}
        folder = self._folder / f"service-{self._started}"
        running = running_serve(folder, self.simulator, self._settings | own)
        return self._stack.enter_context(running)

    def direct(self, service: Service) -> None:
        """New connections go to this one."""
        self._switch.target = int(service.address.rpartition(":")[2])
        self._current = service

    def stop(self, service: Service) -> float:
        """Ends a service as systemd and Kubernetes do; returns how many seconds it took.

        It must drain in good order, leave no process, and have kept its secrets.
        """
        before = family(service.process.pid)
        if self._current is service:
            self._current = None
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(STOP_SECONDS) == 0, service.tail()
        took = time.monotonic() - began
        after = {one.pid: one.arguments for one in everybody()}
        assert [one for one in before if after.get(one.pid) == one.arguments] == []
        said = service.printed(0)
        assert "Not drained in good order" not in said
        assert [one for one in UNSPOKEN if one in said] == []
        return took
