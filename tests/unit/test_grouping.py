"""Group commit: what callers may rely on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.grouping import GroupCommitter


class Recorder:
    """A flush that doubles numbers, remembers its groups and can be held back."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()

    async def __call__(self, items: list[int]) -> Sequence[int | Exception]:
        self.groups.append(items)
        self.entered.set()
        await self.open.wait()
        return [ValueError("odd one out") if item < 0 else item * 2 for item in items]


async def test_a_single_item_is_flushed_at_once() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test") as committer:
        assert await committer.submit(4) == 8
    assert recorder.groups == [[4]]


async def test_what_gathers_while_a_flush_runs_is_the_next_group() -> None:
    recorder = Recorder()
    recorder.open.clear()
    async with GroupCommitter(recorder, name="test") as committer:
        first = asyncio.create_task(committer.submit(1))
        await recorder.entered.wait()
        rest = [asyncio.create_task(committer.submit(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        recorder.open.set()
        assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
    assert recorder.groups == [[1], [2, 3, 4]]


async def test_a_group_holds_no_more_than_max_items() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test", max_items=2) as committer:
        await asyncio.gather(*(committer.submit(number) for number in range(5)))
    assert recorder.groups == [[0, 1], [2, 3], [4]]


async def test_lingering_collects_items_that_come_one_after_another() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test", max_items=3, linger=60.0) as committer:
        first = asyncio.create_task(committer.submit(1))
        await asyncio.sleep(0)
        second = asyncio.create_task(committer.submit(2))
        await asyncio.sleep(0)
        assert recorder.groups == []
        assert await committer.submit(3) == 6
        assert list(await asyncio.gather(first, second)) == [2, 4]
    assert recorder.groups == [[1, 2, 3]]


async def test_lingering_ends_after_its_time() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test", linger=0.01) as committer:
        assert await committer.submit(1) == 2


async def test_closing_does_not_wait_for_the_linger() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test", linger=60.0) as committer:
        waiting = asyncio.create_task(committer.submit(1))
        await asyncio.sleep(0)
    assert await waiting == 2


async def test_with_a_pace_the_first_leaves_at_once_and_the_next_ones_together() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test", max_items=3, pace=60.0) as committer:
        assert await committer.submit(1) == 2
        later = [asyncio.create_task(committer.submit(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert recorder.groups == [[1]]
        assert await committer.submit(4) == 8
        assert list(await asyncio.gather(*later)) == [4, 6]
    assert recorder.groups == [[1], [2, 3, 4]]


async def test_what_the_pace_holds_back_goes_when_its_time_is_over_or_all_is_closed() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test", pace=0.01) as committer:
        assert [await committer.submit(number) for number in (1, 2)] == [2, 4]
    async with GroupCommitter(recorder, name="test", pace=60.0) as committer:
        assert await committer.submit(3) == 6
        waiting = asyncio.create_task(committer.submit(4))
        await asyncio.sleep(0)
    assert await waiting == 8


async def test_an_exception_in_place_of_a_result_reaches_its_caller_alone() -> None:
    recorder = Recorder()
    async with GroupCommitter(recorder, name="test") as committer:
        results = await asyncio.gather(
            *(committer.submit(number) for number in (1, -1, 3)), return_exceptions=True
        )
    assert results[0] == 2
    assert isinstance(results[1], ValueError)
    assert results[2] == 6


async def test_a_flush_that_raises_fails_its_group_and_not_the_next() -> None:
    fail = True

    async def flush(items: list[int]) -> list[int]:
        if fail:
            raise OSError(28, "no space")
        return items

    async with GroupCommitter(flush, name="test") as committer:
        results = await asyncio.gather(
            *(committer.submit(number) for number in (1, 2)), return_exceptions=True
        )
        assert [type(result) for result in results] == [OSError, OSError]
        fail = False
        assert await committer.submit(3) == 3


async def test_a_flush_with_too_few_results_fails_every_caller() -> None:
    async def flush(items: list[int]) -> list[int]:
        return items[1:]

    async with GroupCommitter(flush, name="test") as committer:
        results = await asyncio.gather(
            *(committer.submit(number) for number in (1, 2)), return_exceptions=True
        )
    assert [type(result) for result in results] == [RuntimeError, RuntimeError]


async def test_a_caller_cancelled_during_the_flush_does_not_disturb_the_others() -> None:
    recorder = Recorder()
    recorder.open.clear()
    async with GroupCommitter(recorder, name="test") as committer:
        tasks = [asyncio.create_task(committer.submit(number)) for number in (1, 2, 3)]
        await recorder.entered.wait()
        tasks[1].cancel()
        recorder.open.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == 2
    assert isinstance(results[1], asyncio.CancelledError)
    assert results[2] == 6
    assert recorder.groups == [[1, 2, 3]]


async def test_a_caller_cancelled_before_its_group_takes_its_item_back() -> None:
    recorder = Recorder()
    recorder.open.clear()
    async with GroupCommitter(recorder, name="test") as committer:
        first = asyncio.create_task(committer.submit(1))
        await recorder.entered.wait()
        second = asyncio.create_task(committer.submit(2))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({second})
        recorder.open.set()
        assert await first == 2
    assert recorder.groups == [[1]]


async def test_closing_flushes_what_is_waiting_and_refuses_what_comes_later() -> None:
    recorder = Recorder()
    recorder.open.clear()
    async with GroupCommitter(recorder, name="test", max_items=1) as committer:
        tasks = [asyncio.create_task(committer.submit(number)) for number in (1, 2, 3)]
        await recorder.entered.wait()
        recorder.open.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6]
    with pytest.raises(RuntimeError, match="not open"):
        await committer.submit(4)
    await committer.close()


async def test_submitting_before_opening_is_refused() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await GroupCommitter(Recorder(), name="test").submit(1)


async def test_when_the_collecting_task_dies_nobody_waits_for_ever() -> None:
    class Dying(BaseException):
        pass

    held = asyncio.Event()
    entered = asyncio.Event()

    async def flush(items: list[int]) -> list[int]:
        entered.set()
        await held.wait()
        raise Dying

    committer = GroupCommitter(flush, name="test")
    await committer.__aenter__()
    first = asyncio.create_task(committer.submit(1))
    await entered.wait()
    second = asyncio.create_task(committer.submit(2))
    await asyncio.sleep(0)
    held.set()
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(result) for result in results] == [RuntimeError, RuntimeError]
    with pytest.raises(RuntimeError, match="not open"):
        await committer.submit(3)
    with pytest.raises(Dying):
        await committer.close()


@given(
    numbers=st.lists(st.integers(min_value=0, max_value=1000), max_size=60),
    max_items=st.integers(min_value=1, max_value=9),
    pauses=st.lists(st.booleans(), max_size=60),
)
def test_every_item_is_flushed_once_in_the_order_of_submission(
    numbers: list[int], max_items: int, pauses: list[bool]
) -> None:
    async def run() -> None:
        recorder = Recorder()
        async with GroupCommitter(recorder, name="test", max_items=max_items) as committer:
            tasks = []
            for index, number in enumerate(numbers):
                tasks.append(asyncio.create_task(committer.submit(number)))
                if index < len(pauses) and pauses[index]:
                    await asyncio.sleep(0)
            assert await asyncio.gather(*tasks) == [number * 2 for number in numbers]
        assert [number for group in recorder.groups for number in group] == numbers
        assert all(len(group) <= max_items for group in recorder.groups)

    asyncio.run(run())


async def test_a_group_weighs_no_more_than_it_may_and_what_is_heavier_goes_alone() -> None:
    recorder = Recorder()
    async with GroupCommitter(
        recorder, name="test", weigh=lambda number: number, max_weight=10
    ) as committer:
        await asyncio.gather(*(committer.submit(number) for number in (4, 6, 1, 50, 2, 8)))
    assert recorder.groups == [[4, 6], [1], [50], [2, 8]]
