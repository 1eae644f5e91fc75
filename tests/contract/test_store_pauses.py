"""A pause holds back what is open of its schedule, but not what a person lets go out after that."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.plan_support import DRAFT, claimed, hold_scheduler, read, step
from tests.contract.store_support import store
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Decision, OccurrenceRow
from vestlus.store.port import Store
from vestlus.store.rows import Lease

__all__ = ["store"]

READY, WAITING = OccurrenceState.READY, OccurrenceState.WAITING
DRAFTED = frozenset({READY, WAITING})
YES = Decision(after=READY, by="Mari", at_ms=800)


async def drafted(
    store: Store, lease: Lease, state: OccurrenceState, *, wall: str = "08:00", at_ms: int = 600
) -> OccurrenceRow:
    """Return a time that is due at 1000, with a draft."""
    row = await claimed(store, lease, wall=wall)
    return await step(store, lease, row, state, draft=DRAFT, wake_ms=1_000, at_ms=at_ms)


async def paused(store: Store, at_ms: int = 700) -> None:
    assert await store.pause_schedule("hommik", at_ms, paused=True)


async def resumed(store: Store, at_ms: int) -> None:
    assert await store.pause_schedule("hommik", at_ms, paused=False)


async def due(store: Store, now_ms: int = 9_000) -> tuple[OccurrenceRow, ...]:
    return await store.due_occurrences(DRAFTED, now_ms, limit=9)


async def test_a_yes_that_is_said_during_a_pause_lets_the_draft_go_out_at_its_time(
    store: Store,
) -> None:
    lease = await hold_scheduler(store)
    row = await drafted(store, lease, WAITING)
    other = await drafted(store, lease, WAITING, wall="09:00")
    await paused(store)
    assert await due(store) == ()

    assert await store.decide(row.id, YES)

    assert await due(store, 999) == ()
    assert await due(store) == (await read(store, row.id),)
    assert await store.next_look_ms() == 1_000
    assert (await read(store, other.id)).state is WAITING


async def test_what_waits_for_its_time_or_passed_it_in_a_pause_can_be_had_go_out_now(
    store: Store,
) -> None:
    lease = await hold_scheduler(store)
    early = await drafted(store, lease, READY)
    late = await drafted(store, lease, READY, wall="09:00")
    await paused(store)
    assert await due(store) == ()

    assert await store.hasten_occurrence(early.id, 900)
    assert not await store.hasten_occurrence(early.id, 901)
    assert await store.hasten_occurrence(late.id, 1_100)
    assert not await store.hasten_occurrence(late.id, 1_101)

    now = await due(store)
    assert [(row.id, row.due_ms) for row in now] == [(early.id, 900), (late.id, 1_100)]


async def test_a_draft_that_is_done_or_a_yes_that_was_said_before_a_pause_is_held_back(
    store: Store,
) -> None:
    lease = await hold_scheduler(store)
    approved = await drafted(store, lease, WAITING)
    assert await store.decide(approved.id, replace(YES, at_ms=650))
    under_way = await claimed(store, lease, wall="09:00")
    await paused(store)
    await step(store, lease, under_way, READY, draft=DRAFT, wake_ms=1_000, at_ms=750)

    assert await due(store) == ()
    assert await store.next_look_ms() is None


async def test_what_a_person_let_go_out_during_a_pause_changes_when_the_pause_ends(
    store: Store,
) -> None:
    lease = await hold_scheduler(store)
    said = await drafted(store, lease, WAITING)
    before = await drafted(store, lease, READY, wall="09:00")
    after = await drafted(store, lease, WAITING, wall="10:00")
    await paused(store)
    assert await store.decide(said.id, YES)
    stale = await read(store, said.id)

    await resumed(store, 1_200)

    now = await read(store, said.id)
    assert now == replace(stale, version=stale.version + 1, changed_ms=1_200)
    assert await read(store, before.id) == before
    assert await read(store, after.id) == after
    await paused(store, 1_300)
    assert await due(store) == ()
