"""What pools that were resized under load found, for people."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

#: In which order the courses stand on the page.
ORDER = ("By load", "Publishers by load", "By `vestlus scale`", "Without room")

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
    #: What else the summary is to say.
    besides: str = ""

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
        said = f"{self.written} messages, {answered} answered; {', '.join(found)}"
        return f"{said}; {self.besides}" if self.besides else said

    @property
    def heading(self) -> str:
        """What its part of the report is found by."""
        return f"## {self.name}, {self.pair}"


def load_average() -> str:
    """Of the machine in the last minute, as a word."""
    return f"{os.getloadavg()[0]:.1f}"


def as_markdown(courses: Sequence[Course], *, commit: str, before: str = "") -> str:
    """A page with a table for each course, which are of ``commit``. Those of the page ``before``
    that were not repeated stay as they are.
    """
    head = [
        "# Pools resized under load: what was seen",
        "",
        (
            "The service, its servers, Instagram, the model and the users share the processors: "
            "the times are of this machine. Written by `make scaling`; how it is done: "
            "[pools](../scaling-pools.md)."
        ),
        "",
        (
            "*At*: since the users began, seconds. *Longest wait*: of those who wrote meanwhile, "
            "the model's time included, seconds; by load, since the row above, and of those who "
            "had their answer by then."
        ),
        "",
    ]
    parts = _parts(before) | {one.heading: "\n".join(_course(one, commit)) for one in courses}
    ordered = sorted(parts, key=_place)
    return "\n".join([*head, *(f"{parts[heading].rstrip()}\n" for heading in ordered)])


def _parts(page: str) -> dict[str, str]:
    """The parts of a page by their headings."""
    parts = re.split(r"(?m)^(?=## )", page)[1:]
    return {part.splitlines()[0]: part for part in parts}


def _place(heading: str) -> int:
    """Where a part stands: courses as here, and the others after them."""
    names = [name for name in ORDER if heading.startswith(f"## {name}, ")]
    return ORDER.index(names[0]) if names else len(ORDER)


def _course(course: Course, commit: str) -> list[str]:
    rows = [
        f"| {one.at:.0f} | {one.what} | {one.longest_wait:.1f} | {one.told} |"
        for one in course.events
    ]
    return [
        course.heading,
        "",
        f"{course.load} Ray {version('ray')} on {os.cpu_count()} processors, commit {commit}.",
        "",
        f"**{course.summary}.**",
        "",
        "| at | what | longest wait | |",
        "|---:|---|---:|---|",
        *rows,
        "",
    ]
