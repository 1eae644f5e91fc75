"""A Ray that has died is noticed, and nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from vestlus.cli.local_ray import LocalRay, RayEnded, descendants

PROC = Path("/proc/self/stat")


class Node:
    """What Ray knows of the processes it started; some have ended."""

    def __init__(self, *dead: str) -> None:
        self._dead = dead

    def dead_processes(self) -> list[tuple[str, object]]:
        return [(kind, object()) for kind in self._dead]


@pytest.fixture
def here() -> LocalRay:
    """One that has not become the parent of this process's orphans."""
    made = LocalRay.__new__(LocalRay)
    made.ended = False
    return made


@pytest.mark.parametrize(("kind", "named"), [("raylet", "raylet"), ("gcs_server", "GCS")])
def test_without_a_process_that_ray_needs_it_has_ended(
    here: LocalRay, kind: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray._private.worker._global_node", Node("log_monitor", kind))
    with pytest.raises(RayEnded, match=named):
        here.check()
    assert here.ended


def test_without_the_others_it_goes_on(here: LocalRay, monkeypatch: pytest.MonkeyPatch) -> None:
    for node in (None, Node(), Node("log_monitor", "dashboard")):
        monkeypatch.setattr("ray._private.worker._global_node", node)
        here.check()
    assert not here.ended


def test_what_has_lost_its_parent_is_ended_too_and_nothing_that_was_there_before() -> None:
    if not PROC.exists():  # then nothing is found, and workers end in their own time
        assert descendants(os.getpid()) == set()
        return
    program = """
        import subprocess
        from vestlus.cli.local_ray import LocalRay

        before = subprocess.Popen(["sleep", "60"])
        here = LocalRay()
        # The shell ends at once: its child is an orphan, as Ray's workers are without raylet.
        orphan = subprocess.run(
            ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True
        )
        here.end()
        lives = open(f"/proc/{orphan.stdout.strip()}/stat").read().split()[2] != "Z"
        print(lives, before.poll() is None)
        before.kill()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["False", "True"]
