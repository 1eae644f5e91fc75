"""Posts on their way: made ready, published when it is their time, and within the day's room."""

import asyncio
from itertools import pairwise

import pytest

from publishers.posts_rules import PostRules
from publishers.quota import Quota
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.outbox import limited
from tests.fakes.posting import PostPlace
from tests.fakes.publishing import PretendPublishing
from tests.unit.posts_worker_support import published_once
from vestlus.errors import OutcomeUnknown
from vestlus.instagram.port import CarouselContainer, PictureContainer, PublishingQuota
from vestlus.store.post_rows import PostKind
from vestlus.store.posts import PostState


def test_a_picture_is_made_ready_and_published() -> None:
    async def scenario() -> None:
        place = PostPlace()
        post = await place.publish(ai_generated=True)
        published_once(place, post)
        assert [op for op, _, _ in place.instagram.calls] == [
            "quota",
            "container",
            "status",
            "publish",
        ]
        (made,) = place.instagram.made.values()
        assert made.content == PictureContainer(
            url="https://media.example/p0.jpg",
            caption="Postitus x",
            alt="Pilt 0",
            ai_generated=True,
        )
        (row,) = post.containers
        assert (row.container, row.finished) == (made.id, True)
        assert place.instagram.grid[0].at_ms - post.planned_ms < 10_000

    run_virtual(scenario())


def test_a_carousels_pictures_come_first_one_by_one_and_in_order() -> None:
    async def scenario() -> None:
        place = PostPlace()
        post = await place.publish(pictures=3)
        published_once(place, post)
        contents = [made.content for made in place.instagram.made.values()]
        assert [getattr(one, "item", None) for one in contents] == [True, True, True, None]
        assert contents[-1] == CarouselContainer(("c0", "c1", "c2"), "Postitus x")
        assert [one.position for one in post.containers] == [1, 2, 3, 0]
        assert len(place.instagram.grid[0].pictures) == 3

    run_virtual(scenario())


def test_a_story_has_no_caption_and_the_banks_words_stand_in_for_missing_ones() -> None:
    async def scenario() -> None:
        place = PostPlace()
        post = await place.publish(kind=PostKind.STORY)
        assert post.state is PostState.PUBLISHED
        (made,) = place.instagram.made.values()
        assert isinstance(made.content, PictureContainer)
        assert (made.content.story, made.content.caption) == (True, "")

    run_virtual(scenario())


def test_a_post_waits_for_its_time() -> None:
    async def scenario() -> None:
        place = PostPlace()
        due_ms = virtual_ms() + 600_000
        await place.publish(planned_ms=due_ms, due_ms=due_ms)
        assert due_ms <= place.instagram.made["c0"].made_ms < due_ms + 5_000

    run_virtual(scenario())


def test_a_container_is_asked_for_once_a_minute_and_five_minutes_long() -> None:
    async def scenario(seconds: float) -> PostPlace:
        place = PostPlace(instagram=PretendPublishing(processing_seconds=seconds))
        await place.publish()
        return place

    place = run_virtual(scenario(100))
    asked = [at for op, _, at in place.instagram.calls if op == "status"]
    assert len(asked) == 3
    assert min(later - sooner for sooner, later in pairwise(asked)) > 55
    published_once(place, place.store.rows["x"])

    place = run_virtual(scenario(10_000), longest=200_000)
    post = place.store.rows["x"]
    assert (post.state, post.reason, place.instagram.grid) == (
        PostState.DEAD,
        "container_failed",
        [],
    )
    assert len(place.instagram.made) == PostRules().rounds


def test_the_days_quota_goes_to_the_earliest_planned() -> None:
    async def scenario() -> None:
        place = PostPlace(instagram=PretendPublishing(quota=PublishingQuota(0, 2)))
        now_ms = virtual_ms()
        for number in (3, 1, 2):
            place.store.plan(f"{number}", planned_ms=now_ms - 10_000 + number)
        async with place.serving():
            await asyncio.sleep(1_500)
        assert sorted(place.instagram.captions()) == ["Postitus 1", "Postitus 2"]
        waiting = place.store.rows["3"]
        assert (waiting.state, waiting.reason) == (PostState.READY, "publishing_limit")
        later = place.store.plan("4")
        async with place.serving():
            await asyncio.sleep(100)
        later = place.store.rows["4"]
        assert (later.state, later.containers) == (PostState.PLANNED, ())
        asked = [op for op, _, _ in place.instagram.calls].count("quota")
        assert asked < 10

    run_virtual(scenario())


def test_room_that_comes_later_goes_to_the_earliest_planned_whoever_was_looked_at_first() -> None:
    async def scenario() -> None:
        place = PostPlace(instagram=PretendPublishing(quota=PublishingQuota(5, 5)))
        begun_ms = virtual_ms()
        place.store.plan("later", planned_ms=begun_ms - 10_000)
        async with place.serving():
            await asyncio.sleep(100)
            # Only now is it planned, for an earlier time: as one that was made up for.
            place.store.plan("earlier", planned_ms=begun_ms - 20_000)
            await asyncio.sleep(200)
            assert {row.reason for row in place.store.rows.values()} == {"publishing_limit"}
            place.instagram.quota = PublishingQuota(5, 6)
            await asyncio.sleep(1_000)
        assert place.instagram.captions() == ["Postitus earlier"]

    run_virtual(scenario())


def test_containers_are_counted_by_the_day_also_those_that_nobody_knows_of() -> None:
    async def scenario() -> None:
        place = PostPlace(rules=SendingRules(limits=limited(Quota(3, 1_000.0))))
        place.instagram.refusals["container"] = [OutcomeUnknown("cut"), OutcomeUnknown("cut")]
        place.store.plan("x")
        place.store.plan("y", planned_ms=virtual_ms() + 1)
        async with place.serving():
            await place.ended()
        begun = sorted(one.begun_ms for row in place.store.rows.values() for one in row.containers)
        assert len(begun) == 4
        assert begun[3] - begun[0] >= 1_000_000

    run_virtual(scenario())


def test_a_carousel_begins_when_the_day_has_room_for_all_of_it() -> None:
    async def scenario() -> None:
        place = PostPlace(rules=SendingRules(limits=limited(Quota(4, 1_000.0))))
        place.store.plan("x")
        place.store.plan("y", pictures=3, planned_ms=virtual_ms() + 1)
        async with place.serving():
            await place.ended()
        first = place.store.rows["x"].containers[0].begun_ms
        assert place.store.rows["y"].containers[0].begun_ms - first >= 1_000_000

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pictures": 11}, "carousel_count"),
        ({"pictures": 2, "kind": PostKind.STORY}, "carousel_count"),
        ({"deadline_ms": 1}, "too_late"),
    ],
)
def test_what_cannot_be_published_is_not_begun(fields: dict[str, object], reason: str) -> None:
    async def scenario() -> None:
        place = PostPlace()
        post = await place.publish(**fields)
        assert (post.state, post.reason, place.instagram.calls) == (PostState.DEAD, reason, [])
        assert post.problem

    run_virtual(scenario())


def test_a_picture_that_left_the_bank_is_not_published() -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.pictures.withdrawn = {"p1"}
        post = await place.publish(pictures=2)
        assert (post.state, post.reason) == (PostState.DEAD, "picture_unavailable")
        assert not place.instagram.grid

    run_virtual(scenario())


def test_a_post_that_was_cancelled_goes_no_further() -> None:
    async def scenario() -> None:
        place = PostPlace(instagram=PretendPublishing(processing_seconds=30))
        place.store.plan("x")
        async with place.serving():
            while place.store.rows["x"].state is not PostState.WAITING:
                await asyncio.sleep(0.1)
            assert await place.store.cancel_post("x", virtual_ms())
            await asyncio.sleep(200)
        assert not place.instagram.grid

    run_virtual(scenario())
