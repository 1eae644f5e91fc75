"""Blocking work is done in threads, in order, and each hears of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from vestlus.workers import Workers


@pytest.fixture
def one() -> Iterator[Workers]:
    workers = Workers(1, "test")
    yield workers
    workers.shutdown()


async def test_work_is_done_in_a_thread_in_order_and_each_gets_its_own_outcome(
    one: Workers,
) -> None:
    order: list[int] = []

    def work(number: int) -> str:
        order.append(number)
        if number == 3:
            raise KeyError(number)
        return threading.current_thread().name

    outcomes = await asyncio.gather(
        *(one.run(partial(work, number)) for number in range(5)),
        return_exceptions=True,
    )
    assert order == list(range(5))
    assert [type(outcome) for outcome in outcomes] == [str, str, str, KeyError, str]
    assert outcomes[0] == "test-0"


async def test_who_is_cancelled_takes_back_what_is_not_begun_and_stops_nothing_else(
    one: Workers,
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def slow() -> None:
        begun.set()
        go_on.wait()
        done.append("begun")

    under_way = asyncio.create_task(one.run(slow))
    waiting = asyncio.create_task(one.run(lambda: done.append("not begun")))
    while not begun.is_set():
        await asyncio.sleep(0)
    under_way.cancel()
    waiting.cancel()
    await asyncio.wait({under_way, waiting})
    go_on.set()
    await one.run(lambda: done.append("later"))
    assert done == ["begun", "later"]


async def test_a_shutdown_waits_for_what_was_handed_in_and_takes_no_more() -> None:
    workers = Workers(2, "test")
    done: list[int] = []
    handed_in = [asyncio.create_task(workers.run(lambda: done.append(1))) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.to_thread(workers.shutdown)
    workers.shutdown()
    await asyncio.gather(*handed_in)
    assert done == [1] * 10
    with pytest.raises(RuntimeError, match="takes no more work"):
        await workers.run(lambda: None)


def test_a_loop_that_was_closed_meanwhile_costs_no_thread() -> None:
    workers = Workers(1, "test")
    go_on = threading.Event()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await workers.run(go_on.wait)

    asyncio.run(give_up())
    go_on.set()

    async def again() -> int:
        return await workers.run(lambda: 7)

    assert asyncio.run(again()) == 7
    workers.shutdown()
