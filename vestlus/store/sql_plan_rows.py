"""What the rows of schedules, occurrences and events are as values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Row

from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import (
    Keeper,
    NewOccurrence,
    OccurrenceRow,
    RuleOutcome,
    ScheduleRow,
    Trigger,
    TriggerRow,
)
from vestlus.store.post_rows import PostPicture
from vestlus.store.sql_codec import cleaned

_RECIPE: Final = TypeAdapter(Recipe)


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
