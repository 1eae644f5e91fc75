"""What people who look after posts, pictures and events read and change, on both stores."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.plan_support import DRAFT, claimed, hold_scheduler, read, step
from tests.contract.store_support import hold_outbox, path, promise, send, store, walk
from tests.contract.test_store_posts import new_post, planned
from vestlus.store.content_rows import PictureUse
from vestlus.store.ledger import SendState
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Decision, NewTrigger
from vestlus.store.port import Store
from vestlus.store.post_rows import PostPicture, PostStep
from vestlus.store.posts import PostState

__all__ = ["store"]


async def test_posts_and_occurrences_are_listed_by_their_time(store: Store) -> None:
    posts = [await planned(store, planned_ms=at_ms) for at_ms in (100, 200, 300)]
    lease = await hold_scheduler(store)
    times = [await claimed(store, lease, wall=f"{at}", due_ms=at) for at in (100, 200, 300)]
    assert await store.posts_between(100, 300, limit=9) == (posts[1], posts[0])
    assert await store.posts_between(100, 301, limit=1) == (posts[2],)
    assert await store.posts_between(0, 999, limit=9, account="another") == ()
    assert await store.occurrences_between(100, 300, limit=9) == (times[1], times[0])
    assert await store.occurrences_between(0, 999, limit=9, account="another") == ()


async def test_rows_are_found_by_their_ids_and_others_are_left_out(store: Store) -> None:
    post = await planned(store)
    lease = await hold_scheduler(store)
    one = await claimed(store, lease)
    assert await store.posts_of([post.id, "unheard"]) == {post.id: post}
    assert await store.occurrences_of([one.id, "unheard"]) == {one.id: one}
    assert await store.posts_of([]) == {}
    assert await store.occurrences_of([]) == {}


async def test_a_post_that_waits_for_its_time_goes_out_now_once(store: Store) -> None:
    post = await planned(store, planned_ms=5_000, deadline_ms=9_000)
    assert await store.hasten_post(post.id, 600)
    hastened = await store.post(post.id)
    assert hastened == replace(
        post, planned_ms=600, due_ms=600, deadline_ms=4_600, version=1, changed_ms=600
    )
    assert not await store.hasten_post(post.id, 700)
    assert not await store.hasten_post("unheard", 700)


async def test_a_post_that_a_publisher_works_at_is_not_hastened(store: Store) -> None:
    lease = await hold_outbox(store)
    post = await planned(store, planned_ms=5_000)
    begun = PostStep(of=post, after=PostState.CREATING, at_ms=600, due_ms=600, begins=0)
    await store.post_step(lease, begun)
    assert not await store.hasten_post(post.id, 700)


async def test_a_draft_is_approved_for_now_or_a_ready_one_is_hastened(store: Store) -> None:
    lease = await hold_scheduler(store)
    first, second = [
        await step(
            store,
            lease,
            await claimed(store, lease, wall=wall, due_ms=5_000),
            OccurrenceState.WAITING,
            draft=DRAFT,
            wake_ms=5_000,
        )
        for wall in ("08:00", "09:00")
    ]
    yes = Decision(after=OccurrenceState.READY, by="Mari", at_ms=700)
    assert not await store.hasten_occurrence(first.id, 700)
    assert await store.decide(first.id, replace(yes, due_ms=700))
    assert await store.decide(second.id, yes)
    assert (await read(store, second.id)).due_ms == second.due_ms
    assert await store.hasten_occurrence(second.id, 700)
    assert not await store.hasten_occurrence(second.id, 701)
    for one in (first, second):
        now = await read(store, one.id)
        assert (now.state, now.due_ms, now.wake_ms) == (OccurrenceState.READY, 700, 700)


async def test_events_are_read_page_by_page(store: Store) -> None:
    events = [
        NewTrigger(
            id=f"event-{number}",
            source="shop",
            name="new-book" if number else "closed",
            key=f"key-{number}",
            digest="d",
            payload="{}",
            # Two at one moment are told apart by their ids. Times need 64 bits.
            received_ms=1_700_000_000_000 + number // 2,
        )
        for number in range(5)
    ]
    for one in events:
        await store.take_event(one, (), ())
    seen: list[str] = []
    before = None
    while page := await store.events_before(limit=2, before=before):
        seen += [row.id for row in page]
        before = (page[-1].received_ms, page[-1].id)
    assert seen == [f"event-{number}" for number in (4, 3, 2, 1, 0)]
    named = await store.events_before(limit=9, name="closed")
    assert [row.id for row in named] == ["event-0"]


async def test_uses_of_pictures_are_counted_among_the_newest_answers(store: Store) -> None:
    given_up = send("b", pictures=("aed",))
    await promise(
        store,
        send("a", text="no picture"),
        send("a", pictures=("saal", "aed")),
        given_up,
        send("c", pictures=("saal",)),
    )
    lease = await hold_outbox(store)
    await walk(store, lease, path(given_up, SendState.CANCELLED))
    found = await store.picture_uses(limit=100)
    assert found.uses == {"saal": PictureUse(2, 20), "aed": PictureUse(1, 20)}
    assert (found.looked, found.since_ms) == (3, 20)
    assert (await store.picture_uses(limit=1)).looked == 1


async def test_posts_that_show_a_picture_are_found_among_the_latest(store: Store) -> None:
    pair = (PostPicture("aed", 'is not ["saal", "x"]'), PostPicture("saal-2"))
    older = await planned(store, planned_ms=1)
    await planned(store, planned_ms=2, pictures=pair)
    newer = await planned(store, planned_ms=3, pictures=(*pair, PostPicture("saal")))
    assert await store.posts_showing("saal", limit=9, among=9) == (newer, older)
    assert await store.posts_showing("saal", limit=1, among=9) == (newer,)
    assert await store.posts_showing("saal", limit=9, among=2) == (newer,)
    assert await store.posts_showing("%", limit=9, among=9) == ()
    assert new_post().pictures[0].id == "saal"
