"""What a run found: for people, for machines, and whether it was good."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from tests.chaos.journal import Journal, Outage
from tests.chaos.plan import Plan
from tests.chaos.posting import Post
from tests.chaos.steps import EVERY_STEP, RECONCILED
from vestlus.store.ledger import SendState

#: What the checker may find of a user, none of which may be there.
BREACHES = (
    "lost",
    "duplicated",
    "out_of_order",
    "misdirected",
    "after_person",
    "outside_window",
    "over_limit",
)


@dataclass(frozen=True, slots=True)
class Late:
    """The scenario of requests that Graph carries out after the settling time."""

    fired: int
    answered: int
    verdict: dict[str, Any]

    @property
    def doubled(self) -> int:
        """Answers that a user got twice."""
        return len(self.verdict["duplicated"])

    def problems(self) -> list[str]:
        """What must not be, even so."""
        found = [
            f"late: {len(self.verdict[name])} {name}"
            for name in BREACHES
            if name != "duplicated" and self.verdict[name]
        ]
        if self.doubled > self.fired:
            found.append(f"late: {self.doubled} answers doubled by {self.fired} late requests")
        if not self.fired:
            found.append("late: no request was late")
        return found


@dataclass(slots=True)
class Report:
    """One run."""

    pair: str
    seed: int
    seconds: float
    users: int
    written: int
    answers: int
    fired: dict[str, int]
    wanted: dict[str, int]
    outages: list[Outage]
    verdict: dict[str, Any]
    steps: dict[str, int]
    #: Exit statuses of the service when it ended by itself, and what it left behind then.
    ended: list[int]
    left_behind: list[str]
    posts: list[Post] = field(default_factory=list)
    #: What kept the run from its end.
    gave_up: list[str] = field(default_factory=list)
    late: Late | None = None
    timelines: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Everything by which the run is not good."""
        found = [f"gave up: {why.splitlines()[0]}" for why in self.gave_up]
        found += [f"{len(self.verdict[name])} {name}" for name in BREACHES if self.verdict[name]]
        found += [post.problem for post in self.posts if post.problem is not None]
        if self.verdict["not_accepted"]:
            found.append(f"{self.verdict['not_accepted']} messages never got a 200")
        if self.verdict["answered"] != self.written:
            found.append(f"{self.written - self.verdict['answered']} messages without their answer")
        found += [
            f"{name}: {self.fired.get(name, 0)} times, at least {least} are wanted"
            for name, least in sorted(self.wanted.items())
            if self.fired.get(name, 0) < least
        ]
        found += [f"{step} was never taken" for step in _never(self.steps)]
        found += [f"{step} is in no table" for step in _unknown(self.steps)]
        found += [f"left behind: {what}" for what in self.left_behind]
        return found + (self.late.problems() if self.late else [])

    def as_json(self) -> str:
        """For machines."""
        return json.dumps(asdict(self) | {"problems": self.problems()}, indent=1)

    def __str__(self) -> str:
        found = ", ".join(f"{name} {len(self.verdict[name])}" for name in BREACHES)
        lines = [
            f"{self.pair}, seed {self.seed}, {self.seconds:.0f} s: {self.written} messages",
            f"  {found}",
            f"  not accepted {self.verdict['not_accepted']}, order unproven "
            + str(len(self.verdict["order_unproven"])),
            "  faults: " + ", ".join(f"{name} {n}" for name, n in sorted(self.fired.items())),
            "  steps: " + ", ".join(f"{name} {n}" for name, n in sorted(self.steps.items())),
            "  looked for: "
            + ", ".join(
                f"{word} {self.steps.get(step_name(step), 0)}" for step, word in RECONCILED.items()
            ),
        ]
        of_kind: defaultdict[str, list[float]] = defaultdict(list)
        for one in self.outages:
            of_kind[one.kind].append(one.outage_seconds)
        lines += [
            f"  {kind} ({len(found_)}): newcomers answered after {median(found_):.1f} s (median), "
            f"{max(found_):.1f} s (longest)"
            for kind, found_ in of_kind.items()
        ]
        once = sum(post.problem is None for post in self.posts)
        lines.append(f"  posts: {len(self.posts)} planned, {once} once on the grid")
        if self.ended:
            lines.append(f"  vestlus serve ended and was restarted: {self.ended}")
        if self.late:
            lines.append(
                f"  late: {self.late.fired} requests done after the settling time doubled "
                f"{self.late.doubled} of {self.late.answered} answers, lost "
                f"{len(self.late.verdict['lost'])}"
            )
        problems = self.problems()
        lines += [f"  BROKEN: {one}" for one in problems] or ["  kept"]
        lines += self.timelines
        lines += [f"  {why}" for why in self.gave_up]
        if problems:
            lines.append(f"  again: make chaos ARGS=\"--seed {self.seed} --pair '{self.pair}'\"")
        return "\n".join(lines)


def made(
    pair: str,
    plan: Plan,
    journal: Journal,
    *,
    written: int,
    answers: int,
    verdict: dict[str, Any],
    steps: Counter[tuple[SendState, SendState]],
    ended: list[int],
    left_behind: list[str],
    posts: list[Post],
) -> Report:
    """The report of what was seen."""
    return Report(
        pair=pair,
        seed=plan.seed,
        seconds=plan.seconds,
        users=plan.users,
        written=written,
        answers=answers,
        fired=dict(journal.fired),
        wanted=plan.least(),
        outages=journal.outages,
        verdict=verdict,
        steps={step_name(step): count for step, count in steps.items()},
        ended=ended,
        left_behind=left_behind,
        posts=posts,
        gave_up=journal.gave_up,
    )


def step_name(step: tuple[SendState, SendState]) -> str:
    """For reports."""
    return f"{step[0]}→{step[1]}"


def _never(steps: dict[str, int]) -> list[str]:
    return sorted(step_name(step) for step in EVERY_STEP if not steps.get(step_name(step)))


def _unknown(steps: dict[str, int]) -> list[str]:
    return sorted(steps.keys() - {step_name(step) for step in EVERY_STEP})
