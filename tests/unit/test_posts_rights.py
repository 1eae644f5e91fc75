"""Pictures whose rights end, and a yes that ends, while their post waits."""

from __future__ import annotations

import asyncio

import pytest

from publishers.posts_rules import PostRules
from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.messaging import Fault
from tests.fakes.posting import PostPlace
from tests.fakes.store_ledger import MemoryLedger
from vestlus.errors import NotSent, OutcomeUnknown, Refused, TokenRejected
from vestlus.planning.settling import handed
from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow, Trigger
from vestlus.store.post_rows import PostKind, PostPicture, PostRow, PostStep, PostStepResult
from vestlus.store.posts import PostState
from vestlus.store.rows import Lease

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


def approved(place: PostPlace, decided_ms: int) -> None:
    """Hand over a draft that is due now, to which somebody said yes for an hour."""
    recipe = Recipe(account="a1", approve=True, approval_hours=1, within_hours=24)
    draft = OccurrenceRow(
        id="x",
        key="schedule:s:2026-05-28T09:00",
        trigger=Trigger.SCHEDULE,
        name="s",
        account="a1",
        recipe=recipe,
        payload="",
        state=OccurrenceState.READY,
        version=3,
        due_ms=virtual_ms(),
        wake_ms=virtual_ms(),
        caption="Täna on maja lahti",
        pictures=(PostPicture("p0"),),
        decided_by="Mari",
        decided_ms=decided_ms,
    )
    post = handed(draft, virtual_ms()).post
    assert post is not None
    place.store.plan("x", caption=post.caption, deadline_ms=post.deadline_ms)


@pytest.mark.parametrize("op", ["container", "publish"])
@pytest.mark.parametrize("minutes", [20, 300])
def test_a_post_that_waited_for_a_token_does_not_go_out_on_an_old_yes(
    op: str, minutes: int
) -> None:
    async def scenario() -> None:
        place = PostPlace()
        decided_ms = virtual_ms() - HOUR * 500
        approved(place, decided_ms)
        place.instagram.refusals[op] = [TokenRejected("token_expired", 190, 463)] * 1000
        async with place.serving():
            await asyncio.sleep(minutes * 60)
            place.instagram.refusals.clear()
            await place.ended()
        post = place.store.rows["x"]
        if minutes == 20:
            (out,) = place.instagram.grid
            assert out.at_ms - decided_ms <= HOUR * 1000
        else:
            assert (post.state, post.reason) == (PostState.DEAD, "too_late")
            assert "while the yes to it was good" in post.problem
            assert place.instagram.grid == []

    run_virtual(scenario(), longest=30 * HOUR)


def test_a_deadline_that_passes_while_it_waits_for_its_turn_ends_the_post() -> None:
    async def scenario() -> None:
        place = PostPlace(posts=PostRules(patience_looks=1, patience_look_seconds=30.0))
        place.store.plan("x", deadline_ms=virtual_ms() + 20_000)
        lanes = place.lanes()
        task = place.start(lanes=lanes)
        while requests(place, "status") < 1:
            await asyncio.sleep(0.01)
        # A message of the account's, for which the post waits longer than it may.
        lanes["a1"].add(MemoryLedger().add("r"), virtual_ms())
        await place.ended()
        task.cancel()
        await asyncio.wait({task})
        assert place.store.rows["x"].reason == "too_late"
        assert requests(place, "publish") == 0

    run_virtual(scenario())


def test_a_deadline_that_passes_on_the_way_to_the_request_keeps_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        place = PostPlace()
        place.store.plan("x", deadline_ms=virtual_ms() + 20_000)
        post_step = place.store.post_step

        async def slow(lease: Lease, step: PostStep) -> PostStepResult:
            if step.after is PostState.PUBLISHING:
                await asyncio.sleep(30)
            return await post_step(lease, step)

        monkeypatch.setattr(place.store, "post_step", slow)
        async with place.serving():
            await place.ended()
        post = place.store.rows["x"]
        assert (post.state, post.reason) == (PostState.DEAD, "too_late")
        # Nothing was written, so that nothing is in doubt.
        assert requests(place, "publish") == 0
        assert not any(step.endswith("/looking") for step in place.tally.posts)

    run_virtual(scenario())
