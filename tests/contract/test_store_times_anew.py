"""A time that ended without a post is planned anew for whoever mends its schedule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.plan_support import (
    DRAFT,
    added,
    claim_of,
    claimed,
    hold_scheduler,
    post_of,
    read,
    read_schedule,
    schedule,
    step,
    time_of,
)
from tests.contract.store_support import store
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Decision, Keeper, OccurrenceRow, ScheduleRow
from vestlus.store.port import Store
from vestlus.store.rows import Lease

__all__ = ["store"]

CANCELLED, FAILED = OccurrenceState.CANCELLED, OccurrenceState.FAILED
HANDED, LAPSED = OccurrenceState.HANDED, OccurrenceState.LAPSED
PLANNED, READY = OccurrenceState.PLANNED, OccurrenceState.READY
REJECTED, SKIPPED = OccurrenceState.REJECTED, OccurrenceState.SKIPPED
WAITING, WITHDRAWN = OccurrenceState.WAITING, OccurrenceState.WITHDRAWN


async def ended(store: Store, lease: Lease, state: OccurrenceState) -> OccurrenceRow:
    """Return a time of the schedule that ended so, at 600."""
    row = await claimed(store, lease)
    match state:
        case OccurrenceState.CANCELLED:
            assert await store.cancel_occurrence(row.id, 600)
        case OccurrenceState.LAPSED | OccurrenceState.REJECTED:
            row = await step(store, lease, row, WAITING, draft=DRAFT)
            if state is LAPSED:
                return await step(store, lease, row, state, reason="no_yes")
            no = Decision(after=REJECTED, by="Mari", at_ms=600, why="Vale.")
            assert await store.decide(row.id, no)
        case OccurrenceState.HANDED:
            row = await step(store, lease, row, READY, draft=DRAFT)
            return await step(store, lease, row, state, post=post_of(row))
        case _:
            return await step(store, lease, row, state, reason="why", problem="Mida teha.")
    return await read(store, row.id)


def of_file(definition: str) -> ScheduleRow:
    return schedule(keeper=Keeper.FILE, definition=definition)


@pytest.mark.parametrize("state", [FAILED, SKIPPED, LAPSED, CANCELLED, REJECTED])
async def test_a_schedule_that_is_added_again_plans_what_had_ended_anew(
    store: Store, state: OccurrenceState
) -> None:
    lease = await hold_scheduler(store)
    row = await ended(store, lease, state)
    assert await store.remove_schedule("hommik", 700)
    of = await added(store, created_ms=700)

    assert await store.claim(lease, claim_of(of, time_of(of, due_ms=2_000)), 800)

    now = await read(store, row.id)
    assert (now.state, now.reason, now.problem, now.due_ms) == (PLANNED, "", "", 2_000)
    assert (now.caption, now.pictures, now.decided_by, now.decided_ms) == ("", (), "", 0)
    assert now.version == row.version + 1
    assert len(await store.occurrences(limit=9)) == 1


@pytest.mark.parametrize("state", [FAILED, SKIPPED, LAPSED])
async def test_an_edited_file_plans_anew_what_had_ended_by_itself(
    store: Store, state: OccurrenceState
) -> None:
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("{}")], 50)
    row = await ended(store, lease, state)
    assert await store.sync_schedules(lease, [of_file("[]")], 700) == {"hommik"}
    of = await read_schedule(store)

    assert await store.claim(lease, claim_of(of, time_of(of)), 800)

    assert (await read(store, row.id)).state is PLANNED


@pytest.mark.parametrize("state", [CANCELLED, REJECTED])
async def test_an_edited_file_does_not_bring_back_what_a_person_ended(
    store: Store, state: OccurrenceState
) -> None:
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("{}")], 50)
    row = await ended(store, lease, state)
    assert await store.sync_schedules(lease, [of_file("[]")], 700) == {"hommik"}
    of = await read_schedule(store)

    assert await store.claim(lease, claim_of(of, time_of(of)), 800)

    assert await store.occurrences(limit=9) == (row,)


async def test_what_became_a_post_stays_that_post(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await ended(store, lease, HANDED)
    assert await store.remove_schedule("hommik", 700)
    of = await added(store, created_ms=700)

    assert await store.claim(lease, claim_of(of, time_of(of)), 800)

    assert await store.occurrences(limit=9) == (row,)
    assert len(await store.posts(limit=9)) == 1


async def test_what_ended_under_the_definition_there_is_stays_over(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await ended(store, lease, FAILED)
    of = await read_schedule(store)

    assert await store.claim(lease, claim_of(of, time_of(of)), 800)

    assert await store.occurrences(limit=9) == (row,)


async def test_how_it_ended_is_not_written_over_by_how_its_time_was_passed_over(
    store: Store,
) -> None:
    lease = await hold_scheduler(store)
    row = await ended(store, lease, FAILED)
    assert await store.remove_schedule("hommik", 700)
    of = await added(store, created_ms=700)

    told = replace(time_of(of), state=SKIPPED, reason="missed", wake_ms=0)
    assert await store.claim(lease, claim_of(of, told), 800)

    assert await store.occurrences(limit=9) == (row,)


async def test_a_time_that_was_told_with_a_change_is_planned_where_it_is_still_to_come(
    store: Store,
) -> None:
    """The same wall time in another zone: missed by the old definition, and later by the new."""
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("{}")], 50)
    told = replace(time_of(await read_schedule(store)), state=SKIPPED, reason="missed", wake_ms=0)
    assert await store.sync_schedules(lease, [of_file("[]")], 700, told=[told]) == {"hommik"}
    of = await read_schedule(store)

    assert await store.claim(lease, claim_of(of, time_of(of, due_ms=2_000)), 800)

    now = await read(store, told.id)
    assert (now.state, now.reason, now.due_ms) == (PLANNED, "", 2_000)


@pytest.mark.parametrize(("watched_ms", "withdrawn_ms"), [(None, 900), (700, 900), (701, 700)])
async def test_what_a_change_withdrew_is_of_the_next_one_if_no_claim_came_between(
    store: Store, watched_ms: int | None, withdrawn_ms: int
) -> None:
    """A claim that is not through yet leaves the watermark behind the change."""
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("{}")], 50)
    row = await claimed(store, lease)
    other = await claimed(store, lease, "other")
    await store.sync_schedules(lease, [of_file("[]")], 700)
    if watched_ms is not None:
        claim = replace(claim_of(await read_schedule(store)), watched_ms=watched_ms)
        assert await store.claim(lease, claim, 701)

    assert await store.sync_schedules(lease, [of_file("{}")], 900) == {"hommik"}

    now = await read(store, row.id)
    assert (now.state, now.reason, now.changed_ms) == (
        WITHDRAWN,
        "schedule_changed",
        withdrawn_ms,
    )
    assert (now.due_ms, now.wake_ms) == (row.due_ms, row.wake_ms)
    assert await read(store, other.id) == other


async def test_what_ended_is_not_of_a_later_change(store: Store) -> None:
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("{}")], 50)
    row = await ended(store, lease, FAILED)
    for at_ms, definition in ((row.changed_ms, "[]"), (900, "{}")):
        assert await store.sync_schedules(lease, [of_file(definition)], at_ms) == {"hommik"}

    assert await read(store, row.id) == row
