"""Notices that the Ray which this command started has died, and leaves nothing of it behind.

Ray does not end then: after ``SIGKILL`` of the raylet (Ray 2.60, tried) the driver waits for ever,
and replicas and actors go on for minutes, while nobody is left who would start the next one that
dies. So the command has to end, for whoever restarts it: systemd, a container's runtime, a person.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

from vestlus.errors import VestlusError

#: Ray's names of the processes without which nothing starts again, and what they are called.
VITAL = {"raylet": "its raylet", "gcs_server": "its head (GCS)"}

#: How long killed processes may take to be gone, seconds.
END_SECONDS = 10.0

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class RayEnded(VestlusError):
    """The Ray that this command started cannot go on. Its message says what is gone."""


class LocalRay:
    """The processes of a Ray that this process starts. Made before ``ray.init`` is called.

    On Linux what loses its parent becomes a child of this process, so that it is found. Elsewhere
    workers that outlive their raylet end by themselves when they notice, which may take minutes.
    """

    def __init__(self) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._others = descendants(os.getpid())
        #: Whether :meth:`check` found it dead.
        self.ended = False

    def check(self) -> None:
        """Raises RayEnded once a process is gone that Ray cannot do without."""
        import ray

        node = ray._private.worker._global_node  # noqa: SLF001 - Ray has no public way to ask
        if node is None:
            return
        for kind, _ in node.dead_processes():
            if kind in VITAL:
                self.ended = True
                raise RayEnded(
                    f"Ray has ended: {VITAL[kind]} is gone. Nothing is lost; start vestlus again."
                )

    def end(self) -> None:
        """Kills whatever is left of it, with SIGKILL: there is nobody who could drain it."""
        deadline = time.monotonic() + END_SECONDS
        pause = threading.Event()
        while time.monotonic() < deadline:
            left = descendants(os.getpid()) - self._others
            if not left:
                return
            for pid in left:
                _kill(pid)
            pause.wait(0.05)


def descendants(pid: int) -> set[int]:
    """The live processes that descend from one; none where there is no /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text("ascii", errors="replace")
        except OSError:  # it ended meanwhile
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    found: set[int] = set()
    while grown := {one for one, of in parents.items() if of == pid or of in found} - found:
        found |= grown
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
