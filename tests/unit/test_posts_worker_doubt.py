"""Posts of which it is not known whether they are out: found, made again, or left alone."""

import asyncio

import pytest

from publishers.posts_rules import PostRules
from tests.fakes.clock import run_virtual
from tests.fakes.messaging import Fault
from tests.fakes.posting import PostPlace
from tests.unit.posts_worker_support import published_once, virtually
from vestlus.errors import GraphError, NotSent, OutcomeUnknown, Refused
from vestlus.instagram.port import Container, ContainerStatus, PictureContainer
from vestlus.store.post_rows import PostKind, PostRow
from vestlus.store.posts import PostState


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


def test_a_publish_that_never_had_a_connection_is_not_in_doubt() -> None:
    async def scenario() -> None:
        place = PostPlace()
        left = [1000.0] * 3
        place.instagram.connecting = lambda: left.pop() if left else 0.0
        post = await place.publish()
        published_once(place, post)
        assert post.resends == 0
        assert [op for op, _, _ in place.instagram.calls].count("publish") == 1

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
