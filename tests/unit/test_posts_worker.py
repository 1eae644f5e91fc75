"""Posts on their way: containers, status, publishing, and everything that can go wrong there."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from publishers.posts_rules import PostRules
from publishers.quota import Quota
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault
from tests.fakes.outbox import limited
from tests.fakes.posting import PostPlace
from tests.fakes.publishing import PretendPublishing
from tests.fakes.store_ledger import MemoryLedger
from vestlus.errors import GraphError, LeaseLost, NotSent, OutcomeUnknown, Refused
from vestlus.instagram.port import (
    CarouselContainer,
    Container,
    ContainerStatus,
    PictureContainer,
    PublishingQuota,
)
from vestlus.store.post_rows import PostKind, PostPicture, PostRow, PostStep, PostStepResult
from vestlus.store.posts import PostState
from vestlus.store.rows import Lease

HOUR_MS = 3_600_000
RATIO = Refused("image_ratio", 36003, 2207009)


def virtually(main: Coroutine[Any, Any, PostRow]) -> PostRow:
    return run_virtual(main, longest=200_000)


def published_once(place: PostPlace, post: PostRow) -> None:
    assert post.state is PostState.PUBLISHED
    assert place.instagram.captions() == [post.caption]
    assert post.media_id == place.instagram.grid[0].id


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


@pytest.mark.parametrize("fault", [Fault.APPLY, Fault.HANG_DONE, Fault.CUT, Fault.HANG, Fault.BUG])
@pytest.mark.parametrize("pictures", [1, 3])
def test_an_ambiguous_creation_is_made_anew_and_counted(fault: Fault, pictures: int) -> None:
    async def scenario() -> None:
        place = PostPlace()
        left = [fault]
        place.instagram.fault = lambda op, _: (
            left.pop() if op == "container" and left else Fault.NONE
        )
        post = await place.publish(pictures=pictures)
        published_once(place, post)
        expected = 2 if pictures == 1 else 5
        assert len(post.containers) == expected
        assert sum(not one.container for one in post.containers) == 1
        assert (await place.store.post_times("a1", 0)).containers == tuple(
            one.begun_ms for one in post.containers
        )

    run_virtual(scenario())


@pytest.mark.parametrize("fault", [Fault.APPLY, Fault.HANG_DONE])
def test_a_publish_that_was_done_and_not_answered_is_found_by_its_container(fault: Fault) -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.instagram.fault = lambda op, _: fault if op == "publish" else Fault.NONE
        post = await place.publish()
        published_once(place, post)
        assert [op for op, _, _ in place.instagram.calls].count("publish") == 1

    run_virtual(scenario())


def test_of_a_post_that_is_out_the_id_may_stay_unknown() -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.instagram.listed = False
        place.instagram.fault = lambda op, _: Fault.APPLY if op == "publish" else Fault.NONE
        post = await place.publish()
        assert (post.state, post.media_id) == (PostState.PUBLISHED, None)
        assert len(place.instagram.grid) == 1

    run_virtual(scenario())


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.HANG, Fault.BUG])
def test_a_publish_that_was_not_done_is_made_again_once_after_the_settling_time(
    fault: Fault,
) -> None:
    async def scenario() -> None:
        place = PostPlace()
        left = [fault]
        place.instagram.fault = lambda op, _: left.pop() if op == "publish" and left else Fault.NONE
        post = await place.publish()
        published_once(place, post)
        first, second = (at for op, _, at in place.instagram.calls if op == "publish")
        assert second - first >= place.posts.settling_seconds
        assert post.resends == 1

    run_virtual(scenario())


def test_what_is_in_doubt_twice_is_unknown_and_never_published_again() -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.instagram.fault = lambda op, _: Fault.CUT if op == "publish" else Fault.NONE
        post = await place.publish()
        assert (post.state, post.reason) == (PostState.UNKNOWN, "ambiguous_twice")
        assert "look at the account" in post.problem
        assert [op for op, _, _ in place.instagram.calls].count("publish") == 2
        assert not place.instagram.grid

    run_virtual(scenario())


def test_a_refusal_after_a_doubt_proves_nothing() -> None:
    async def scenario() -> None:
        place = PostPlace()
        gone = Refused("container_not_found", 24, 2207006)
        place.instagram.refusals["publish"] = [OutcomeUnknown("cut"), gone]
        post = await place.publish()
        assert (post.state, post.reason) == (PostState.UNKNOWN, "ambiguous_twice")
        assert len(place.instagram.made) == 1

    run_virtual(scenario())


def test_looks_that_tell_nothing_end_as_unknown() -> None:
    async def scenario() -> None:
        place = PostPlace(posts=PostRules(look_give_up_seconds=7_200, poll_seconds=30))
        faults = {"publish": Fault.APPLY, "status": Fault.NONE}
        place.instagram.fault = lambda op, _: faults.get(op, Fault.NONE)
        place.store.plan("x")
        async with place.serving():
            while place.store.rows["x"].state is not PostState.LOOKING:
                await asyncio.sleep(0.1)
            faults["status"] = Fault.CUT
            await place.ended()
        post = place.store.rows["x"]
        assert (post.state, post.reason) == (PostState.UNKNOWN, "not_readable")
        looks = [op for op, _, _ in place.instagram.calls].count("status")
        assert looks < 1.1 * place.posts.look_give_up_seconds / place.posts.look_seconds

    run_virtual(scenario(), longest=200_000)


def doubtful(place: PostPlace, container: Container, **fields: object) -> PostRow:
    """Publish into doubt, undone; afterwards the container says this."""

    async def scenario() -> PostRow:
        place.store.plan("x", **fields)  # type: ignore[arg-type]
        place.instagram.refusals["publish"] = [OutcomeUnknown("cut")]
        async with place.serving():
            while place.store.rows["x"].state is not PostState.LOOKING:
                await asyncio.sleep(0.1)
            place.instagram.made["c0"].ends = container
            await place.ended()
        return place.store.rows["x"]

    return virtually(scenario())


def test_an_expired_container_is_made_anew_when_the_list_confirms_that_it_is_not_out() -> None:
    place = PostPlace()
    post = doubtful(place, Container(ContainerStatus.EXPIRED))
    published_once(place, post)
    assert (post.round, post.resends) == (2, 1)


@pytest.mark.parametrize("status", [ContainerStatus.EXPIRED, ContainerStatus.ERROR])
@pytest.mark.parametrize("fields", [{"kind": PostKind.STORY}, {"caption": ""}])
def test_what_no_list_can_confirm_is_not_made_anew(
    status: ContainerStatus, fields: dict[str, object]
) -> None:
    place = PostPlace()
    post = doubtful(place, Container(status), **fields)
    assert (post.state, post.reason) == (PostState.UNKNOWN, "cannot_be_known")
    assert len(place.instagram.made) == 1


def test_where_the_list_may_not_be_read_the_container_decides_alone() -> None:
    place = PostPlace()
    place.instagram.refusals["posts"] = [Refused("graph_10", 10)] * 100
    published_once(place, doubtful(place, Container(ContainerStatus.FINISHED)))
    place = PostPlace()
    place.instagram.refusals["posts"] = [Refused("graph_10", 10)] * 100
    post = doubtful(place, Container(ContainerStatus.EXPIRED))
    assert (post.state, post.reason) == (PostState.UNKNOWN, "cannot_be_known")


def test_a_list_that_cannot_be_read_for_a_moment_is_waited_for() -> None:
    place = PostPlace()
    place.instagram.refusals["posts"] = [NotSent("no_connection")] * 3
    post = doubtful(place, Container(ContainerStatus.FINISHED))
    published_once(place, post)
    asked = [at for op, _, at in place.instagram.calls if op == "posts"]
    again = [at for op, _, at in place.instagram.calls if op == "publish"][-1]
    assert len(asked) == 4
    assert again > asked[-1]


def test_a_list_that_does_not_agree_with_the_container_stops_everything() -> None:
    async def scenario() -> PostRow:
        place = PostPlace()
        place.instagram.refusals["publish"] = [OutcomeUnknown("cut")]
        place.store.plan("x")
        async with place.serving():
            while place.store.rows["x"].state is not PostState.LOOKING:
                await asyncio.sleep(0.1)
            # Somebody publishes the very same words by hand.
            other = await place.instagram.create_container(
                "a1", PictureContainer(url="u", caption="Postitus  x")
            )
            await place.instagram.publish("a1", other)
            await place.ended()
        return place.store.rows["x"]

    post = virtually(scenario())
    assert (post.state, post.reason) == (PostState.UNKNOWN, "cannot_be_known")


def test_two_posts_of_the_same_words_in_doubt_are_told_apart_by_their_containers() -> None:
    async def scenario() -> None:
        place = PostPlace()
        results: list[GraphError | None] = [None, OutcomeUnknown("cut")]
        place.instagram.refusals["publish"] = results
        place.instagram.fault = lambda op, _: (
            Fault.APPLY if op == "publish" and len(results) == 1 else Fault.NONE
        )
        place.store.plan("x", caption="Sama")
        place.store.plan("y", caption="Sama")
        async with place.serving():
            await place.ended()
        rows = place.store.rows
        assert {row.state for row in rows.values()} == {PostState.PUBLISHED}
        assert {row.media_id for row in rows.values()} == {"m0", "m1"}
        assert place.instagram.captions() == ["Sama", "Sama"]

    run_virtual(scenario())


@pytest.mark.parametrize("op", ["container", "publish"])
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.UNREACHABLE, Fault.THROTTLE, Fault.TOKEN])
def test_what_was_certainly_not_done_is_tried_again(op: str, fault: Fault) -> None:
    async def scenario() -> None:
        place = PostPlace()
        left = [fault] * 1
        place.instagram.fault = lambda asked, _: left.pop() if asked == op and left else Fault.NONE
        post = await place.publish()
        published_once(place, post)
        assert post.resends == 0
        assert (post.problem, post.reason) == ("", "")

    run_virtual(scenario())


def test_a_permanent_error_says_what_to_mend_and_is_not_repeated() -> None:
    async def scenario() -> PostPlace:
        place = PostPlace()
        place.instagram.refusals["container"] = [RATIO]
        await place.publish()
        return place

    place = run_virtual(scenario())
    post = place.store.rows["x"]
    assert (post.state, post.reason) == (PostState.DEAD, "image_ratio")
    assert post.problem.startswith("36003: the picture's ratio is 2.1 (2100 x 1000), Instagram")
    assert len(post.containers) == 1


def test_what_a_containers_status_finds_wrong_is_said_too() -> None:
    async def scenario() -> PostRow:
        place = PostPlace()
        place.instagram.endings = [Container(ContainerStatus.ERROR, 2207009)]
        return await place.publish()

    post = virtually(scenario())
    assert (post.state, post.reason) == (PostState.DEAD, "image_ratio")
    assert "ratio is 2.1" in post.problem


@pytest.mark.parametrize(
    "ending", [Container(ContainerStatus.EXPIRED), Container(ContainerStatus.ERROR, 2207053)]
)
@pytest.mark.parametrize("pictures", [1, 2])
def test_a_container_that_came_to_nothing_is_made_anew(ending: Container, pictures: int) -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.instagram.endings = [ending]
        post = await place.publish(pictures=pictures)
        published_once(place, post)
        assert post.round == 2

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("error", "reason", "most"),
    [
        (Refused("media_unreachable", 9004, 2207052), "media_unreachable", 3),
        (NotSent("download_timeout", -2, 2207003), "download_timeout", 3),
        (OutcomeUnknown("timeout"), "container_not_made", 8),
        (NotSent("graph_99", 99), "container_not_made", 8),
        (Refused("graph_98", 98, 5), "graph_98", 1),
    ],
)
def test_no_error_is_a_loop(error: GraphError, reason: str, most: int) -> None:
    async def scenario() -> PostRow:
        place = PostPlace()
        place.instagram.refusals["container"] = [error] * 100
        return await place.publish()

    post = virtually(scenario())
    assert (post.state, post.reason) == (PostState.DEAD, reason)
    assert len(post.containers) == most
    assert post.problem


def test_a_rejected_token_is_tried_once_a_minute_until_it_is_too_late_and_says_what_to_do() -> None:
    async def scenario() -> PostPlace:
        place = PostPlace(posts=PostRules(poll_seconds=30))
        place.instagram.fault = lambda *_: Fault.TOKEN
        place.store.plan("x", deadline_ms=virtual_ms() + HOUR_MS)
        async with place.serving():
            await asyncio.sleep(HOUR_MS / 2000)
            waiting = place.store.rows["x"]
            assert waiting.state is PostState.PLANNED
            assert waiting.problem.endswith("connect the account anew")
            await place.ended()
        return place

    place = run_virtual(scenario(), longest=10_000)
    post = place.store.rows["x"]
    assert (post.state, post.reason) == (PostState.DEAD, "too_late")
    assert "connect the account anew" in post.problem
    assert len([1 for op, _, _ in place.instagram.calls if op == "container"]) <= 61
    assert place.instagram.grid == []


def test_a_stopped_account_is_tried_once_an_hour_until_it_is_too_late() -> None:
    async def scenario() -> PostPlace:
        place = PostPlace(posts=PostRules(poll_seconds=30))
        place.instagram.fault = lambda op, _: Fault.STOP if op == "container" else Fault.NONE
        place.store.plan("x", deadline_ms=virtual_ms() + 3 * HOUR_MS)
        place.store.plan("y", deadline_ms=virtual_ms() + 3 * HOUR_MS)
        place.store.plan("z", account="a2")
        async with place.serving():
            await place.ended()
        return place

    place = run_virtual(scenario(), longest=100_000)
    post = place.store.rows["x"]
    assert (post.state, post.reason) == (PostState.DEAD, "too_late")
    assert "suspected spam" in post.problem
    tried = [account for op, account, _ in place.instagram.calls if op == "container"]
    assert tried.count("a1") <= 4
    assert place.tally.events["account_stopped"] >= 3


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


def test_nothing_begins_that_the_lease_would_not_outlast() -> None:
    async def scenario() -> None:
        place = PostPlace(until=lambda: virtual_monotonic() + 11.0)
        place.store.plan("x")
        async with place.serving():
            await asyncio.sleep(30)
            assert not place.instagram.calls
            place.until = lambda: virtual_monotonic() + 60.0
            await place.ended()
        published_once(place, place.store.rows["x"])

    run_virtual(scenario())


def test_a_lease_that_runs_low_before_the_first_byte_keeps_the_request_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.store.plan("x")
        recorded, post_step = asyncio.Event(), place.store.post_step

        async def slow(lease: Lease, step: PostStep) -> PostStepResult:
            if step.after is PostState.PUBLISHING and not recorded.is_set():
                place.until = lambda: virtual_monotonic() + 5.0
                recorded.set()
            return await post_step(lease, step)

        monkeypatch.setattr(place.store, "post_step", slow)
        async with place.serving():
            await recorded.wait()
            await asyncio.sleep(30)
            assert not place.instagram.grid
            assert place.store.rows["x"].state is PostState.READY
            place.until = lambda: virtual_monotonic() + 60.0
            await place.ended()
        published_once(place, place.store.rows["x"])
        # Nothing was in doubt: nobody had to look.
        assert place.tally.posts["publishing/ready"] == 1
        assert not any(step.endswith("/looking") for step in place.tally.posts)

    run_virtual(scenario())


def test_who_was_overtaken_ends_and_changes_nothing() -> None:
    async def scenario() -> None:
        place = PostPlace()
        task = place.start()
        await asyncio.sleep(1)
        place.next_lease()
        place.store.plan("x")
        with pytest.raises(BaseExceptionGroup) as caught:
            await task
        assert caught.group_contains(LeaseLost)
        assert place.store.rows["x"].version == 0
        assert [op for op, _, _ in place.instagram.calls] in ([], ["quota"])

    run_virtual(scenario())


def test_a_drain_lets_the_request_under_way_end_and_begins_no_more() -> None:
    async def scenario() -> None:
        place = PostPlace(instagram=PretendPublishing(latency=2.0))
        place.store.plan("x")
        place.store.plan("y")
        worker = place.worker()
        task = place.start(worker)
        while not place.instagram.calls or place.instagram.calls[-1][0] != "container":
            await asyncio.sleep(0.05)
        worker.draining = True
        await worker.drained()
        task.cancel()
        await asyncio.wait({task})
        states = sorted(row.state for row in place.store.rows.values())
        assert states == [PostState.PLANNED, PostState.WAITING]
        assert len(place.instagram.made) == 1

    run_virtual(scenario())


def test_messages_that_wait_go_first_and_a_post_does_not_wait_for_ever() -> None:
    async def scenario(waiting: int) -> float:
        place = PostPlace()
        lanes = place.lanes()
        ledger = MemoryLedger()
        for number in range(waiting):
            lane = lanes.get("a1") or lanes.new("a1")
            lane.add(ledger.add(f"r{number}"), virtual_ms())
        place.store.plan("x")
        task = place.start(lanes=lanes)
        while not place.instagram.calls:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        assert lanes["a1"].budget.take_spare(), "a post took a right to a message"
        return place.instagram.calls[0][2]

    rules = PostRules()
    assert run_virtual(scenario(0)) < 2
    patience = rules.patience_looks * rules.patience_look_seconds
    assert patience <= run_virtual(scenario(5)) < patience + 2


def test_a_defect_in_one_accounts_posts_stops_nothing_else() -> None:
    async def scenario() -> None:
        place = PostPlace()
        broken = place.store.plan("x", pictures=1)
        place.store.plan("y", account="a2")
        place.pictures.defects = {"p0": 1}
        place.store.rows["y"] = replace(
            place.store.rows["y"], pictures=(PostPicture("other", "Pilt"),)
        )
        async with place.serving() as task:
            while place.store.rows["y"].state is not PostState.PUBLISHED:
                await asyncio.sleep(0.1)
            assert not task.done()
            assert place.store.rows["x"] == broken
            await place.ended()
        assert place.store.rows["x"].state is PostState.PUBLISHED

    run_virtual(scenario())


def test_posts_of_a_paused_account_wait_and_hold_up_no_drain() -> None:
    async def scenario() -> None:
        place = PostPlace()
        lanes = place.lanes()
        lanes.new("a1").stop(100.0)
        place.store.plan("x")
        worker = place.worker()
        task = place.start(worker, lanes)
        await asyncio.sleep(20)
        assert not place.instagram.calls
        worker.draining = True
        async with asyncio.timeout(1):
            await worker.drained()
        worker.draining = False
        await place.ended()
        task.cancel()
        await asyncio.wait({task})
        assert place.instagram.calls[0][2] >= 100

    run_virtual(scenario())
