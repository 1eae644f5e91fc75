"""Pictures whose rights end while their post waits with containers that could be used."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.messaging import Fault
from tests.fakes.posting import PostPlace
from vestlus.errors import NotSent, OutcomeUnknown, Refused
from vestlus.store.post_rows import PostKind, PostRow
from vestlus.store.posts import PostState

HOUR = 3600

#: What keeps a post that is ready from going out, for a while.
WAITS = [
    NotSent("publishing_limit", 9, 2207042),
    Refused("publishing_restricted", 4, 2207051),
    NotSent("no_connection"),
]


async def reached(place: PostPlace, state: PostState) -> PostRow:
    while (row := place.store.rows["x"]).state is not state:
        await asyncio.sleep(0.05)
    return row


def requests(place: PostPlace, op: str) -> int:
    return [asked for asked, _, _ in place.instagram.calls].count(op)


@pytest.mark.parametrize("error", WAITS, ids=lambda one: one.reason)
@pytest.mark.parametrize(
    ("kind", "pictures"),
    [(PostKind.PICTURE, 1), (PostKind.STORY, 1), (PostKind.CAROUSEL, 3)],
)
def test_a_picture_whose_rights_end_while_its_post_waits_is_not_published(
    error: NotSent | Refused, kind: PostKind, pictures: int
) -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.instagram.refusals["publish"] = [error] * 3
        place.store.plan("x", kind=kind, pictures=pictures, deadline_ms=virtual_ms() + 86_400_000)
        async with place.serving():
            while requests(place, "publish") < 2:
                await asyncio.sleep(1)
            assert (await reached(place, PostState.READY)).reason == error.reason
            place.pictures.withdrawn.add(f"p{pictures - 1}")
            await place.ended()
        post = place.store.rows["x"]
        assert (post.state, post.reason) == (PostState.DEAD, "picture_unavailable")
        assert "vestlus images show" in post.problem
        assert requests(place, "publish") == 2
        assert place.instagram.grid == []

    run_virtual(scenario(), longest=30 * HOUR)


@pytest.mark.parametrize("gone", ["p0", "p1", "p2"])
@pytest.mark.parametrize("made", [1, 3])
def test_a_picture_whose_rights_end_after_its_own_container_ends_the_carousel(
    gone: str, made: int
) -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.store.plan("x", pictures=3)
        async with place.serving():
            while len(place.instagram.made) < made:
                await asyncio.sleep(0.05)
            place.pictures.withdrawn.add(gone)
            await place.ended()
        post = place.store.rows["x"]
        assert (post.state, post.reason) == (PostState.DEAD, "picture_unavailable")
        # No container was made in vain, and none of the whole.
        assert len(place.instagram.made) == made
        assert place.instagram.grid == []

    run_virtual(scenario())


def test_a_picture_whose_rights_end_between_the_turn_and_the_request_is_not_published() -> None:
    async def scenario() -> None:
        place = PostPlace()
        lanes = place.lanes()
        place.store.plan("x")
        task = place.start(lanes=lanes)
        await reached(place, PostState.WAITING)
        while requests(place, "status") < 1:
            await asyncio.sleep(0.05)
        # It waits for its turn beside messages; that is when the picture is taken away.
        lanes["a1"].stop(60.0)
        await asyncio.sleep(30)
        assert place.store.rows["x"].state is PostState.READY
        place.pictures.withdrawn.add("p0")
        await place.ended()
        task.cancel()
        await asyncio.wait({task})
        assert place.store.rows["x"].reason == "picture_unavailable"
        assert place.instagram.grid == []

    run_virtual(scenario())


def test_what_is_published_again_after_a_doubt_needs_its_rights_again() -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.instagram.refusals["publish"] = [OutcomeUnknown("cut")]
        place.store.plan("x")
        async with place.serving():
            await reached(place, PostState.LOOKING)
            place.pictures.withdrawn.add("p0")
            await place.ended()
        post = place.store.rows["x"]
        assert (post.state, post.reason) == (PostState.DEAD, "picture_unavailable")
        assert requests(place, "publish") == 1
        assert place.instagram.grid == []

    run_virtual(scenario())


def test_a_post_that_is_out_already_is_told_as_published_though_its_picture_is_gone() -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.store.plan("x")

        def done_and_not_answered(op: str, _account: str) -> Fault:
            if op != "publish":
                return Fault.NONE
            place.pictures.withdrawn.add("p0")
            return Fault.APPLY

        place.instagram.fault = done_and_not_answered
        async with place.serving():
            await place.ended()
        post = place.store.rows["x"]
        assert post.state is PostState.PUBLISHED
        assert place.instagram.captions() == ["Postitus x"]

    run_virtual(scenario())
