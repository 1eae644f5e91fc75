"""Told to stop at bad moments: while it starts, and again while it drains. And it does not outlive
its Ray: somebody has to notice, and start it again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import QUICK
from tests.e2e.service import (
    START_SECONDS,
    Process,
    Service,
    everybody,
    family,
    running_serve,
    running_simulator,
    serving,
    wait_for,
)
from vestlus.cli.ports import free_port

#: Far less than the 30 s that turns under way may take.
AT_ONCE_SECONDS = 20.0

#: What a shell says of a program that Ctrl-C ended: 130. Python ends by the signal itself where the
#: interruption met a text that was being executed, and a shell says 130 of that too.
INTERRUPTED = (130, -signal.SIGINT)


def left_of(before: list[Process]) -> list[str]:
    """Which of these processes still live."""
    now = {one.pid: one.arguments for one in everybody()}
    return [one.arguments for one in before if now.get(one.pid) == one.arguments]


def ended(process: subprocess.Popen[bytes], before: list[Process], log: Path) -> None:
    """Waits for the end, which must be soon, and leave nothing."""
    assert process.wait(AT_ONCE_SECONDS) in INTERRUPTED, log.read_text("utf-8", "replace")[-4000:]
    wait_for("no process is left behind", lambda: not left_of(before), seconds=10)


def test_a_second_signal_one_at_the_start_and_the_end_of_ray_end_it_at_once_and_nothing_is_lost(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    port = free_port("127.0.0.1")
    with running_simulator(tmp_path, port) as (simulator, given):
        settings = given | QUICK | {"VESTLUS_INGRESS": "default"}
        with running_serve(tmp_path, simulator, settings) as service:
            service.ask("mari", "Tere!")
            service.control("model", {"latency_seconds": 600})
            sent = service.write("mari", "Mis kell te avate?")
            wait_for(
                "the model is asked",
                lambda: service.control("stats")["model_under_way"],
                seconds=30,
            )
            before = family(service.process.pid)
            service.process.send_signal(signal.SIGTERM)
            wait_for("it drains", lambda: "Stopping" in service.tail(), seconds=10)
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            ended(service.process, before, service.log)
            say(f"a second signal ended everything in {time.monotonic() - began:.1f} s")
            service.control("model", {"latency_seconds": 0})

        with serving(tmp_path / "again", settings) as (process, log):
            # Ray's processes are there, the service is not yet.
            wait_for(
                "the actors start",
                lambda: "Serve and the actors start" in log.read_text("utf-8", "replace"),
                seconds=START_SECONDS,
            )
            before = family(process.pid)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            ended(process, before, log)
            say(f"a signal at the start ended everything in {time.monotonic() - began:.1f} s")

        with running_serve(tmp_path, simulator, settings) as service:
            answers = Service.answers(service, "mari", int(sent["seq"]))
            assert len(answers) == 1
            _when_the_raylet_dies_serve_says_so_and_ends_and_leaves_nothing(service)


def _when_the_raylet_dies_serve_says_so_and_ends_and_leaves_nothing(service: Service) -> None:
    before = family(service.process.pid)
    service.kill("raylet/raylet")
    assert service.process.wait(30) == 1
    assert "Ray has ended: its raylet is gone." in service.tail()
    # Where there is no /proc workers end in their own time, which may be minutes.
    if sys.platform == "linux":
        wait_for("nothing of it is left", lambda: not left_of(before), seconds=10)
