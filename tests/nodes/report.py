"""What runs on several nodes found, for people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.provenance import commit
from tests.nodes.ordeals import Course

_WORDS = (
    "*Newcomers*: 24 users who had never written ask at the moment at which it begins; when the "
    "last of them has the answer, the model's time included. *Whole*: every actor and replica has "
    "a process again. *Longest wait*: of anybody who waited meanwhile. Nodes, users, Instagram, "
    "the model, RabbitMQ and PostgreSQL share the machine."
)


def as_markdown(courses: Sequence[Course]) -> str:
    """A page with a table for each cluster, and a row for each thing that befell it."""
    first = courses[0]
    head = [
        "# Several nodes: what befell them, and what came of it",
        "",
        (
            f"Ray {version('ray')} on {os.cpu_count()} processors; {first.platform}. The pretend "
            f"model takes 0.5 to 2 s; ingress `{first.ingress}` on every node; the head keeps its "
            f"state in RocksDB. Written by `make nodes`, commit {commit()}."
        ),
        "",
        _WORDS,
        "",
    ]
    return "\n".join([*head, *(line for one in courses for line in _course(one))])


def _course(course: Course) -> list[str]:
    rows = [
        f"| {one.name} | {one.resumed_seconds:.1f} | "
        f"{f'{one.whole_seconds:.1f}' if one.whole_seconds >= 0 else ''} | "
        f"{one.longest_wait:.1f} | {_spread(one.spread)} | {one.told} |"
        for one in course.events
    ]
    columns = "newcomers answered, s | whole again, s | longest wait, s"
    return [
        f"## Where {course.head}",
        "",
        course.told(),
        "",
        f"| what | {columns} | ConversationActors by node afterwards | |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _spread(spread: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(spread.items()))
