"""Keeps one server process: starts it, stops it on request, and outlives whoever asked for it.

Run by path with one argument, a JSON object (see ``tests.services.kept``). It answers on its
standard output with ``started`` once the server process exists, and takes commands on its standard
input: ``stop`` (the server's own orderly stop, then the hard way after ``grace`` seconds) and
``kill`` (SIGKILL to the server and everything it started). The end of its input means that its
owner is gone, by whatever way: the server is stopped and the ``orphaned`` commands are run.

It exits when the server has, and only after every process the server left behind is gone too. On
Linux it is their subreaper, so that daemons which detach themselves are found as well.

It imports nothing but the standard library and nothing of this project.
"""

import ctypes
import json
import os
import pwd
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
KILL_DEADLINE_SECONDS = 10.0


def parents() -> dict[int, int]:
    """Return every process that is not a zombie, with its parent."""
    table: dict[int, int] = {}
    if Path("/proc/self/stat").exists():
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text(errors="replace")
                except OSError:  # it ended while we were reading
                    continue
                state, parent = stat.rpartition(")")[2].split()[:2]
                if state != "Z":
                    table[int(entry.name)] = int(parent)
        return table
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    for line in listing.splitlines():
        pid, parent, state = line.split()[:3]
        if not state.startswith("Z"):
            table[int(pid)] = int(parent)
    return table


def descendants(root: int) -> set[int]:
    """Return the processes that descend from `root`."""
    table = parents()
    found: set[int] = set()
    grown = True
    while grown:
        more = {pid for pid, parent in table.items() if parent == root or parent in found} - found
        found |= more
        grown = bool(more)
    return found


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


class Keeper:
    """The loop that reads commands and reaps children."""

    def __init__(self, spec: dict[str, Any]) -> None:
        """Take the specification; nothing is started yet."""
        self.spec = spec
        self.selector = selectors.DefaultSelector()
        self.child_exited = False
        self.orphaned = False
        self.kill_at: float | None = None

    def run(self) -> int:
        """Start the server and return when it and all its descendants are gone."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.watch_signals()
        child = self.start()
        os.write(1, b"started\n")
        self.selector.register(0, selectors.EVENT_READ, "command")
        while not self.child_exited:
            timeout = None if self.kill_at is None else max(0.0, self.kill_at - time.monotonic())
            events = self.selector.select(timeout)
            for key, _mask in events:
                if key.data == "signal":
                    os.read(key.fd, 4096)
                else:
                    self.obey(os.read(0, 4096), child)
            if self.kill_at is not None and time.monotonic() >= self.kill_at:
                self.kill_all()
            self.reap(child)
        self.kill_all()
        if self.orphaned:
            for command in self.spec["orphaned"]:
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        return 0

    def watch_signals(self) -> None:
        """Let only the input end the keeper, and be woken when a child ends.

        Handlers, not SIG_IGN: an ignored signal would stay ignored in the server.
        """
        readable, writable = os.pipe()
        os.set_blocking(writable, False)
        signal.set_wakeup_fd(writable)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)
        self.selector.register(readable, selectors.EVENT_READ, "signal")

    def start(self) -> int:
        """Start the server in a session of its own, as the user the specification names."""
        user = self.spec["user"]
        identity: dict[str, Any] = {}
        if user is not None:
            entry = pwd.getpwnam(user)
            groups = os.getgrouplist(user, entry.pw_gid)
            identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
        with Path(self.spec["log"]).open("ab") as log:
            return subprocess.Popen(
                self.spec["command"],
                env=self.spec["env"],
                cwd=self.spec["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **identity,
            ).pid

    def obey(self, received: bytes, child: int) -> None:
        """Carry out a command; no bytes at all mean that the owner is gone."""
        if not received:
            self.orphaned = True
            self.selector.unregister(0)
        if b"kill" in received:
            self.kill_all()
        elif self.kill_at is None:
            send(child, self.spec["stop_signal"])
            self.kill_at = time.monotonic() + self.spec["grace"]

    def reap(self, child: int) -> None:
        """Collect every child that has ended, adopted ones included."""
        while True:
            try:
                pid, _status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.child_exited = True
                return
            if pid == 0:
                return
            if pid == child:
                self.child_exited = True

    def kill_all(self) -> None:
        """SIGKILL whatever descends from us until nothing does."""
        deadline = time.monotonic() + KILL_DEADLINE_SECONDS
        while (left := descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in left:
                send(pid, signal.SIGKILL)
            self.selector_wait()
            self.reap(child=-1)

    def selector_wait(self) -> None:
        """Wait until a child ends, or a moment, as an adopted one may end without a signal."""
        for key, _mask in self.selector.select(0.05):
            if key.data == "signal":
                os.read(key.fd, 4096)


if __name__ == "__main__":
    sys.exit(Keeper(json.loads(sys.argv[1])).run())
