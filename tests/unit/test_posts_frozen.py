"""A publisher frozen while it publishes a post, overtaken and woken: what is on the grid then."""

from __future__ import annotations

import asyncio
from enum import StrEnum

import pytest

from tests.fakes.clock import run_virtual, virtual_monotonic
from tests.fakes.posting import PostPlace
from tests.fakes.publishing import PretendPublishing
from tests.fakes.store_posts import MemoryPosts
from vestlus.errors import LeaseLost
from vestlus.instagram.port import Gate
from vestlus.store.post_rows import PostStep, PostStepResult
from vestlus.store.posts import PostState
from vestlus.store.rows import Lease


class Point(StrEnum):
    """Where it freezes."""

    BEFORE_STEP = "before the step that says it is being published"
    AFTER_STEP = "after that step, before the last look at the lease"
    WHILE_WRITING = "between that look and the first byte of the request to publish"
    AFTER_WRITING = "after the request was carried out, before its answer"
    AFTER_ANSWER = "after the answer, before that is recorded"


#: How often the post is on the grid. Docs: ``docs/posts.md``, "What can still go wrong".
ON_GRID = {
    # Published by the new holder; the woken one's step is refused.
    Point.BEFORE_STEP: 1,
    # Looked for, not found, published by the new holder; the woken one finds its lease over.
    Point.AFTER_STEP: 1,
    # The same, and the woken one writes what it was about to write.
    Point.WHILE_WRITING: 2,
    # Found by the new holder.
    Point.AFTER_WRITING: 1,
    Point.AFTER_ANSWER: 1,
}


class Freezer:
    """Stops whoever comes first at the point, until it is woken."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self.frozen = asyncio.Event()
        self.woken = asyncio.Event()

    async def at(self, point: Point) -> None:
        if point is self._point and not self.frozen.is_set():
            self.frozen.set()
            await self.woken.wait()


class FreezingPublishing(PretendPublishing):
    """Instagram, whose callers freeze before and after a request to publish.

    A process that is stopped runs no timeouts: the call goes on whoever waits for it.
    """

    freezer: Freezer

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[asyncio.Task[str]] = []

    async def publish(self, account: str, container: str, *, gate: Gate | None = None) -> str:
        assert gate is not None
        publish = super().publish

        async def freezing() -> bool:
            await self.freezer.at(Point.AFTER_STEP)
            goes = await gate()
            await self.freezer.at(Point.WHILE_WRITING)
            return goes

        async def unhurried() -> str:
            media = await publish(account, container, gate=freezing)
            await self.freezer.at(Point.AFTER_WRITING)
            return media

        task = asyncio.create_task(unhurried())
        self.begun.append(task)
        return await asyncio.shield(task)


class FreezingPosts(MemoryPosts):
    """A store before whose steps its callers freeze."""

    freezer: Freezer

    async def post_step(self, lease: Lease, step: PostStep) -> PostStepResult:
        if step.after is PostState.PUBLISHING:
            await self.freezer.at(Point.BEFORE_STEP)
        if step.after is PostState.PUBLISHED:
            await self.freezer.at(Point.AFTER_ANSWER)
        return await super().post_step(lease, step)


@pytest.mark.parametrize("point", Point)
def test_a_post_whose_publisher_is_frozen_and_overtaken_is_out_as_often_as_is_said(
    point: Point,
) -> None:
    async def scenario() -> None:
        freezer = Freezer(point)
        store, instagram = FreezingPosts(), FreezingPublishing()
        store.freezer = instagram.freezer = freezer
        place = PostPlace(store=store, instagram=instagram)
        store.plan("x")
        first = place.start()
        await freezer.frozen.wait()
        # Its lease is over: somebody else has it when it is asked for again.
        async with place.serving():
            await place.ended()
            assert instagram.captions() == ["Postitus x"]
            assert store.rows["x"].state is PostState.PUBLISHED
            place.until = lambda: virtual_monotonic() - 1
            freezer.woken.set()
            with pytest.raises(ExceptionGroup) as ended:
                await first
            assert ended.value.split(LeaseLost)[1] is None
            await asyncio.gather(*instagram.begun, return_exceptions=True)
            assert instagram.captions() == ["Postitus x"] * ON_GRID[point]
            assert store.rows["x"].state is PostState.PUBLISHED

    run_virtual(scenario())
