"""What pools that were resized under load found, for people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from benchmarks.provenance import commit

FINDINGS = ("lost", "duplicated", "out_of_order", "misdirected")


@dataclass(frozen=True, slots=True)
class Event:
    """A moment of a course, or a change and what came of it."""

    #: Since the course began, seconds.
    at: float
    what: str
    #: The longest that somebody waited for an answer meanwhile, seconds.
    longest_wait: float
    told: str = ""


@dataclass(slots=True)
class Course:
    """One run of a service: what happened, and what the simulator's checker says of it."""

    name: str
    pair: str
    load: str
    events: list[Event] = field(default_factory=list)
    written: int = 0
    verdict: dict[str, Any] = field(default_factory=dict)
    #: Whether the pools did what they must.
    moved: bool = False

    @property
    def kept(self) -> bool:
        """Whether the pools did what they must, and every promise was kept meanwhile."""
        return (
            self.moved
            and bool(self.verdict["ok"])
            and self.verdict["answered"] == self.written
            and self.verdict["not_accepted"] == 0
        )

    @property
    def summary(self) -> str:
        """The verdict in a line."""
        found = (f"{name.replace('_', ' ')} {len(self.verdict[name])}" for name in FINDINGS)
        answered = self.verdict["answered"]
        return f"{self.written} messages, {answered} answered; {', '.join(found)}"


def load_average() -> str:
    """Of the machine in the last minute, as a word."""
    return f"{os.getloadavg()[0]:.1f}"


def as_markdown(courses: Sequence[Course]) -> str:
    """A page with a table for each course."""
    head = [
        "# Pools resized under load: what was seen",
        "",
        (
            f"Ray {version('ray')} on {os.cpu_count()} processors, which the service, its servers, "
            "Instagram, the model and the users share: the times are of this machine. Written by "
            f"`make scaling`, commit {commit()}; how it is done: [pools](../scaling-pools.md)."
        ),
        "",
        (
            "*At*: since the users began, seconds. *Longest wait*: of those who wrote meanwhile, "
            "the model's time included, seconds; by load, since the row above, and of those who "
            "had their answer by then."
        ),
        "",
    ]
    return "\n".join([*head, *(line for one in courses for line in _course(one))]).rstrip() + "\n"


def _course(course: Course) -> list[str]:
    rows = [
        f"| {one.at:.0f} | {one.what} | {one.longest_wait:.1f} | {one.told} |"
        for one in course.events
    ]
    return [
        f"## {course.name}, {course.pair}",
        "",
        course.load,
        "",
        f"**{course.summary}.**",
        "",
        "| at | what | longest wait | |",
        "|---:|---|---:|---|",
        *rows,
        "",
    ]
