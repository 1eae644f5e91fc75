"""What each part costs: CPU and memory of trees of processes, read once a second.

From ``/proc`` on Linux; elsewhere from ``ps``, whose CPU times are coarser.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One process. CPU in seconds since its start, memory in bytes."""

    pid: int
    parent: int
    cpu: float
    memory: int
    command: str


#: What the service's processes are recognised by, in this order; the rest is "other".
SERVICE_PARTS = (
    ("conversations (ConversationActor)", ("ConversationActor",)),
    ("publishers (PublisherActor)", ("PublisherActor",)),
    ("webhook (Serve replicas)", ("ServeReplica",)),
    ("ingress (HAProxy, Serve proxy)", ("haproxy", "ProxyActor", "HAProxyManager")),
    ("registry", ("ConversationRegistry",)),
    ("scheduler (SchedulerActor)", ("SchedulerActor",)),
    ("Ray", ("raylet", "gcs_server", "ServeController", "/ray/", "ray::", "default_worker.py")),
)
SERVICE_REST = "the command itself"


@dataclass(slots=True)
class Cost:
    """What one part took so far."""

    cpu_seconds: float = 0.0
    memory: int = 0
    memory_most: int = 0
    #: Cores it kept busy, for each look at it.
    cores: list[float] = field(default_factory=list)
    #: Bytes at each look but the first, so that they stand beside ``cores``.
    memories: list[int] = field(default_factory=list)


class Parts:
    """Adds up processes by part. CPU of processes that end between two looks is lost."""

    def __init__(
        self,
        roots: Mapping[str, int],
        *,
        service: int | None,
        read: Callable[[], list[Process]],
    ) -> None:
        """``roots`` are parts of one tree each; ``service`` is the root that is told apart."""
        self.costs: dict[str, Cost] = {name: Cost() for name in roots}
        self._roots = dict(roots)
        self._service = service
        self._read = read
        self._before: dict[int, float] = {}
        self._then: float | None = None

    def look(self, now: float) -> None:
        """Reads all processes; ``now`` in seconds of any steady clock."""
        members = self._members(self._read())
        elapsed = 0.0 if self._then is None else now - self._then
        seen: dict[int, float] = {}
        for name, processes in members.items():
            cost = self.costs.setdefault(name, Cost())
            used = 0.0
            for one in processes:
                seen[one.pid] = one.cpu
                # A process that is new has used all of its time since the last look.
                known = self._before.get(one.pid, 0.0 if self._then is not None else one.cpu)
                used += max(0.0, one.cpu - known)
            cost.memory = sum(one.memory for one in processes)
            cost.memory_most = max(cost.memory_most, cost.memory)
            cost.cpu_seconds += used
            if elapsed > 0:
                cost.cores.append(used / elapsed)
                cost.memories.append(cost.memory)
        for name in self.costs.keys() - members.keys():
            if elapsed > 0:
                self.costs[name].cores.append(0.0)
                self.costs[name].memories.append(0)
        self._before, self._then = seen, now

    def _members(self, living: list[Process]) -> dict[str, list[Process]]:
        children: dict[int, list[Process]] = {}
        for one in living:
            children.setdefault(one.parent, []).append(one)
        by_pid = {one.pid: one for one in living}
        found: dict[str, list[Process]] = {}
        for name, root in self._roots.items():
            found[name] = _tree(by_pid, children, root)
        if self._service is not None:
            for one in _tree(by_pid, children, self._service):
                found.setdefault(f"service: {service_part(one.command)}", []).append(one)
        return found


def _tree(
    by_pid: Mapping[int, Process], children: Mapping[int, list[Process]], root: int
) -> list[Process]:
    found = [by_pid[root]] if root in by_pid else []
    for one in found:
        found.extend(children.get(one.pid, ()))
    return found


def service_part(command: str) -> str:
    """Which part of the service a process is, by its command line."""
    for part, marks in SERVICE_PARTS:
        if any(mark in command for mark in marks):
            return part
    return SERVICE_REST


def living_processes() -> list[Process]:
    """Every process that can be read."""
    return list(_from_proc()) if sys.platform == "linux" else parse_ps(_ps())


def _from_proc() -> list[Process]:
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        folder = Path(entry.path)
        try:
            stat = (folder / "stat").read_text("ascii", errors="replace")
            resident, shared = (folder / "statm").read_text("ascii").split()[1:3]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:  # it has ended meanwhile
            continue
        # proc(5): the name in parentheses may hold anything; utime and stime are fields 14, 15.
        values = stat.rpartition(")")[2].split()
        found.append(
            Process(
                pid=int(entry.name),
                parent=int(values[1]),
                cpu=(int(values[11]) + int(values[12])) / tick,
                # What is mapped from files is shared by all of them and nobody's own.
                memory=(int(resident) - int(shared)) * page,
                command=command.decode("utf-8", errors="replace").strip(),
            )
        )
    return found


def _ps() -> str:
    return subprocess.run(
        ["ps", "-ww", "-axo", "pid=,ppid=,time=,rss=,args="],  # noqa: S607 - the system's own
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def parse_ps(listing: str) -> list[Process]:
    """The processes of ``ps -axo pid=,ppid=,time=,rss=,args=``, as macOS prints them."""
    found = []
    for line in listing.splitlines():
        fields = line.split(None, 4)
        if len(fields) < 4:  # noqa: PLR2004 - a zombie may have no arguments
            continue
        pid, parent, cpu, resident = fields[:4]
        found.append(
            Process(
                int(pid),
                int(parent),
                _clock_seconds(cpu),
                int(resident) * 1024,
                fields[4] if len(fields) > 4 else "",  # noqa: PLR2004 - see above
            )
        )
    return found


def _clock_seconds(text: str) -> float:
    """Seconds of ``[DD-]HH:MM:SS`` or ``MMM:SS.ss``."""
    days, _, rest = text.rpartition("-")
    seconds = 0.0
    for each in re.split(":", rest):
        seconds = seconds * 60 + float(each)
    return seconds + int(days or 0) * 86_400
