"""What a rule makes of an event: whether it applies, when its post is due, and how often.

Schemas and conditions are tried by whoever is handed in, so that nothing here knows how they are
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from vestlus.scheduling.quiet import QuietHours
from vestlus.scheduling.walltime import wall_at

#: An event's data.
Payload = Mapping[str, Any]

_MINUTE_MS = 60_000


class Reason(StrEnum):
    """Why an event led to nothing, in words that stay."""

    #: No rule has this event.
    UNKNOWN_EVENT = "unknown_event"
    #: The data do not fit the rule's schema.
    PAYLOAD_REFUSED = "payload_refused"
    #: The rule's condition does not hold.
    CONDITION = "condition"
    #: The condition could not be evaluated for these data.
    CONDITION_FAILED = "condition_failed"
    #: The rule led to a post a short time before.
    COOL_DOWN = "cool_down"
    #: The rule has led to as many posts of that day as it may.
    DAILY_LIMIT = "daily_limit"


class ConditionFailed(Exception):
    """A condition could not be evaluated. Its text says why."""


class Trial(Protocol):
    """A rule's schema and condition, tried on an event's data."""

    def problems(self, payload: Payload) -> tuple[str, ...]:
        """What does not fit the schema, a line each."""
        ...

    def holds(self, payload: Payload) -> bool:
        """Whether the condition holds. Raises ConditionFailed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When a rule's posts are due, by the clocks of the account's zone, and how many there are."""

    zone: ZoneInfo
    quiet: QuietHours
    delay_ms: int = 0
    cool_down_ms: int = 0
    most_per_day: int = 0


@dataclass(frozen=True, slots=True)
class Applies:
    """The rule applies as far as the event tells; ``day`` is that of ``due_ms`` in its zone."""

    due_ms: int
    day: str


@dataclass(frozen=True, slots=True)
class Passed:
    """The rule does not apply: a stable word, and a sentence."""

    reason: Reason
    problem: str


@dataclass(frozen=True, slots=True)
class LastFirings:
    """When a rule's latest post was due, 0 for none; and how many were due on that day."""

    due_ms: int = 0
    day: str = ""
    count: int = 0


def judged(terms: Terms, trial: Trial, payload: Payload, at_ms: int) -> Applies | Passed:
    """What a rule makes of an event that came at ``at_ms``, without regard to others."""
    problems = trial.problems(payload)
    if problems:
        return Passed(Reason.PAYLOAD_REFUSED, "; ".join(problems))
    try:
        holds = trial.holds(payload)
    except ConditionFailed as error:
        return Passed(Reason.CONDITION_FAILED, f"`when` cannot be evaluated: {error}")
    if not holds:
        return Passed(Reason.CONDITION, "`when` does not hold for this event")
    due_ms = terms.quiet.after(at_ms + terms.delay_ms, terms.zone)
    return Applies(due_ms, wall_at(due_ms, terms.zone).date().isoformat())


def held_back(
    last: LastFirings, applies: Applies, *, cool_down_ms: int, most_per_day: int
) -> Passed | None:
    """Why a rule that applies does not lead to one more post.

    Times are those at which posts are due: so events of a night do not all lead to posts in the
    morning. A latest post that is due further in the future than the cool-down, because a clock
    was wrong or the rule had another delay, holds nothing back.
    """
    if last.due_ms and abs(applies.due_ms - last.due_ms) < cool_down_ms:
        minutes = f"{cool_down_ms / _MINUTE_MS:g}"
        return Passed(
            Reason.COOL_DOWN, f"a post of this rule is or was due within {minutes} minutes of this"
        )
    if most_per_day and _count_on(last, applies.day) >= most_per_day:
        posts = "1 post" if most_per_day == 1 else f"{most_per_day} posts"
        return Passed(Reason.DAILY_LIMIT, f"the rule has its {posts} of {applies.day}")
    return None


def fired(last: LastFirings, applies: Applies) -> LastFirings:
    """The rule's firings with one more."""
    day = last.day if _is_just_over(applies.day, last.day) else applies.day
    return LastFirings(applies.due_ms, day, _count_on(last, applies.day) + 1)


def _count_on(last: LastFirings, day: str) -> int:
    """How many count for a day. One that ended as others began the next, by clocks that are not
    quite together, counts with the next.
    """
    return last.count if day == last.day or _is_just_over(day, last.day) else 0


def _is_just_over(day: str, latest: str) -> bool:
    return bool(latest) and date.fromisoformat(day) + timedelta(1) == date.fromisoformat(latest)
