"""Posts beside other work: leases, drains, messages that go first, and other accounts."""

import asyncio
from dataclasses import replace

import pytest

from publishers.posts_rules import PostRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.posting import PostPlace
from tests.fakes.publishing import PretendPublishing
from tests.fakes.store_ledger import MemoryLedger
from tests.unit.posts_worker_support import published_once
from vestlus.errors import LeaseLost
from vestlus.store.post_rows import PostPicture, PostStep, PostStepResult
from vestlus.store.posts import PostState
from vestlus.store.rows import Lease


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
