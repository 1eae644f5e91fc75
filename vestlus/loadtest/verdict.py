"""Whether a run is a result, and whether the service passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: Who writes later than this, one time in a hundred, was busy itself, milliseconds.
LATE_P99_MS = 100.0
#: A process of the simulator's is one thread: it cannot keep more than one core busy.
BUSY_CORES = 0.95
#: What waited in the last quarter, against the second, above which the service fell behind; and
#: how many seconds of arrivals are too few to say.
GROWTH = 1.5
GROWTH_SECONDS = 1.0

#: The checker's breaches; ``order_unproven`` is none.
BREACHES = {
    "lost": "lost, or not answered within the time that was waited at the end",
    "duplicated": "answered more than once",
    "out_of_order": "answered out of order",
    "misdirected": "answered to somebody else",
    "after_person": "answered although a person had taken over",
    "outside_window": "refused by Graph, because the 24 hours were over",
    "over_limit": "over Graph's limits",
    "not_accepted": "not taken in by the webhook",
}


ENDED_EARLY = (
    "it was ended before its time; what is counted as lost or not accepted was still under way"
)


class Outcome(StrEnum):
    """What a run says. The values are those of the JSON."""

    PASSED = "passed"
    FAILED = "failed"
    #: Who measured was the limit: the figures say nothing of the service.
    NO_RESULT = "no result"
    #: Ended before its time; what there is holds as far as it goes.
    INTERRUPTED = "interrupted"


STATUS = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.NO_RESULT: 3, Outcome.INTERRUPTED: 130}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a verdict rests on."""

    rate: float
    late_p99_ms: float
    #: Mean cores of the simulator's processes while messages were due.
    helper_cores: Mapping[str, float]
    #: Counts of the checker's, and of messages that the webhook never took in.
    breaches: Mapping[str, int]
    #: Messages due and neither answered nor in the model, for each second with arrivals.
    backlog: Sequence[int]
    interrupted: bool = False
    #: Something of the load test's own ended early.
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome and why."""

    outcome: Outcome
    reasons: tuple[str, ...]


def judge(facts: Facts) -> Verdict:
    """The verdict. A breach counts even where the figures do not."""
    limits = own_limits(facts.late_p99_ms, facts.helper_cores)
    broken = [
        f"{count} messages were {said}"
        for name, said in BREACHES.items()
        if (count := facts.breaches.get(name, 0))
    ]
    if facts.broken:
        return Verdict(Outcome.FAILED, (facts.broken, *broken, *limits))
    if facts.interrupted:
        # What was still under way is not lost.
        firm = [each for each in broken if BREACHES["lost"] not in each]
        firm = [each for each in firm if BREACHES["not_accepted"] not in each]
        return Verdict(Outcome.INTERRUPTED, (ENDED_EARLY, *firm, *limits))
    if limits:
        return Verdict(Outcome.NO_RESULT, (*limits, *broken))
    behind = [_behind(facts)] if fell_behind(facts.backlog, facts.rate) else []
    if broken or behind:
        return Verdict(Outcome.FAILED, (*broken, *behind))
    return Verdict(Outcome.PASSED, ("nothing lost, duplicated or out of order; it kept up",))


def own_limits(late_p99_ms: float, helper_cores: Mapping[str, float]) -> list[str]:
    """What of the measurement's own was the limit, so that its figures say nothing of the service.

    ``late_p99_ms`` is how much later than due the generator wrote, ``helper_cores`` the mean cores
    of each of the simulator's processes.
    """
    found = []
    if late_p99_ms > LATE_P99_MS:
        found.append(
            f"the generator was late against its own schedule: by {late_p99_ms:.0f} ms at "
            f"the 99th percentile, over {LATE_P99_MS:.0f} ms. This measures the machine, not the "
            "service: ask for less, or put the load test on a machine of its own (--target)"
        )
    found += [
        f"the {name} kept {cores:.2f} of a core busy and was itself the limit: ask for less, or "
        "use a faster machine"
        for name, cores in helper_cores.items()
        if cores >= BUSY_CORES
    ]
    return found


def fell_behind(backlog: Sequence[int], rate: float) -> bool:
    """Whether what waits in the service grew for as long as messages came."""
    quarter = len(backlog) // 4
    if not quarter:
        return False
    early = backlog[quarter : 2 * quarter]
    late = backlog[-quarter:]
    before, after = sum(early) / len(early), sum(late) / len(late)
    return after > GROWTH * before + GROWTH_SECONDS * rate


def _behind(facts: Facts) -> str:
    return (
        f"the service fell behind: at the end {facts.backlog[-1]} messages waited in it, and they "
        f"became more. It does not keep up with {facts.rate:g} a second on this machine"
    )
