"""What the contract tests of schedules and occurrences share."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from tests.contract.store_support import ACCOUNT, hold
from vestlus.scheduling.recipe import Recipe
from vestlus.store.names import SCHEDULER
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import (
    Claim,
    Draft,
    Keeper,
    NewOccurrence,
    OccurrenceRow,
    OccurrenceStep,
    ScheduleRow,
    Trigger,
)
from vestlus.store.port import Store
from vestlus.store.post_rows import NewPost, PostKind, PostPicture
from vestlus.store.rows import Lease

DRAFT = Draft(caption="Tere!", pictures=(PostPicture("saal", "Saal"),), ai_generated=True)
RECIPE = Recipe(account=ACCOUNT, pictures=("saal",), template="Tere!")

_numbers = itertools.count(1)


async def hold_scheduler(store: Store, **how: Any) -> Lease:  # noqa: ANN401  fields of several types
    """The right to plan posts."""
    return await hold(store, SCHEDULER, **how)


def schedule(name: str = "hommik", **fields: Any) -> ScheduleRow:  # noqa: ANN401
    """A schedule to be."""
    row = ScheduleRow(
        name=name,
        keeper=Keeper.HAND,
        account=ACCOUNT,
        definition="{}",
        watched_ms=100,
        look_ms=200,
        created_ms=50,
    )
    return replace(row, **fields)


async def added(store: Store, name: str = "hommik", **fields: Any) -> ScheduleRow:  # noqa: ANN401
    """A schedule that is there."""
    assert await store.add_schedule(schedule(name, **fields))
    return await read_schedule(store, name)


async def read_schedule(store: Store, name: str = "hommik") -> ScheduleRow:
    """The schedule as it is now."""
    row = await store.schedule(name)
    assert row is not None
    return row


def time_of(of: ScheduleRow, wall: str = "08:00", **fields: Any) -> NewOccurrence:  # noqa: ANN401
    """A time of a schedule."""
    new = NewOccurrence(
        id=f"occurrence-{next(_numbers)}",
        key=f"schedule:{of.name}:{wall}",
        trigger=Trigger.SCHEDULE,
        name=of.name,
        account=of.account,
        recipe=RECIPE,
        due_ms=1_000,
        wake_ms=500,
    )
    return replace(new, **fields)


def claim_of(of: ScheduleRow, *occurrences: NewOccurrence) -> Claim:
    """What a look at 300 came to."""
    return Claim(of=of, watched_ms=300, look_ms=400, occurrences=occurrences)


async def claimed(
    store: Store,
    lease: Lease,
    name: str = "hommik",
    wall: str = "08:00",
    **fields: Any,  # noqa: ANN401
) -> OccurrenceRow:
    """An occurrence of a schedule, which is added where it is not there."""
    await store.add_schedule(schedule(name))
    of = await read_schedule(store, name)
    new = time_of(of, wall, **fields)
    assert await store.claim(lease, claim_of(of, new), 300)
    return await read(store, new.id)


async def read(store: Store, id_: str) -> OccurrenceRow:
    """The occurrence as it is now."""
    row = await store.occurrence(id_)
    assert row is not None
    return row


async def step(
    store: Store,
    lease: Lease,
    of: OccurrenceRow,
    after: OccurrenceState,
    **fields: Any,  # noqa: ANN401
) -> OccurrenceRow:
    """The occurrence after a step that is made."""
    made = OccurrenceStep(of=of, after=after, at_ms=fields.pop("at_ms", 600), **fields)
    assert await store.occurrence_step(lease, made)
    return await read(store, of.id)


def post_of(of: OccurrenceRow, **fields: Any) -> NewPost:  # noqa: ANN401
    """What an occurrence is handed over as."""
    post = NewPost(
        id=f"post-{of.id}",
        key=of.key,
        account=of.account,
        kind=PostKind.PICTURE,
        pictures=of.pictures,
        caption=of.caption,
        ai_generated=of.ai_generated,
        planned_ms=of.due_ms,
        deadline_ms=of.due_ms + 5_000,
    )
    return replace(post, **fields)
