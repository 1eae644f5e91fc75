"""Errors on a post's way: tried again, told with what to mend, and never a loop."""

import asyncio

import pytest

from publishers.posts_rules import PostRules
from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.messaging import Fault
from tests.fakes.posting import PostPlace
from tests.unit.posts_worker_support import published_once, virtually
from vestlus.errors import GraphError, NotSent, OutcomeUnknown, Refused
from vestlus.instagram.port import Container, ContainerStatus
from vestlus.store.post_rows import PostRow
from vestlus.store.posts import PostState

HOUR_MS = 3_600_000
RATIO = Refused("image_ratio", 36003, 2207009)


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
