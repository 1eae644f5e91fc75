"""Ends processes of members that do not answer: an earlier incarnation before the new one acts,
and one that is frozen.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

import structlog

from vestlus.hosting.membership import (
    BEAT_SECONDS,
    GONE_AFTER_SECONDS,
    LEASE_SECONDS,
    MembershipStore,
)
from vestlus.store.rows import Member, MemberKind

_log = structlog.get_logger(__name__)

#: How Ray names its worker processes: a process id given to something else is left alone.
WORKER_MARK = "ray::"


def host_name() -> str:
    """This machine, since it was started, and its process namespace: where a process id means
    something. A name alone does not do: cloned machines share theirs.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def gone_from_here(members: Iterable[Member]) -> tuple[Member, ...]:
    """Those members of this host whose process is not there any more.

    Nothing is known of members of other hosts.
    """
    here = host_name()
    return tuple(one for one in members if one.host == here and not _is_worker(one.pid))


async def dead_members(
    store: MembershipStore, kind: MemberKind, cluster: str
) -> tuple[Member, ...]:
    """Members that nobody need wait for any more: their process is gone from this host.

    Of ``cluster`` itself only those whose partitions others are to have: one that comes back
    sooner, or that is the only one, takes its leases itself, and nothing moves.
    """
    known = await store.live(kind, LEASE_SECONDS)
    heard = {one.id for one in await store.live(kind, GONE_AFTER_SECONDS)}
    ours = f"{cluster}/"
    return gone_from_here(
        one for one in known if not one.id.startswith(ours) or (heard and one.id not in heard)
    )


async def make_sure_gone(store: MembershipStore, member: Member) -> None:
    """Returns once no earlier incarnation of ``member`` can act any more.

    Ray starts an actor again only when it holds the old process for dead; but a frozen process
    may be held for dead and wake up. On this host it is killed; on another host its leases are
    waited out, for as long as it shows signs of life, and one lease time more.
    """
    while True:
        earlier = [
            other
            for other in await store.live(member.kind, LEASE_SECONDS)
            if other.id == member.id and other.incarnation != member.incarnation
        ]
        if not earlier:
            return
        if all(other.host == host_name() for other in earlier):
            for other in earlier:
                if kill_here(other):
                    _log.warning("earlier_incarnation_killed", pid=other.pid)
                    while _is_worker(other.pid):  # noqa: ASYNC110 - the kernel sets no event
                        await asyncio.sleep(0.05)
            return
        await asyncio.sleep(BEAT_SECONDS)


def kill_here(member: Member) -> bool:
    """Kills a member's process if it is another one of this host; whether it was."""
    pid = member.pid
    if member.host != host_name() or pid == os.getpid() or not _is_worker(pid):
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_worker(pid: int) -> bool:
    """Whether a live process has this id and is one of Ray's workers."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text("utf-8", errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return False
        # macOS has no /proc; what is asked there is asked seldom.
        command = subprocess.run(  # noqa: S603 - a number is all that is handed in
            ["/bin/ps", "-p", str(pid), "-o", "command="],
            check=False,
            capture_output=True,
            text=True,
        ).stdout
    return WORKER_MARK in command
