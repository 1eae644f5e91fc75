"""What processes cost is added up by part."""

import os
import subprocess
import sys

import pytest

from vestlus.loadtest.parts import Parts, Process, living_processes, parse_ps, service_part


def process(pid: int, parent: int, cpu: float, command: str = "", memory: int = 10) -> Process:
    return Process(pid, parent, cpu, memory, command)


def test_a_tree_s_cpu_counts_from_the_first_look_and_by_what_was_added() -> None:
    looks = iter(
        [
            [process(1, 0, 100.0), process(2, 1, 50.0)],
            # One of them is new; one that belongs to nobody does not count.
            [process(1, 0, 100.5), process(2, 1, 50.5), process(3, 2, 1.0), process(9, 8, 70.0)],
            # One has ended.
            [process(1, 0, 101.0), process(3, 2, 1.0)],
        ]
    )
    parts = Parts({"generator": 1}, service=None, read=lambda: next(looks))
    for now in (10.0, 12.0, 13.0):
        parts.look(now)

    cost = parts.costs["generator"]
    assert cost.cpu_seconds == pytest.approx(2.5)
    assert cost.cores == [pytest.approx(1.0), pytest.approx(0.5)]
    assert (cost.memory, cost.memory_most) == (10, 30)
    assert cost.memories == [30, 10]


def test_the_service_is_told_apart_by_what_its_processes_are_called() -> None:
    living = [
        process(1, 0, 1.0, "python -m vestlus.loadtest.service"),
        process(2, 1, 1.0, "ray::ConversationActor"),
        process(3, 1, 1.0, "ray::ServeReplica:vestlus:Webhook"),
        process(4, 1, 1.0, "haproxy -f /tmp/haproxy.cfg"),
        process(5, 1, 1.0, "/usr/lib/ray/core/src/ray/raylet/raylet --port"),
    ]
    parts = Parts({}, service=1, read=lambda: living)
    parts.look(0.0)

    assert {name.removeprefix("service: ") for name in parts.costs} == {
        "the command itself",
        "conversations (ConversationActor)",
        "webhook (Serve replicas)",
        "ingress (HAProxy, Serve proxy)",
        "Ray",
    }
    assert service_part("ray::PublisherActor.run") == "publishers (PublisherActor)"


def test_the_listing_of_macos_is_read() -> None:
    found = parse_ps(
        "    1     0   0:04.50   2048 /sbin/launchd\n"
        "  200     1 123:00.25  10240 python -m vestlus.simulator --only graph\n"
        "  201   200 1-02:00:01   1024 old one\n"
        "  202   200   0:00.00      0\n"
    )
    assert [one.cpu for one in found] == [4.5, 7380.25, 93601.0, 0.0]
    assert found[1] == Process(200, 1, 7380.25, 10_485_760, found[1].command)
    assert found[1].command.endswith("--only graph")


def test_this_process_and_its_child_are_found_on_this_machine() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print('here', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()
        found = {one.pid: one for one in living_processes()}
        assert found[child.pid].parent == os.getpid()
        assert found[os.getpid()].cpu > 0
        assert found[child.pid].memory > 0
        assert "import sys" in found[child.pid].command
    finally:
        child.communicate()
