"""An earlier incarnation is dead before the new one acts; nobody else is touched."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.service import wait_for
from vestlus.hosting.membership import GONE_AFTER_SECONDS
from vestlus.hosting.predecessor import (
    dead_members,
    gone_from_here,
    host_name,
    kill_here,
    make_sure_gone,
)
from vestlus.store.rows import Member, MemberKind


class Members:
    """A store that knows some members; those on other hosts fall silent after some looks."""

    def __init__(self, *members: Member, looks: int = 10_000) -> None:
        self.members = members
        self.looks = looks

    async def live(self, kind: MemberKind, within_seconds: float) -> tuple[Member, ...]:
        assert within_seconds > 0
        self.looks -= 1
        return tuple(one for one in self.members if one.kind is kind) if self.looks > 0 else ()


def member(pid: int, *, incarnation: str = "old", host: str | None = None) -> Member:
    where = host_name() if host is None else host
    return Member("c/conversation-0", MemberKind.CONVERSATION, incarnation, where, pid)


ME = member(os.getpid(), incarnation="new")


def named(name: str, *arguments: str) -> list[str]:
    """A command line that begins with a name of our own."""
    return [name, *arguments]


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that looks like one of Ray's workers."""
    process = subprocess.Popen(named("ray::Conversation", "60"), executable="/bin/sleep")
    # Popen returns once exec has closed its pipe, which is before the kernel shows the new name.
    wait_for("its name is seen", lambda: gone_from_here([member(process.pid)]) == (), seconds=5)
    yield process
    process.kill()
    process.wait()


async def test_an_earlier_incarnation_on_this_host_is_killed(
    worker: subprocess.Popen[bytes],
) -> None:
    await make_sure_gone(Members(member(worker.pid), ME), ME)  # type: ignore[arg-type]
    assert await asyncio.to_thread(worker.wait, 5) == -9


async def test_a_process_that_is_not_rays_is_left_alone() -> None:
    other = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    try:
        await make_sure_gone(Members(member(other.pid)), ME)  # type: ignore[arg-type]
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()


async def test_other_members_are_left_alone(worker: subprocess.Popen[bytes]) -> None:
    other = Member("c/conversation-1", MemberKind.CONVERSATION, "x", host_name(), worker.pid)
    await make_sure_gone(Members(other), ME)  # type: ignore[arg-type]
    assert worker.poll() is None


async def test_a_frozen_process_of_this_host_is_killed_at_once_and_nothing_else_is(
    worker: subprocess.Popen[bytes],
) -> None:
    worker.send_signal(signal.SIGSTOP)
    assert not kill_here(member(worker.pid, host="elsewhere"))
    assert not kill_here(member(os.getpid()))
    assert worker.poll() is None
    assert kill_here(member(worker.pid))
    assert await asyncio.to_thread(worker.wait, 5) == -9
    assert not kill_here(member(worker.pid))


async def test_an_incarnation_on_another_host_is_waited_out() -> None:
    store = Members(member(1, host="elsewhere"), looks=3)
    await make_sure_gone(store, ME)  # type: ignore[arg-type]
    assert store.looks <= 0


def test_only_members_of_this_host_whose_process_ended_count_as_gone(
    worker: subprocess.Popen[bytes],
) -> None:
    alive, elsewhere = member(worker.pid), member(1, host="elsewhere")
    ended = subprocess.Popen(named("ray::Ended", "0"), executable="/bin/sleep")
    wait_for("it ended", lambda: ended.poll() is not None, seconds=5)
    dead = member(ended.pid)
    assert gone_from_here([alive, elsewhere, dead]) == (dead,)


class Heard:
    """A store that heard from members so many seconds ago."""

    def __init__(self, ago: dict[Member, float]) -> None:
        self._ago = ago

    async def live(self, kind: MemberKind, within_seconds: float) -> tuple[Member, ...]:
        heard = [one for one, ago in self._ago.items() if ago < within_seconds]
        return tuple(one for one in heard if one.kind is kind)


async def test_who_is_dead_and_not_back_in_time_holds_up_nobody(
    worker: subprocess.Popen[bytes],
) -> None:
    def of(cluster: str, number: int, pid: int) -> Member:
        name = f"{cluster}/conversation-{number}"
        return Member(name, MemberKind.CONVERSATION, "1", host_name(), pid)

    no_process = 2**22 + 1  # above Linux's largest process id
    late, soon = GONE_AFTER_SECONDS + 1, GONE_AFTER_SECONDS - 1
    dead, restarting = of("c", 1, no_process), of("c", 2, no_process)
    frozen, foreign = of("c", 3, worker.pid), of("other", 1, no_process)
    elsewhere = Member("c/conversation-4", MemberKind.CONVERSATION, "1", "elsewhere", no_process)
    store = Heard({dead: late, restarting: soon, frozen: late, foreign: soon, elsewhere: late})
    found = await dead_members(store, MemberKind.CONVERSATION, "c")  # type: ignore[arg-type]
    assert set(found) == {dead, foreign}
    alone = Heard({dead: late})
    assert await dead_members(alone, MemberKind.CONVERSATION, "c") == ()  # type: ignore[arg-type]
