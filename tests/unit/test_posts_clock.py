"""A publisher's clock that jumps ahead publishes nothing before its time, and gives nothing up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.posting import PostPlace
from tests.fakes.publishing import PretendPublishing
from vestlus.errors import NotSent
from vestlus.steady_clock import SETTLED_SECONDS
from vestlus.store.post_rows import PostStep, PostStepResult
from vestlus.store.posts import PostState
from vestlus.store.rows import Lease

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass
class PutPlace(PostPlace):
    """A place whose wall clock is put by so many milliseconds."""

    by_ms: int = 0

    def __post_init__(self) -> None:
        self.clock = lambda: virtual_ms() + self.by_ms

    async def put_for(self, seconds: float, by_ms: int) -> None:
        """Put the clock, and put it right so many seconds later."""
        self.by_ms = by_ms
        await asyncio.sleep(seconds)
        self.by_ms = 0

    def requests(self, op: str) -> int:
        """Return how often that was asked of Instagram."""
        return [asked for asked, _, _ in self.instagram.calls].count(op)


@pytest.mark.parametrize("seconds", [0.5, 10, 110])
def test_tomorrows_posts_are_not_published_and_todays_not_given_up(seconds: float) -> None:
    async def scenario() -> None:
        place = PutPlace()
        tomorrow_ms = virtual_ms() + 20 * HOUR_MS
        place.store.plan("tomorrow", planned_ms=tomorrow_ms, due_ms=tomorrow_ms)
        place.store.plan("today", deadline_ms=virtual_ms() + 10 * HOUR_MS)
        place.instagram.refusals["publish"] = [NotSent("publishing_limit", 9, 2207042)]
        async with place.serving():
            await asyncio.sleep(60)
            assert place.store.rows["today"].state is PostState.READY
            await place.put_for(seconds, DAY_MS)
            await place.ended()
        assert place.instagram.captions() == ["Postitus today", "Postitus tomorrow"]
        assert 0 <= place.instagram.grid[1].at_ms - tomorrow_ms < 10_000

    run_virtual(scenario(), longest=100_000)


@pytest.mark.parametrize("op", ["container", "status", "publish"])
def test_what_is_answered_while_the_clock_is_ahead_is_not_put_off_by_as_much(op: str) -> None:
    async def scenario() -> None:
        place = PutPlace(instagram=PretendPublishing(latency=5.0))
        place.instagram.refusals["status"] = [NotSent("no_connection")]
        begun_ms = virtual_ms()
        place.store.plan("x")
        async with place.serving():
            while not place.requests(op):
                await asyncio.sleep(0.1)
            await place.put_for(20, DAY_MS)
            await place.ended()
        assert place.store.rows["x"].state is PostState.PUBLISHED
        assert place.instagram.grid[0].at_ms - begun_ms < 120_000

    run_virtual(scenario())


def test_of_an_accounts_posts_none_is_given_up_when_the_clock_jumps_between_two() -> None:
    async def scenario() -> None:
        place = PutPlace(instagram=PretendPublishing(latency=5.0))
        for name in ("x", "y", "z"):
            place.store.plan(name, deadline_ms=virtual_ms() + HOUR_MS)
        async with place.serving():
            while not place.requests("container"):
                await asyncio.sleep(0.1)
            begun = len(place.instagram.calls)
            await place.put_for(30, DAY_MS)
            assert len(place.instagram.calls) == begun
            await place.ended()
        assert sorted(place.instagram.captions()) == ["Postitus x", "Postitus y", "Postitus z"]

    run_virtual(scenario())


def test_a_jump_right_before_the_first_byte_keeps_the_request_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        place = PutPlace()
        place.store.plan("x", deadline_ms=virtual_ms() + HOUR_MS)
        post_step = place.store.post_step

        async def and_sleeps(lease: Lease, step: PostStep) -> PostStepResult:
            result = await post_step(lease, step)
            if step.after is PostState.PUBLISHING:
                # As a machine does that slept: the later time is right.
                place.by_ms = DAY_MS
            return result

        monkeypatch.setattr(place.store, "post_step", and_sleeps)
        async with place.serving():
            await place.ended()
        post = place.store.rows["x"]
        assert (post.state, post.reason) == (PostState.DEAD, "too_late")
        assert place.requests("publish") == 0

    run_virtual(scenario())


def test_a_jump_that_lasts_is_believed_after_two_minutes() -> None:
    async def scenario() -> None:
        place = PutPlace()
        later_ms = virtual_ms() + 20 * HOUR_MS
        place.store.plan("later", planned_ms=later_ms, due_ms=later_ms, deadline_ms=later_ms * 2)
        async with place.serving():
            await asyncio.sleep(60)
            place.store.plan("late", deadline_ms=virtual_ms() + HOUR_MS)
            place.by_ms = DAY_MS
            await asyncio.sleep(SETTLED_SECONDS - 1)
            assert place.instagram.calls == []
            assert place.store.rows["late"].state is PostState.PLANNED
            await asyncio.sleep(30)
            assert place.store.rows["late"].reason == "too_late"
            assert place.instagram.captions() == ["Postitus later"]

    run_virtual(scenario())
