"""What the rows of schedules, occurrences and events are as values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Row

from vestlus.scheduling.recipe import Recipe
from vestlus.store import schema
from vestlus.store.occurrences import OCCURRENCE_TRANSITIONS, OccurrenceState
from vestlus.store.plan_rows import (
    Keeper,
    NewOccurrence,
    OccurrenceRow,
    OccurrenceStep,
    RuleOutcome,
    ScheduleRow,
    Trigger,
    TriggerRow,
)
from vestlus.store.post_rows import PostPicture
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_post_rows import encode_pictures

_RECIPE: Final = TypeAdapter(Recipe)

#: What an occurrence that is planned anew has of its own, and keeps.
_LASTING: Final = frozenset({"id", "key", "created_ms"})

_DRAFTED: Final = frozenset({OccurrenceState.WAITING, OccurrenceState.READY})


def encode_recipe(recipe: Recipe) -> str:
    """A recipe as the column has it."""
    return cleaned(_RECIPE.dump_json(recipe).decode())


def encode_outcomes(outcomes: Iterable[RuleOutcome]) -> str:
    """What rules made of an event, as the column has it."""
    return cleaned(json.dumps([asdict(one) for one in outcomes], ensure_ascii=False))


def new_occurrence_values(one: NewOccurrence, now_ms: int) -> dict[str, str | int]:
    """The columns of an occurrence that is added."""
    return {
        "id": cleaned(one.id),
        "key": cleaned(one.key),
        "trigger": str(one.trigger),
        "name": cleaned(one.name),
        "account": cleaned(one.account),
        "recipe": encode_recipe(one.recipe),
        "payload": cleaned(one.payload),
        "state": str(one.state),
        "due_ms": one.due_ms,
        "wake_ms": one.wake_ms,
        "reason": cleaned(one.reason),
        "problem": cleaned(one.problem),
        "traceparent": cleaned(one.traceparent),
        "created_ms": now_ms,
        "changed_ms": now_ms,
    }


def anew_values(row: dict[str, str | int]) -> dict[str, Any]:
    """The columns of an occurrence that is over without a post and is planned anew."""
    fresh = {name: value for name, value in row.items() if name not in _LASTING}
    drafted = ("ai_generated", "failures", "drafted_ms", "decided_ms")
    return (
        fresh
        | dict.fromkeys(drafted, 0)
        | {"caption": "", "pictures": "[]", "decided_by": ""}
        | {"version": schema.occurrence.c.version + 1}
    )


def check_occurrence_step(step: OccurrenceStep) -> None:
    """Raises ValueError for a step that does not exist or lacks what it needs."""
    before, after = step.of.state, step.after
    if (before, after) not in OCCURRENCE_TRANSITIONS:
        message = f"no transition from {before} to {after}"
        raise ValueError(message)
    if (step.post is not None) != (after is OccurrenceState.HANDED):
        message = "a post belongs to the step to handed"
        raise ValueError(message)
    makes = before is OccurrenceState.PLANNED and after in _DRAFTED
    if (step.draft is not None) != makes:
        message = "a draft belongs to the step from planned to waiting or ready"
        raise ValueError(message)


def occurrence_step_values(step: OccurrenceStep) -> dict[str, int | str]:
    """The columns of the occurrence that a step changes, without the post's id."""
    values: dict[str, int | str] = {
        "state": str(step.after),
        "version": step.of.version + 1,
        "wake_ms": step.wake_ms,
        "failures": step.failures,
        "reason": cleaned(step.reason),
        "problem": cleaned(step.problem),
        "changed_ms": step.at_ms,
    }
    if step.draft is not None:
        values |= {
            "caption": cleaned(step.draft.caption),
            "pictures": encode_pictures(step.draft.pictures),
            "ai_generated": int(step.draft.ai_generated),
            "drafted_ms": step.at_ms,
        }
    if step.after is OccurrenceState.PLANNED:
        # Whoever said yes said it of another draft.
        values |= {"decided_by": "", "decided_ms": 0}
    return values


def new_schedule_values(row: ScheduleRow, now_ms: int) -> dict[str, str | int]:
    """The columns of a schedule that is added."""
    return {
        "name": cleaned(row.name),
        "keeper": str(row.keeper),
        "account": cleaned(row.account),
        "definition": cleaned(row.definition),
        "paused": int(row.paused),
        "watched_ms": row.watched_ms,
        "look_ms": row.look_ms,
        "version": 0,
        "created_ms": now_ms,
        "changed_ms": now_ms,
    }


def schedule_row(row: Row[Any]) -> ScheduleRow:
    """A schedule as the port gives it."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's name for a public thing
    values |= {"keeper": Keeper(values["keeper"]), "paused": bool(values["paused"])}
    return ScheduleRow(**values)


def occurrence_row(row: Row[Any]) -> OccurrenceRow:
    """An occurrence as the port gives it."""
    values = dict(row._mapping)  # noqa: SLF001 - as above
    values |= {
        "trigger": Trigger(values["trigger"]),
        "state": OccurrenceState(values["state"]),
        "recipe": _RECIPE.validate_json(values["recipe"]),
        "pictures": tuple(PostPicture(*one) for one in json.loads(values["pictures"])),
        "ai_generated": bool(values["ai_generated"]),
    }
    return OccurrenceRow(**values)


def trigger_row(row: Row[Any]) -> TriggerRow:
    """An event as the port gives it."""
    values = dict(row._mapping)  # noqa: SLF001 - as above
    outcomes = tuple(RuleOutcome(**one) for one in json.loads(values["outcomes"]))
    return TriggerRow(**values | {"outcomes": outcomes})
