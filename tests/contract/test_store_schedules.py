"""Schedules: kept by the file or by hand, looked at when due, their times claimed once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.contract.plan_support import (
    DRAFT,
    added,
    claim_of,
    claimed,
    hold_scheduler,
    read,
    read_schedule,
    schedule,
    step,
    time_of,
)
from tests.contract.store_support import BERT, another, rival, store
from vestlus.errors import LeaseLost
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Keeper, ScheduleRow
from vestlus.store.port import Store

__all__ = ["rival", "store"]


def of_file(name: str, definition: str = "{}") -> ScheduleRow:
    return schedule(name, keeper=Keeper.FILE, definition=definition)


async def names_due(store: Store, now_ms: int, limit: int = 9) -> list[str]:
    return [row.name for row in await store.due_schedules(now_ms, limit=limit)]


async def test_a_schedule_is_kept_as_it_was_added(store: Store) -> None:
    row = await added(store, definition='{"õ": "\x00"}', account="a\x00")

    assert row == schedule(
        definition='{"õ": "\N{REPLACEMENT CHARACTER}"}',
        account="a\N{REPLACEMENT CHARACTER}",
        changed_ms=50,
    )
    assert not await store.add_schedule(schedule(definition="other"))
    assert await read_schedule(store) == row
    assert await store.schedule("unheard of") is None


async def test_all_are_listed_by_name_or_an_accounts(store: Store) -> None:
    later = await added(store, "b", account="other")
    sooner = await added(store, "a")

    assert await store.schedules() == (sooner, later)
    assert await store.schedules(account="other") == (later,)


async def test_those_to_be_looked_at_come_longest_due_first(store: Store) -> None:
    await added(store, "later", look_ms=300)
    await added(store, "sooner", look_ms=200)
    await added(store, "never", look_ms=0)
    await added(store, "paused", look_ms=100, paused=True)

    assert await names_due(store, 199) == []
    assert await names_due(store, 300) == ["sooner", "later"]
    assert await names_due(store, 300, limit=1) == ["sooner"]
    assert await store.next_look_ms() == 200


async def test_nothing_waits_where_there_is_nothing(store: Store) -> None:
    assert await store.next_look_ms() is None
    await added(store, look_ms=0)
    assert await store.next_look_ms() is None


async def test_the_file_says_which_schedules_it_keeps(store: Store) -> None:
    lease = await hold_scheduler(store)
    await added(store, "hand")

    kept = [of_file("same"), of_file("other"), of_file("gone")]
    assert await store.sync_schedules(lease, kept, 60) == {"same", "other", "gone"}
    await store.pause_schedule("other", 70, paused=True)
    await store.claim(lease, claim_of(await read_schedule(store, "same")), 80)
    same = await read_schedule(store, "same")

    changed = replace(of_file("other", "[]"), watched_ms=900, look_ms=901)
    assert await store.sync_schedules(lease, [of_file("same"), changed], 90) == {"other"}
    assert await read_schedule(store, "same") == same
    other = await read_schedule(store, "other")
    assert (other.definition, other.watched_ms, other.look_ms) == ("[]", 900, 901)
    assert (other.paused, other.created_ms, other.changed_ms) == (True, 90, 90)
    assert await store.schedule("gone") is None
    assert await read_schedule(store, "hand") == schedule("hand", changed_ms=50)
    assert await store.sync_schedules(lease, [of_file("same"), changed], 95) == frozenset()


async def test_the_file_does_not_take_a_persons_schedule(store: Store) -> None:
    lease = await hold_scheduler(store)
    mine = await added(store)

    assert await store.sync_schedules(lease, [of_file("hommik", "[]")], 60) == frozenset()
    assert await read_schedule(store) == mine


async def test_what_is_open_of_a_changed_or_removed_schedule_is_withdrawn(store: Store) -> None:
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("a"), of_file("b"), of_file("c")], 60)
    changed, gone, same = [await claimed(store, lease, name) for name in "abc"]
    skipped = await claimed(store, lease, "a", "09:00", state=OccurrenceState.SKIPPED)

    await store.sync_schedules(lease, [of_file("a", "[]"), of_file("c")], 700)

    for row, reason in ((changed, "schedule_changed"), (gone, "schedule_removed")):
        now = await read(store, row.id)
        assert (now.state, now.reason) == (OccurrenceState.WITHDRAWN, reason)
        assert (now.version, now.wake_ms, now.changed_ms) == (1, row.wake_ms, 700)
    assert await read(store, same.id) == same
    assert await read(store, skipped.id) == skipped


async def test_times_that_passed_before_a_change_are_told_with_it_once(store: Store) -> None:
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("a")], 60)
    known = await claimed(store, lease, "a")
    of = await read_schedule(store, "a")
    told = [
        time_of(of, wall, state=OccurrenceState.SKIPPED, reason="missed", wake_ms=0)
        for wall in ("08:00", "09:00")
    ]

    for at_ms in (700, 800):
        await store.sync_schedules(lease, [of_file("a", "[]")], at_ms, told=told)

    new = await read(store, told[1].id)
    assert (new.state, new.reason, new.changed_ms) == (OccurrenceState.SKIPPED, "missed", 700)
    assert (await read(store, known.id)).state is OccurrenceState.WITHDRAWN
    assert len(await store.occurrences(limit=9)) == 2


async def test_a_persons_schedule_is_removed_with_what_is_open_of_it(store: Store) -> None:
    lease = await hold_scheduler(store)
    await store.sync_schedules(lease, [of_file("file")], 60)
    row = await claimed(store, lease)

    assert not await store.remove_schedule("file", 700)
    assert not await store.remove_schedule("unheard of", 700)
    assert await store.remove_schedule("hommik", 700)
    assert not await store.remove_schedule("hommik", 701)
    assert (await read(store, row.id)).state is OccurrenceState.WITHDRAWN
    assert [one.name for one in await store.schedules()] == ["file"]


async def test_what_was_withdrawn_is_planned_anew_and_keeps_its_id(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await claimed(store, lease)
    await step(store, lease, row, OccurrenceState.READY, draft=DRAFT, wake_ms=1_000)
    await store.remove_schedule("hommik", 700)
    of = await added(store)

    again = time_of(of, due_ms=2_000, wake_ms=1_500, payload="{}")
    assert await store.claim(lease, claim_of(of, again, time_of(of, "09:00")), 800)

    now = await read(store, row.id)
    assert now == replace(
        row, version=3, due_ms=2_000, wake_ms=1_500, payload="{}", changed_ms=800, reason=""
    )
    assert await store.occurrence(again.id) is None
    assert len(await store.occurrences(limit=9)) == 2


async def test_a_paused_schedule_and_its_open_occurrences_wait(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await claimed(store, lease)
    other = await claimed(store, lease, "other", wake_ms=600)
    planned = frozenset({OccurrenceState.PLANNED})

    assert await store.pause_schedule("hommik", 700, paused=True)
    paused = await read_schedule(store)
    assert (paused.paused, paused.changed_ms) == (True, 700)
    assert await store.due_occurrences(planned, 9_000, limit=9) == (other,)
    assert await names_due(store, 9_000) == ["other"]
    assert await store.next_look_ms() == 400
    assert not await store.claim(lease, claim_of(replace(paused, paused=False)), 800)
    assert await store.pause_schedule("hommik", 900, paused=True)
    assert await read_schedule(store) == paused

    assert await store.pause_schedule("hommik", 900, paused=False)
    assert await store.due_occurrences(planned, 9_000, limit=9) == (row, other)
    assert await names_due(store, 9_000) == ["hommik", "other"]
    assert (await read_schedule(store)).changed_ms == 900
    assert not await store.pause_schedule("unheard of", 900, paused=True)


async def test_a_claim_adds_occurrences_and_notes_how_far_was_looked(store: Store) -> None:
    lease = await hold_scheduler(store)
    of = await added(store)
    times = [time_of(of, f"{hour}:00") for hour in range(10, 15)]
    times[0] = replace(
        times[0], state=OccurrenceState.SKIPPED, reason="missed", problem="Oli hilja.", wake_ms=0
    )

    assert await store.claim(lease, claim_of(of, *times), 310)

    now = await read_schedule(store)
    assert (now.watched_ms, now.look_ms, now.changed_ms) == (300, 400, of.changed_ms)
    assert {row.key for row in await store.occurrences(limit=9)} == {one.key for one in times}
    skipped = await read(store, times[0].id)
    assert (skipped.state, skipped.reason, skipped.problem) == (
        OccurrenceState.SKIPPED,
        "missed",
        "Oli hilja.",
    )
    assert (await store.counts()).occurrences == {"planned": 4, "skipped": 1}
    assert not await store.claim(lease, claim_of(of, time_of(of, "20:00")), 320)
    assert len(await store.occurrences(limit=9)) == 5


async def test_what_is_known_already_is_left_alone(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await claimed(store, lease)
    of = await read_schedule(store)

    assert await store.claim(lease, claim_of(of, time_of(of, due_ms=9_999)), 320)

    assert await store.occurrences(limit=9) == (row,)


async def test_a_claim_of_a_schedule_that_was_made_anew_meanwhile_does_nothing(
    store: Store,
) -> None:
    lease = await hold_scheduler(store)
    of = await added(store)
    await store.remove_schedule("hommik", 60)
    assert not await store.claim(lease, claim_of(of, time_of(of)), 310)
    anew = await added(store, definition="[]")

    assert not await store.claim(lease, claim_of(of, time_of(of)), 310)
    assert await read_schedule(store) == anew
    assert await store.occurrences(limit=9) == ()


async def test_however_many_claim_a_time_at_once_one_does(store_url: str, store: Store) -> None:
    lease = await hold_scheduler(store)
    of = await added(store)
    async with another(store_url) as second, another(store_url) as third:
        done = await asyncio.gather(
            *(
                one.claim(lease, claim_of(of, time_of(of), time_of(of, "09:00")), 310)
                for one in (store, second, third) * 3
            )
        )

    assert sorted(done) == [False] * 8 + [True]
    assert len(await store.occurrences(limit=9)) == 2


async def test_who_was_overtaken_plans_nothing(store: Store, rival: Store) -> None:
    old = await hold_scheduler(store, seconds=0)
    of = await added(store)
    new = await hold_scheduler(rival, member=BERT)

    with pytest.raises(LeaseLost):
        await store.claim(old, claim_of(of, time_of(of)), 310)
    with pytest.raises(LeaseLost):
        await store.sync_schedules(old, [of_file("file")], 310)
    assert await store.schedules() == (of,)
    assert await store.occurrences(limit=9) == ()
    assert await rival.claim(new, claim_of(of, time_of(of)), 310)
