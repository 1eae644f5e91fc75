from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vestlus.assistant.breaker import CIRCUIT_OPEN, Breaker
from vestlus.assistant.failures import AttemptFailed
from vestlus.errors import AssistantInvalid, AssistantUnavailable

FAILURES = 3
WITHIN = 30.0
OPEN = 15.0


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def breaker_at(time: Time) -> Breaker:
    return Breaker(time, failures=FAILURES, within_seconds=WITHIN, open_seconds=OPEN)


async def works() -> str:
    return "done"


async def is_down() -> str:
    raise AssistantUnavailable("connection")


async def answers_nonsense() -> str:
    raise AssistantInvalid("malformed_reply")


async def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(AssistantUnavailable, match="connection"):
            await breaker.run(is_down)


async def is_refused(breaker: Breaker) -> bool:
    called = False

    async def work() -> None:
        nonlocal called
        called = True

    try:
        await breaker.run(work)
    except AssistantUnavailable as error:
        return error.reason == CIRCUIT_OPEN and not called
    return False


async def test_what_works_goes_through() -> None:
    assert await breaker_at(Time()).run(works) == "done"


async def test_failures_in_a_row_open_it_and_nothing_is_called_then() -> None:
    breaker = breaker_at(Time())
    await fail(breaker, FAILURES)
    assert await is_refused(breaker)


async def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = breaker_at(Time())
    await fail(breaker, FAILURES - 1)
    await breaker.run(works)
    await fail(breaker, FAILURES - 1)
    assert not await is_refused(breaker)


async def test_failures_far_apart_keep_it_closed() -> None:
    time = Time()
    breaker = breaker_at(time)
    for _ in range(3 * FAILURES):
        await fail(breaker, 1)
        time.now += WITHIN
    assert breaker.closed


async def test_answers_that_cannot_be_used_keep_it_closed() -> None:
    breaker = breaker_at(Time())
    for _ in range(2 * FAILURES):
        with pytest.raises(AssistantInvalid):
            await breaker.run(answers_nonsense)
    assert breaker.closed


async def test_failed_attempts_count_as_what_they_failed_of() -> None:
    breaker = breaker_at(Time())

    async def attempt() -> None:
        raise AttemptFailed(AssistantUnavailable("timeout"), retry=True)

    for _ in range(FAILURES):
        with pytest.raises(AttemptFailed):
            await breaker.run(attempt)
    assert not breaker.closed


async def test_after_its_time_one_success_closes_it() -> None:
    time = Time()
    breaker = breaker_at(time)
    await fail(breaker, FAILURES)
    time.now += OPEN
    assert await breaker.run(works) == "done"
    assert breaker.closed
    assert not await is_refused(breaker)


async def test_after_its_time_one_failure_opens_it_again() -> None:
    time = Time()
    breaker = breaker_at(time)
    await fail(breaker, FAILURES)
    time.now += OPEN
    await fail(breaker, 1)
    assert await is_refused(breaker)
    time.now += OPEN - 0.001
    assert await is_refused(breaker)


@pytest.mark.parametrize("ends", [asyncio.CancelledError, AssistantInvalid])
async def test_while_one_is_let_through_the_others_are_refused(ends: type[BaseException]) -> None:
    time = Time()
    breaker = breaker_at(time)
    await fail(breaker, FAILURES)
    time.now += OPEN
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        started.set()
        await finish.wait()
        raise ends("x")

    probe = asyncio.create_task(breaker.run(slow))
    await started.wait()
    assert await is_refused(breaker)
    finish.set()
    with pytest.raises(ends):
        await probe
    # Cancelled, it says nothing and the next one is let through; any answer closes it.
    assert breaker.closed == (ends is AssistantInvalid)
    assert not await is_refused(breaker)


async def test_a_call_that_is_cancelled_does_not_count() -> None:
    breaker = breaker_at(Time())

    async def cancelled() -> None:
        raise asyncio.CancelledError

    for _ in range(2 * FAILURES):
        with pytest.raises(asyncio.CancelledError):
            await breaker.run(cancelled)
    assert breaker.closed


class AnyHistory(RuleBasedStateMachine):
    """Calls begin, take their time and end in whatever way, while the clock goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.loop = asyncio.new_event_loop()
        self.breaker = breaker_at(self.time)
        self.under_way: list[tuple[asyncio.Task[None], asyncio.Future[None]]] = []
        self.opened_at: float | None = None
        self.open_now: list[asyncio.Task[None]] = []

    def settle(self) -> None:
        for _ in range(5):
            self.loop.run_until_complete(asyncio.sleep(0))

    @rule(seconds=st.sampled_from([0.5, 5.0, OPEN, WITHIN]))
    def time_passes(self, seconds: float) -> None:
        self.time.now += seconds

    @rule()
    def begin(self) -> None:
        outcome: asyncio.Future[None] = self.loop.create_future()
        called = False

        async def work() -> None:
            nonlocal called
            called = True
            await outcome

        was_closed = self.breaker.closed
        task = self.loop.create_task(self.breaker.run(work))
        self.settle()
        if called:
            if not was_closed:
                assert self.opened_at is not None
                assert self.time.now >= self.opened_at + OPEN
                assert not any(not one.done() for one in self.open_now)
                self.open_now.append(task)
            self.under_way.append((task, outcome))
            return
        refusal = task.exception()
        assert isinstance(refusal, AssistantUnavailable)
        assert refusal.reason == CIRCUIT_OPEN
        assert not was_closed
        assert self.opened_at is not None
        waits = any(not one.done() for one in self.open_now)
        assert waits or self.time.now < self.opened_at + OPEN

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 10**6), how=st.sampled_from(["good", "bad", "down", "cancel"]))
    def end(self, which: int, how: str) -> None:
        task, outcome = self.under_way.pop(which % len(self.under_way))
        was_closed = self.breaker.closed
        probe = task in self.open_now
        ends: dict[str, Callable[[], object]] = {
            "good": lambda: outcome.set_result(None),
            "bad": lambda: outcome.set_exception(AssistantInvalid("malformed_reply")),
            "down": lambda: outcome.set_exception(AssistantUnavailable("timeout")),
            "cancel": task.cancel,
        }
        ends[how]()
        self.settle()
        assert task.done()
        if not task.cancelled():
            task.exception()
        if how == "cancel":
            assert self.breaker.closed == was_closed
        elif not was_closed and probe:
            assert self.breaker.closed == (how != "down")
        elif not was_closed:
            assert not self.breaker.closed
        if not self.breaker.closed and (was_closed or (probe and how == "down")):
            assert how == "down"
            self.opened_at = self.time.now

    @invariant()
    def never_more_than_one_probe(self) -> None:
        if not self.breaker.closed:
            assert sum(not one.done() for one in self.open_now) <= 1

    def teardown(self) -> None:
        for task, outcome in self.under_way:
            outcome.cancel()
            task.cancel()
        self.settle()
        self.loop.close()


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


async def test_who_waited_for_a_turn_in_vain_says_nothing_about_the_server() -> None:
    async def no_turn() -> None:
        raise AssistantUnavailable("paced")

    breaker = breaker_at(Time())
    await fail(breaker, FAILURES - 1)
    for _ in range(FAILURES):
        with pytest.raises(AssistantUnavailable, match="paced"):
            await breaker.run(no_turn)
    assert breaker.closed
    await fail(breaker, 1)
    assert await is_refused(breaker)
