"""Posts: planned once, walked by the holder of the account's lease, counted by the day."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    ANNA,
    BERT,
    LONG,
    OUTBOX,
    hold_outbox,
    rival,
    store,
)
from vestlus.errors import LeaseLost
from vestlus.store.names import outbox_lease
from vestlus.store.port import Store
from vestlus.store.post_rows import (
    ContainerRow,
    NewPost,
    PostKind,
    PostPicture,
    PostRow,
    PostStep,
    PostStepResult,
    PostTimes,
)
from vestlus.store.posts import ENDED, POST_TRANSITIONS, PostState
from vestlus.store.rows import Lease

__all__ = ["rival", "store"]

_numbers = itertools.count(1)


def new_post(**fields: Any) -> NewPost:  # noqa: ANN401  fields of several types
    number = next(_numbers)
    post = NewPost(
        id=f"post-{number}",
        key=f"key-{number}",
        account=ACCOUNT,
        kind=PostKind.PICTURE,
        pictures=(PostPicture("saal", "Lugemissaal"),),
        caption="Saal on avatud.",
        planned_ms=1_000,
        deadline_ms=9_000,
    )
    return replace(post, **fields)


async def planned(store: Store, **fields: Any) -> PostRow:  # noqa: ANN401
    post = new_post(**fields)
    assert await store.add_posts([post], 500) == {post.id}
    return await read(store, post.id)


async def read(store: Store, id_: str) -> PostRow:
    row = await store.post(id_)
    assert row is not None
    return row


async def step(store: Store, lease: Lease, of: PostRow, after: PostState, **fields: Any) -> PostRow:  # noqa: ANN401
    made = PostStep(of=of, after=after, at_ms=fields.pop("at_ms", 2_000), **fields)
    assert await store.post_step(lease, made) is PostStepResult.DONE
    return await read(store, of.id)


async def published_as(store: Store, lease: Lease, media: str) -> PostRow:
    """A post on its whole way; its attempt was at 5 000."""
    post = await planned(store)
    post = await step(store, lease, post, PostState.CREATING, begins=0)
    post = await step(store, lease, post, PostState.WAITING, made=f"c-{post.id}")
    post = await step(store, lease, post, PostState.READY, finished=(1,))
    post = await step(store, lease, post, PostState.PUBLISHING, at_ms=5_000)
    return await step(store, lease, post, PostState.PUBLISHED, media_id=media)


async def test_a_post_is_kept_as_it_was_planned(store: Store) -> None:
    pictures = (PostPicture("a", "Üks \x00"), PostPicture("b"))
    post = await planned(
        store, kind=PostKind.CAROUSEL, pictures=pictures, caption="Õ\x00🙂", ai_generated=True
    )

    assert (post.state, post.version, post.round, post.containers) == (PostState.PLANNED, 0, 1, ())
    assert post.pictures == (PostPicture("a", "Üks \N{REPLACEMENT CHARACTER}"), PostPicture("b"))
    assert (post.caption, post.ai_generated) == ("Õ\N{REPLACEMENT CHARACTER}🙂", True)
    assert (post.planned_ms, post.due_ms, post.deadline_ms) == (1_000, 1_000, 9_000)
    assert await store.post("unheard of") is None


async def test_of_one_occasion_there_is_one_post_whoever_plans_it(
    store: Store, rival: Store
) -> None:
    posts = [[new_post(key=f"once-{n}") for n in range(5)] for _ in range(8)]

    added = await asyncio.gather(
        *(
            one.add_posts(batch if number % 2 else batch[::-1], 500)
            for number, (one, batch) in enumerate(zip((store, rival) * 4, posts, strict=True))
        )
    )

    assert sum(len(ids) for ids in added) == 5
    kept = await store.posts(limit=50)
    assert {post.id for post in kept} == set().union(*added)
    assert await store.add_posts([replace(new_post(), id=kept[0].id)], 600) == frozenset()
    assert await store.post_of_key(kept[0].key) == kept[0]
    assert await store.post_of_key("unheard of") is None


async def test_each_step_is_recorded_with_what_it_says_of_containers(store: Store) -> None:
    lease = await hold_outbox(store)
    post = await planned(store)

    post = await step(store, lease, post, PostState.CREATING, begins=0, at_ms=2_000)
    assert post.containers == (ContainerRow(number=1, round=1, position=0, begun_ms=2_000),)
    post = await step(store, lease, post, PostState.WAITING, made="c1", due_ms=3_500, at_ms=3_000)
    known = ContainerRow(
        number=1, round=1, position=0, begun_ms=2_000, container="c1", made_ms=3_000
    )
    assert (post.current(0), post.due_ms) == (known, 3_500)
    post = await step(store, lease, post, PostState.READY, finished=(1,), failures=2)
    assert post.current(0) == replace(known, finished=True)
    post = await step(store, lease, post, PostState.PUBLISHING, at_ms=4_000)
    assert (post.attempts, post.attempted_ms, post.failures) == (1, 4_000, 0)
    post = await step(store, lease, post, PostState.LOOKING, reason="timeout", at_ms=4_100)
    post = await step(store, lease, post, PostState.LOOKING, at_ms=4_200)
    assert (post.reason, post.looking_ms) == ("", 4_100)
    post = await step(store, lease, post, PostState.READY, resend=True)
    assert (post.resends, post.looking_ms) == (1, 0)
    post = await step(store, lease, post, PostState.PLANNED, new_round=True, problem="Aegunud.")
    assert (post.round, post.current(0), post.problem) == (2, None, "Aegunud.")
    assert len(post.containers) == 1
    assert post.version == 8


async def test_a_step_on_a_post_that_changed_meanwhile_does_nothing(store: Store) -> None:
    lease = await hold_outbox(store)
    old = await planned(store)
    new = await step(store, lease, old, PostState.PLANNED, due_ms=1_500)

    begin = PostStep(of=old, after=PostState.CREATING, begins=0, at_ms=2_000)
    assert await store.post_step(lease, begin) is PostStepResult.STALE
    unheard = replace(begin, of=replace(old, id="unheard of"))
    assert await store.post_step(lease, unheard) is PostStepResult.STALE
    assert await read(store, old.id) == new


async def test_who_was_overtaken_changes_nothing(store: Store, rival: Store) -> None:
    old = (await store.acquire([outbox_lease(OUTBOX)], ANNA, 0))[outbox_lease(OUTBOX)]
    post = await planned(store)
    new = (await rival.acquire([outbox_lease(OUTBOX)], BERT, LONG))[outbox_lease(OUTBOX)]

    begin = PostStep(of=post, after=PostState.CREATING, begins=0, at_ms=2_000)
    assert await store.post_step(old, begin) is PostStepResult.LEASE_LOST
    with pytest.raises(LeaseLost):
        await store.recover_posts(old, 2_000)
    assert await read(store, post.id) == post
    assert await rival.post_step(new, begin) is PostStepResult.DONE


async def test_another_partitions_holder_changes_nothing(store: Store) -> None:
    other = outbox_lease(1 - OUTBOX)
    lease = (await store.acquire([other], ANNA, LONG))[other]
    post = await planned(store)

    begin = PostStep(of=post, after=PostState.CREATING, begins=0, at_ms=2_000)
    assert await store.post_step(lease, begin) is PostStepResult.STALE
    assert await store.due_posts(1 - OUTBOX, 2_000, limit=10) == ()


async def test_of_two_who_begin_the_same_step_one_does(store: Store, rival: Store) -> None:
    lease = await hold_outbox(store)
    post = await planned(store)
    begin = PostStep(of=post, after=PostState.CREATING, begins=0, at_ms=2_000)

    results = await asyncio.gather(
        *(one.post_step(lease, begin) for one in (store, rival) for _ in range(4))
    )

    assert sorted(results) == [PostStepResult.DONE, *[PostStepResult.STALE] * 7]
    assert len((await read(store, post.id)).containers) == 1


async def test_steps_that_are_not_in_the_table_are_errors(store: Store) -> None:
    lease = await hold_outbox(store)
    post = await planned(store)
    wrong = [
        PostStep(of=replace(post, state=before), after=after, at_ms=1)
        for before in PostState
        for after in PostState
        if (before, after) not in POST_TRANSITIONS
    ]
    wrong += [
        PostStep(of=post, after=PostState.CREATING, at_ms=1),
        PostStep(of=post, after=PostState.PLANNED, begins=0, at_ms=1),
        PostStep(of=post, after=PostState.PLANNED, made="c", at_ms=1),
        PostStep(of=post, after=PostState.PLANNED, media_id="m", at_ms=1),
    ]
    for one in wrong:
        with pytest.raises(ValueError, match=r"."):
            await store.post_step(lease, one)
    assert {before for before, _ in POST_TRANSITIONS} | ENDED == set(PostState)
    assert await read(store, post.id) == post


async def test_a_new_holder_finds_what_was_under_way_in_doubt(store: Store) -> None:
    lease = await hold_outbox(store)
    creating = await planned(store)
    creating = await step(store, lease, creating, PostState.CREATING, begins=0)
    publishing = await planned(store)
    publishing = await step(store, lease, publishing, PostState.CREATING, begins=0)
    publishing = await step(store, lease, publishing, PostState.WAITING, made="c")
    publishing = await step(store, lease, publishing, PostState.READY)
    publishing = await step(store, lease, publishing, PostState.PUBLISHING)
    untouched = await planned(store)

    assert await store.recover_posts(lease, 7_000) == 2

    creating, publishing = await read(store, creating.id), await read(store, publishing.id)
    assert (creating.state, creating.current(0)) == (PostState.PLANNED, None)
    assert len(creating.containers) == 1
    assert (publishing.state, publishing.looking_ms) == (PostState.LOOKING, 7_000)
    assert await read(store, untouched.id) == untouched
    assert await store.recover_posts(lease, 8_000) == 0


async def test_the_longest_due_come_first_and_what_has_ended_not(store: Store) -> None:
    lease = await hold_outbox(store)
    later = await planned(store, planned_ms=3_000)
    sooner = await planned(store, planned_ms=2_000)
    ended = await planned(store)
    await step(store, lease, ended, PostState.DEAD, reason="caption_too_long")

    async def due(now_ms: int, **fields: Any) -> list[str]:  # noqa: ANN401
        return [post.id for post in await store.due_posts(OUTBOX, now_ms, **fields)]

    assert await due(1_999, limit=9) == []
    assert await due(2_000, limit=9) == [sooner.id]
    assert await due(3_000, limit=9) == [sooner.id, later.id]
    assert await due(3_000, limit=1) == [sooner.id]
    assert await due(3_000, limit=9, without_accounts=[ACCOUNT]) == []
    assert (await store.counts()).posts == {"planned": 2, "dead": 1}
    listed = await store.posts(limit=9, account=ACCOUNT)
    assert [post.id for post in listed] == [later.id, sooner.id, ended.id]
    assert await store.posts(limit=9, account="other") == ()


async def test_a_post_is_cancelled_until_it_may_be_out(store: Store) -> None:
    lease = await hold_outbox(store)
    post = await planned(store)
    assert await store.cancel_post(post.id, 3_000)
    assert not await store.cancel_post(post.id, 3_001)
    assert not await store.cancel_post("unheard of", 3_000)
    begin = PostStep(of=post, after=PostState.CREATING, begins=0, at_ms=3_100)
    assert await store.post_step(lease, begin) is PostStepResult.STALE
    assert (await read(store, post.id)).state is PostState.CANCELLED

    out = await published_as(store, lease, "m1")
    assert not await store.cancel_post(out.id, 9_000)


async def test_one_of_instagrams_posts_proves_one_of_ours(store: Store) -> None:
    lease = await hold_outbox(store)
    first = await published_as(store, lease, "m1")
    assert first.media_id == "m1"
    second = await planned(store)
    second = await step(store, lease, second, PostState.CREATING, begins=0)
    second = await step(store, lease, second, PostState.WAITING, made="c")
    second = await step(store, lease, second, PostState.READY)
    second = await step(store, lease, second, PostState.PUBLISHING)

    same = PostStep(of=second, after=PostState.PUBLISHED, media_id="m1", at_ms=6_000)
    assert await store.post_step(lease, same) is PostStepResult.MEDIA_TAKEN
    assert (await read(store, second.id)).state is PostState.PUBLISHING
    assert await store.claimed_media(ACCOUNT, ["m1", "m2"]) == {"m1"}
    assert await store.claimed_media("other", ["m1"]) == frozenset()
    assert await store.claimed_media(ACCOUNT, []) == frozenset()


async def test_what_counts_by_the_day_is_what_was_begun_and_what_may_be_out(store: Store) -> None:
    lease = await hold_outbox(store)
    await published_as(store, lease, "m1")
    lost = await planned(store)
    lost = await step(store, lease, lost, PostState.CREATING, begins=0, at_ms=6_000)
    lost = await step(store, lease, lost, PostState.PLANNED)
    refused = await planned(store)
    refused = await step(store, lease, refused, PostState.CREATING, begins=0, at_ms=6_500)
    refused = await step(store, lease, refused, PostState.WAITING, made="c")
    refused = await step(store, lease, refused, PostState.READY)
    refused = await step(store, lease, refused, PostState.PUBLISHING, at_ms=7_000)
    assert (await store.post_times(ACCOUNT, 0)).posts == (5_000, 7_000)
    assert await store.posts_since([ACCOUNT, "other"], 0) == {ACCOUNT: 2}
    assert await store.posts_since([ACCOUNT], 5_000) == {ACCOUNT: 1}
    assert await store.posts_since(["other"], 0) == {}
    await step(store, lease, refused, PostState.DEAD)

    assert await store.post_times(ACCOUNT, 0) == PostTimes((2_000, 6_000, 6_500), (5_000,))
    assert await store.post_times(ACCOUNT, 5_000) == PostTimes((6_000, 6_500), ())
    assert await store.post_times("other", 0) == PostTimes()
