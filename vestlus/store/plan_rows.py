"""Schedules, occurrences and events as the store takes and gives them.

Times are milliseconds since 1970, UTC; 0 where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.post_rows import NewPost, PostPicture


class Keeper(StrEnum):
    """Who keeps a schedule."""

    #: ``vestlus.toml``: read-only elsewhere, and gone when it is not in there any more.
    FILE = "file"
    #: A person, by the command line or through the API.
    HAND = "hand"


class Trigger(StrEnum):
    """What an occurrence comes from."""

    SCHEDULE = "schedule"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """A schedule. The store does not read ``definition``."""

    name: str
    keeper: Keeper
    account: str
    #: JSON, as :mod:`vestlus.planning.definitions` writes it; the same text for the same schedule.
    definition: str
    paused: bool = False
    #: Its occurrences up to then are claimed, or were passed over.
    watched_ms: int = 0
    #: When it is to be looked at next; 0 for never.
    look_ms: int = 0
    version: int = 0
    #: When its definition came to be.
    created_ms: int = 0
    #: Then, or when it was last paused or went on.
    changed_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOccurrence:
    """An occurrence to be. Of one ``key`` there is one, ever."""

    id: str
    #: ``schedule:NAME:WALL TIME``, or ``event:EVENT'S ID:RULE``.
    key: str
    trigger: Trigger
    #: The schedule's, or the event rule's.
    name: str
    account: str
    recipe: Recipe
    due_ms: int
    #: When the scheduler looks at it first.
    wake_ms: int
    #: The event's data, JSON; empty without one.
    payload: str = ""
    #: PLANNED, or SKIPPED for one that is only told.
    state: OccurrenceState = OccurrenceState.PLANNED
    #: A stable word, and a sentence, for one that is SKIPPED.
    reason: str = ""
    problem: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceRow:
    """What is known of an occurrence."""

    id: str
    key: str
    trigger: Trigger
    name: str
    account: str
    recipe: Recipe
    payload: str
    state: OccurrenceState
    version: int
    due_ms: int
    #: When the scheduler looks at it next, or would have, where it is WITHDRAWN.
    wake_ms: int
    caption: str = ""
    pictures: tuple[PostPicture, ...] = ()
    ai_generated: bool = False
    #: Drafts that could not be made.
    failures: int = 0
    drafted_ms: int = 0
    #: Who said yes or no, and when.
    decided_by: str = ""
    decided_ms: int = 0
    #: The post that it became.
    post: str = ""
    reason: str = ""
    problem: str = ""
    traceparent: str = ""
    created_ms: int = 0
    changed_ms: int = 0


def is_held(row: OccurrenceRow, schedule: ScheduleRow) -> bool:
    """Whether the pause of its schedule holds an open occurrence of it back.

    Not what a person said yes to, or had go out at once, after the pause began: that is about this
    one post, and was said later. The program's own draft changes a row at the moment at which it
    was drafted, a person later.
    """
    is_said = row.changed_ms > max(schedule.changed_ms, row.drafted_ms)
    return schedule.paused and not (row.state is OccurrenceState.READY and is_said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be published: what a recipe came to."""

    caption: str
    pictures: tuple[PostPicture, ...]
    ai_generated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceStep:
    """A step of the scheduler's, on the condition that the occurrence is still as ``of`` shows."""

    of: OccurrenceRow
    after: OccurrenceState
    at_ms: int
    #: When it is looked at next.
    wake_ms: int = 0
    failures: int = 0
    reason: str = ""
    problem: str = ""
    draft: Draft | None = None
    #: To HANDED only, and always.
    post: NewPost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a named person says of a draft."""

    #: READY or REJECTED.
    after: OccurrenceState
    by: str
    at_ms: int
    #: The caption as the person changed it; ``None`` as it was. ``ai_generated`` stays.
    caption: str | None = None
    #: When it goes out instead of at its time, where it is READY.
    due_ms: int | None = None
    #: Why not, where it is REJECTED; becomes the row's ``problem``.
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What looking at a schedule came to: new occurrences, and how far it was looked at."""

    of: ScheduleRow
    watched_ms: int
    look_ms: int
    occurrences: tuple[NewOccurrence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrigger:
    """An event as it came. Of one ``source``, ``name`` and ``key`` there is one."""

    id: str
    #: Whose token it came with; ``cli`` for the command line.
    source: str
    name: str
    #: The Idempotency-Key; the id where none was given.
    key: str
    #: Of name and payload: the same key with another digest is a mistake.
    digest: str
    payload: str
    received_ms: int
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What one rule made of an event. ``occurrence`` is the id; empty where there is none.

    ``rule`` is empty where the event itself was refused: no rule knows it.
    """

    rule: str
    occurrence: str = ""
    #: When the occurrence is due.
    due_ms: int = 0
    #: A stable word and a sentence, where the rule did not apply.
    reason: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFiring:
    """A rule that applies to an event, as far as the event alone tells.

    The store lets it fire if the occurrence is due ``cool_down_ms`` after the rule's last, and if
    there are not ``most_per_day`` of it on ``day`` already (0: no limit of either kind).
    """

    occurrence: NewOccurrence
    cool_down_ms: int = 0
    most_per_day: int = 0
    #: The day on which the occurrence is due, by the account's calendar: 2026-12-31.
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRow:
    """An event and what it led to."""

    id: str
    source: str
    name: str
    key: str
    digest: str
    payload: str
    received_ms: int
    outcomes: tuple[RuleOutcome, ...]
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that was handed in, and whether it was there already."""

    row: TriggerRow
    known: bool
