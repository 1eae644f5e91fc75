"""Occurrences: drafted, decided about and handed over, each step on its condition."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.contract.plan_support import (
    DRAFT,
    claimed,
    hold_scheduler,
    post_of,
    read,
    step,
)
from tests.contract.store_support import ACCOUNT, BERT, OUTBOX, another, rival, store
from vestlus.errors import LeaseLost
from vestlus.scheduling.recipe import Choice, Recipe
from vestlus.store.occurrences import (
    DECIDED,
    OCCURRENCE_TRANSITIONS,
    OPEN,
    OccurrenceState,
)
from vestlus.store.plan_rows import Decision, OccurrenceRow, OccurrenceStep, Trigger
from vestlus.store.port import Store
from vestlus.store.post_rows import PostPicture
from vestlus.store.posts import PostState
from vestlus.store.rows import Lease

__all__ = ["rival", "store"]


async def waiting(store: Store, lease: Lease, wall: str = "08:00") -> OccurrenceRow:
    row = await claimed(store, lease, wall=wall)
    return await step(store, lease, row, OccurrenceState.WAITING, draft=DRAFT, wake_ms=5_000)


async def ready(store: Store, lease: Lease, wall: str = "08:00") -> OccurrenceRow:
    row = await claimed(store, lease, wall=wall)
    return await step(store, lease, row, OccurrenceState.READY, draft=DRAFT, wake_ms=1_000)


def yes(at_ms: int = 700, caption: str | None = None) -> Decision:
    return Decision(after=OccurrenceState.READY, by="Mari", at_ms=at_ms, caption=caption)


async def test_an_occurrence_is_kept_as_it_was_claimed(store: Store) -> None:
    lease = await hold_scheduler(store)
    recipe = Recipe(
        account=ACCOUNT,
        choice=Choice.TAGGED,
        tags=("raamat",),
        prompt="Õ\x00🙂",
        approve=False,
        count=3,
    )

    row = await claimed(store, lease, recipe=recipe, payload='{"a": 1}', traceparent="00-1")

    assert row.recipe == replace(recipe, prompt="Õ\x00🙂")
    assert (row.state, row.version, row.payload) == (OccurrenceState.PLANNED, 0, '{"a": 1}')
    assert (row.due_ms, row.wake_ms, row.created_ms, row.changed_ms) == (1_000, 500, 300, 300)
    assert row.traceparent == "00-1"
    assert await store.occurrence("unheard of") is None


async def test_a_draft_is_recorded_with_the_step_that_made_it(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await claimed(store, lease)

    row = await step(
        store,
        lease,
        row,
        OccurrenceState.PLANNED,
        wake_ms=650,
        failures=1,
        reason="model_away",
        problem="Mudel ei vasta.",
    )
    assert (row.failures, row.reason, row.problem) == (1, "model_away", "Mudel ei vasta.")
    draft = replace(DRAFT, caption="Õ\x00", pictures=(PostPicture("a", "x"), PostPicture("b")))
    row = await step(store, lease, row, OccurrenceState.WAITING, draft=draft, at_ms=660)

    assert (row.caption, row.pictures) == ("Õ\N{REPLACEMENT CHARACTER}", draft.pictures)
    assert (row.ai_generated, row.drafted_ms, row.changed_ms) == (True, 660, 660)
    assert (row.failures, row.reason, row.version) == (0, "", 2)


async def test_the_post_is_added_with_the_step_that_hands_over(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await ready(store, lease)

    row = await step(store, lease, row, OccurrenceState.HANDED, post=post_of(row), at_ms=1_100)

    post = await store.post_of_key(row.key)
    assert post is not None
    assert (row.state, row.post, row.wake_ms) == (OccurrenceState.HANDED, post.id, 0)
    assert (post.state, post.caption, post.pictures) == (PostState.PLANNED, "Tere!", row.pictures)
    assert (post.planned_ms, post.deadline_ms, post.created_ms) == (1_000, 6_000, 1_100)
    assert await store.due_posts(OUTBOX, 1_000, limit=9) == (post,)


async def test_an_occasion_that_is_posted_already_is_handed_over_to_that_post(
    store: Store,
) -> None:
    lease = await hold_scheduler(store)
    row = await ready(store, lease)
    await store.add_posts([post_of(row, id="before")], 900)

    row = await step(store, lease, row, OccurrenceState.HANDED, post=post_of(row))

    assert row.post == "before"
    assert len(await store.posts(limit=9)) == 1


async def test_a_step_that_is_not_made_adds_no_post(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await ready(store, lease)
    hand = OccurrenceStep(of=row, after=OccurrenceState.HANDED, at_ms=1, post=post_of(row))

    stale = replace(hand, of=replace(row, version=row.version - 1))
    assert not await store.occurrence_step(lease, stale)
    unheard = replace(hand, of=replace(row, id="unheard of"))
    assert not await store.occurrence_step(lease, unheard)
    assert await store.cancel_occurrence(row.id, 700)
    assert not await store.occurrence_step(lease, hand)
    assert await store.posts(limit=9) == ()


async def test_who_was_overtaken_hands_nothing_over(store: Store, rival: Store) -> None:
    old = await hold_scheduler(store, seconds=0)
    row = await ready(store, old)
    new = await hold_scheduler(rival, member=BERT)
    hand = OccurrenceStep(of=row, after=OccurrenceState.HANDED, at_ms=1, post=post_of(row))

    with pytest.raises(LeaseLost):
        await store.occurrence_step(old, hand)
    assert await read(store, row.id) == row
    assert await store.posts(limit=9) == ()
    assert await rival.occurrence_step(new, hand)


async def test_of_those_who_hand_over_at_once_one_does(store_url: str, store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await ready(store, lease)
    async with another(store_url) as second, another(store_url) as third:
        done = await asyncio.gather(
            *(
                one.occurrence_step(
                    lease,
                    OccurrenceStep(
                        of=row,
                        after=OccurrenceState.HANDED,
                        at_ms=1,
                        post=post_of(row, id=f"post-{number}"),
                    ),
                )
                for number, one in enumerate((store, second, third) * 2)
            )
        )

    assert sorted(done) == [False] * 5 + [True]
    assert len(await store.posts(limit=9)) == 1


async def test_steps_that_are_not_in_the_table_are_errors(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await claimed(store, lease)
    drafted = replace(row, state=OccurrenceState.READY)
    wrong = [
        OccurrenceStep(of=replace(row, state=before), after=after, at_ms=1)
        for before in OccurrenceState
        for after in OccurrenceState
        if (before, after) not in OCCURRENCE_TRANSITIONS
    ]
    wrong += [
        OccurrenceStep(of=row, after=OccurrenceState.READY, at_ms=1),
        OccurrenceStep(of=row, after=OccurrenceState.FAILED, at_ms=1, draft=DRAFT),
        OccurrenceStep(of=drafted, after=OccurrenceState.HANDED, at_ms=1),
        OccurrenceStep(of=drafted, after=OccurrenceState.SKIPPED, at_ms=1, post=post_of(row)),
    ]
    for one in wrong:
        with pytest.raises(ValueError, match=r"."):
            await store.occurrence_step(lease, one)
    assert {before for before, _ in OCCURRENCE_TRANSITIONS} == OPEN
    assert await read(store, row.id) == row


async def test_a_yes_makes_a_draft_ready_for_when_it_is_due(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await waiting(store, lease)

    assert await store.decide(row.id, yes(caption="Tere, \x00!"))

    now = await read(store, row.id)
    assert (now.state, now.wake_ms) == (OccurrenceState.READY, row.due_ms)
    assert (now.decided_by, now.decided_ms) == ("Mari", 700)
    assert (now.caption, now.ai_generated) == ("Tere, \N{REPLACEMENT CHARACTER}!", True)
    assert now.version == row.version + 1
    assert not await store.decide(row.id, yes())

    kept = await waiting(store, lease, "09:00")
    assert await store.decide(kept.id, yes())
    assert (await read(store, kept.id)).caption == kept.caption


async def test_a_no_ends_it_and_nobody_decides_what_does_not_wait(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await waiting(store, lease)
    no = Decision(after=OccurrenceState.REJECTED, by="Mari", at_ms=700, why="Vale päev")

    assert await store.decide(row.id, no)
    now = await read(store, row.id)
    assert (now.state, now.decided_by, now.wake_ms) == (OccurrenceState.REJECTED, "Mari", 0)
    assert (now.problem, now.caption) == ("Vale päev", row.caption)
    assert not await store.decide(row.id, yes())
    assert not await store.decide("unheard of", yes())
    planned = await claimed(store, lease, wall="09:00")
    assert not await store.decide(planned.id, yes())
    for after in set(OccurrenceState) - DECIDED:
        with pytest.raises(ValueError, match="no decision"):
            await store.decide(planned.id, replace(no, after=after))


async def test_a_yes_does_not_hold_for_another_draft(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await waiting(store, lease)
    await store.decide(row.id, yes())

    row = await step(store, lease, await read(store, row.id), OccurrenceState.PLANNED)

    assert (row.decided_by, row.decided_ms) == ("", 0)


async def test_of_a_yes_and_a_no_at_once_one_counts(store: Store, rival: Store) -> None:
    lease = await hold_scheduler(store)
    row = await waiting(store, lease)
    no = Decision(after=OccurrenceState.REJECTED, by="Jaan", at_ms=700)

    done = await asyncio.gather(store.decide(row.id, yes()), rival.decide(row.id, no))

    assert sorted(done) == [False, True]
    now = await read(store, row.id)
    assert now.decided_by == ("Mari" if now.state is OccurrenceState.READY else "Jaan")


async def test_open_ones_are_cancelled_and_others_not(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await ready(store, lease)
    handed = await ready(store, lease, "09:00")
    handed = await step(store, lease, handed, OccurrenceState.HANDED, post=post_of(handed))

    assert await store.cancel_occurrence(row.id, 700)
    assert not await store.cancel_occurrence(row.id, 701)
    assert not await store.cancel_occurrence(handed.id, 700)
    assert not await store.cancel_occurrence("unheard of", 700)
    now = await read(store, row.id)
    assert (now.state, now.changed_ms) == (OccurrenceState.CANCELLED, 700)


async def test_the_longest_due_of_the_states_asked_for_come_first(store: Store) -> None:
    lease = await hold_scheduler(store)
    later = await claimed(store, lease, wall="08:00", wake_ms=700)
    sooner = await claimed(store, lease, wall="09:00", wake_ms=600)
    drafted = await ready(store, lease, "10:00")
    over = await claimed(store, lease, wall="11:00", state=OccurrenceState.SKIPPED, wake_ms=1)
    planned = [OccurrenceState.PLANNED]

    assert await store.due_occurrences(planned, 599, limit=9) == ()
    assert await store.due_occurrences(planned, 9_000, limit=9) == (sooner, later)
    assert await store.due_occurrences(planned, 9_000, limit=1) == (sooner,)
    assert await store.due_occurrences(OPEN, 9_000, limit=9) == (sooner, later, drafted)
    assert await store.due_occurrences([over.state], 9_000, limit=9) == ()
    of_schedules = await store.due_occurrences(OPEN, 9_000, limit=1, trigger=Trigger.SCHEDULE)
    assert of_schedules == (sooner,)
    assert await store.due_occurrences(OPEN, 9_000, limit=9, trigger=Trigger.EVENT) == ()


async def test_the_next_look_is_that_of_the_first_who_waits(store: Store) -> None:
    lease = await hold_scheduler(store)
    row = await claimed(store, lease, wake_ms=350)
    assert await store.next_look_ms() == 350
    await store.cancel_occurrence(row.id, 360)
    assert await store.next_look_ms() == 400


async def test_the_latest_are_listed_first_as_far_as_they_are_asked_for(store: Store) -> None:
    lease = await hold_scheduler(store)
    first = await claimed(store, lease, "a", due_ms=1_000)
    second = await claimed(store, lease, "b", due_ms=2_000, account="other")
    third = await claimed(store, lease, "a", "9", due_ms=3_000, state=OccurrenceState.SKIPPED)

    assert await store.occurrences(limit=9) == (third, second, first)
    assert await store.occurrences(limit=1) == (third,)
    assert await store.occurrences(limit=9, account="other") == (second,)
    assert await store.occurrences(limit=9, name="a") == (third, first)
    assert await store.occurrences(limit=9, states=OPEN) == (second, first)
    assert await store.occurrences(limit=9, name="a", states=[third.state]) == (third,)
    assert await store.occurrences(limit=9, name="b", account=ACCOUNT) == ()


async def test_pictures_are_used_by_posts_and_by_drafts_of_what_is_open(store: Store) -> None:
    lease = await hold_scheduler(store)

    def with_pictures(row: OccurrenceRow, *ids: str) -> OccurrenceStep:
        draft = replace(DRAFT, pictures=tuple(PostPicture(one) for one in ids))
        return OccurrenceStep(of=row, after=OccurrenceState.READY, at_ms=600, draft=draft)

    drafted = await claimed(store, lease, wall="1", due_ms=2_000)
    await store.occurrence_step(lease, with_pictures(drafted, "a", "b"))
    rejected = await claimed(store, lease, wall="2", due_ms=2_500)
    await store.occurrence_step(lease, with_pictures(rejected, "c"))
    await store.cancel_occurrence(rejected.id, 700)
    posted = replace(post_of(drafted), pictures=(PostPicture("b"), PostPicture("d")))
    cancelled = replace(posted, pictures=(PostPicture("e"),))
    await store.add_posts(
        [
            replace(posted, id="1", key="1", planned_ms=3_000),
            replace(posted, id="2", key="2", planned_ms=1_500),
            replace(cancelled, id="3", key="3"),
            replace(posted, id="4", key="4", account="other", planned_ms=9_000),
        ],
        500,
    )
    await store.cancel_post("3", 700)

    assert await store.pictures_used(ACCOUNT, 0) == {"a": 2_000, "b": 3_000, "d": 3_000}
    assert await store.pictures_used(ACCOUNT, 2_001) == {"b": 3_000, "d": 3_000}
    assert await store.pictures_used("nobody", 0) == {}
