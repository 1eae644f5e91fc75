"""What a run with Ray's autoscaler found, for people."""

from __future__ import annotations

import os
from importlib.metadata import version

from benchmarks.provenance import commit
from tests.nodes.autoscaling_course import Course, Step
from tests.nodes.autoscaling_nodes import Room

_LIMITS = (
    "**What this is, and what it is not.** The autoscaler is Ray's own, the version 2 that KubeRay "
    "runs with `version: v2`: it reads from Ray what finds no room, decides how many nodes, and "
    "drains those that have nothing to do. The *cloud* is Ray's pretended one, which its tests "
    "use: a node is a raylet that it starts on this machine, with as many processors as it is "
    "told to have. So a node is there within seconds, always, and has a Ray and the service "
    "already. A cloud takes minutes, has quotas, may have no machine to give, and has to load an "
    "image first; that is not shown, and nor is KubeRay. All nodes share two processors and one "
    "address: that more nodes are faster is not shown either. The times below are those of Ray "
    "and of the service; what a cloud takes comes on top of *a node was there*."
)


def as_markdown(course: Course, room: Room) -> str:
    """A page with a table for each step."""
    head = [
        "# Nodes by Ray's autoscaler: what was seen",
        "",
        (
            f"Ray {version('ray')} on {os.cpu_count()} processors, with RabbitMQ, PostgreSQL, "
            "Instagram, the model and the users on them too. The head is told that it has "
            f"{room.head_cpus} processors; up to {room.most_nodes} nodes with {room.node_cpus} "
            f"each may come, and go after {room.idle_seconds:.0f} s with nothing to do. The "
            "autoscaler looks every 5 s, which is its default. `VESTLUS_ACTOR_CPUS=1`. Written by "
            f"`make autoscaling`, commit {commit()}; how it works: "
            "[pools](../scaling-pools.md#nodes)."
        ),
        "",
        _LIMITS,
        "",
        course.told(),
        "",
        (
            "Times are seconds since `vestlus scale` had ended, or since the `kill -9`; Ray was "
            "looked at twice a second. *Longest wait*: of anybody who wrote meanwhile, the "
            "model's 0.5 to 2 s included. After each step 24 users who had never written before "
            "asked, and were answered."
        ),
        "",
    ]
    return "\n".join([*head, *(line for step in course.steps for line in _step(step))])


def _step(step: Step) -> list[str]:
    rows = [
        f"| {what} | {'not seen' if at is None else f'{at:.1f}'} |"
        for what, at in step.times.items()
    ]
    return [
        f"## {step.name}",
        "",
        f"{step.told}. Longest wait {step.longest_wait:.1f} s.",
        "",
        "| what | after, s |",
        "|---|---:|",
        *rows,
        "",
    ]
