"""``vestlus serve`` does not outlive its Ray: somebody has to notice, and start it again."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.service import everybody, family, running_serve, running_simulator, wait_for
from vestlus.cli.ports import free_port


def test_when_the_raylet_dies_serve_says_so_and_ends_and_leaves_nothing(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    with running_simulator(tmp_path, port) as (simulator, settings):
        own = settings | {"VESTLUS_INGRESS": "default"}
        with running_serve(tmp_path, simulator, own) as service:
            before = family(service.process.pid)
            service.kill("raylet/raylet")
            assert service.process.wait(30) == 1
            assert "Ray has ended: its raylet is gone." in service.tail()

            def left() -> list[str]:
                now = {one.pid: one.arguments for one in everybody()}
                return [one.arguments for one in before if now.get(one.pid) == one.arguments]

            # Where there is no /proc workers end in their own time, which may be minutes.
            if sys.platform == "linux":
                wait_for("nothing of it is left", lambda: not left(), seconds=10)
