"""What a run on several nodes found, for people."""

from __future__ import annotations

import os
from importlib.metadata import version

from tests.nodes.ordeals import Course

_FINDINGS = ("lost", "duplicated", "out_of_order", "misdirected", "order_unproven")


def as_markdown(course: Course) -> str:
    """A page with a row for each event."""
    rows = [
        f"| {one.name} | {one.resumed_seconds:.1f} | "
        f"{f'{one.whole_seconds:.1f}' if one.whole_seconds >= 0 else ''} | "
        f"{one.longest_wait:.1f} | {_spread(one.spread)} | {one.told} |"
        for one in course.events
    ]
    found = ", ".join(f"{name.replace('_', ' ')} {len(course.verdict[name])}" for name in _FINDINGS)
    return "\n".join(
        [
            "# Several nodes: what befell them, and what came of it",
            "",
            (
                f"Ray {version('ray')} on {os.cpu_count()} processors; {course.platform}. "
                "RabbitMQ, PostgreSQL, the simulator, a pretend model of 0.5 to 2 s; ingress "
                f"`{course.ingress}` on every node; the head keeps its state in RocksDB."
            ),
            "",
            f"**{course.written} messages, {course.verdict['answered']} answered; {found}.**",
            "",
            (
                "| what | newcomers answered, s | whole again, s | longest wait, s | "
                "ConversationActors by node | |"
            ),
            "|---|---|---|---|---|---|",
            *rows,
            "",
            (
                "*Newcomers*: 24 users who had never written ask at the moment at which it begins; "
                "when the last of them has the answer, the model's time included. *Whole*: every "
                "actor and replica has a process again. *Longest wait*: of anybody who waited "
                "meanwhile."
            ),
            "",
        ]
    )


def _spread(spread: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(spread.items()))
