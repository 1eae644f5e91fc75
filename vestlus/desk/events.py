"""Events of other systems as people look at them: what came, and what it led to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from vestlus.desk.problems import NotThere
from vestlus.planning.http import told_outcome
from vestlus.settings_events import EventRule
from vestlus.store.content_port import Content
from vestlus.store.plan_port import Triggers
from vestlus.store.plan_rows import OccurrenceRow, RuleOutcome, TriggerRow
from vestlus.store.post_rows import PostRow


class EventStore(Content, Triggers, Protocol):
    """What is read of the store."""


@dataclass(frozen=True, slots=True)
class Lead:
    """What one rule made of an event, and what became of that."""

    outcome: RuleOutcome
    #: ``None`` where the rule did not apply, or what it planned is gone.
    occurrence: OccurrenceRow | None = None
    #: What the occurrence became.
    post: PostRow | None = None


@dataclass(frozen=True, slots=True)
class EventTold:
    """An event and everything that it led to."""

    row: TriggerRow
    leads: tuple[Lead, ...]


async def recent_events(
    store: EventStore,
    *,
    limit: int,
    before: tuple[int, str] | None = None,
    name: str | None = None,
) -> tuple[EventTold, ...]:
    """The newest events, or those before that moment and id, newest first; refused ones among them.
    Raises StoreUnavailable.
    """
    rows = await store.events_before(limit=limit, before=before, name=name)
    return await _told(store, rows)


async def one_event(store: EventStore, id_: str) -> EventTold:
    """One event. Raises NotThere, StoreUnavailable."""
    row = await store.event(id_)
    if row is None:
        raise NotThere(
            "there is no such event: `vestlus events list` shows those of the last 7 days"
        )
    return (await _told(store, (row,)))[0]


def event_values(row: TriggerRow) -> dict[str, Any]:
    """An event as JSON has it."""
    return {
        "id": row.id,
        "event": row.name,
        "source": row.source,
        "key": given_key(row),
        "received_at": datetime.fromtimestamp(row.received_ms // 1000, UTC).strftime(
            "%Y-%m-%d %H:%M:%SZ"
        ),
        "data": json.loads(row.payload) if row.payload else None,
        "outcomes": [told_outcome(one) for one in row.outcomes],
    }


def given_key(row: TriggerRow) -> str:
    """The key as it was given; the store's own have a space, or are the id."""
    return "" if row.key == row.id or " " in row.key else row.key


def rule_values(rule: EventRule) -> dict[str, Any]:
    """A rule with the keys of ``[[event_rules]]``."""
    values: dict[str, Any] = rule.model_dump(mode="json", exclude_defaults=True)
    return values


async def _told(store: EventStore, rows: tuple[TriggerRow, ...]) -> tuple[EventTold, ...]:
    planned = {one.occurrence for row in rows for one in row.outcomes if one.occurrence}
    occurrences = await store.occurrences_of(planned)
    posts = await store.posts_of({one.post for one in occurrences.values() if one.post})

    def lead(outcome: RuleOutcome) -> Lead:
        occurrence = occurrences.get(outcome.occurrence)
        return Lead(outcome, occurrence, posts.get(occurrence.post) if occurrence else None)

    return tuple(EventTold(row, tuple(map(lead, row.outcomes))) for row in rows)
