from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import pytest
import stamina

from vestlus.assistant.failures import AttemptFailed, Reason, invalid
from vestlus.assistant.refused_pasts import AskLess
from vestlus.assistant.retrying import MAX_ATTEMPTS, TOTAL_SECONDS, Retrying
from vestlus.errors import AssistantInvalid, AssistantRefused, AssistantUnavailable

RANDOM = Random(0)  # noqa: S311 - no secret


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=MAX_ATTEMPTS, cap=True):
        yield


def unavailable(*, retry: bool = True, retry_after: float | None = None) -> AttemptFailed:
    error = AssistantUnavailable(Reason.RATE_LIMITED)
    return AttemptFailed(error, retry=retry, retry_after=retry_after)


class Attempts:
    """Fails as told, one failure per attempt, then succeeds."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "ok"


def retrying(total: float = TOTAL_SECONDS, each: float = 45.0) -> Retrying:
    return Retrying(RANDOM, total_seconds=total, attempt_seconds=each)


async def test_what_may_pass_is_tried_again_until_it_succeeds() -> None:
    attempts = Attempts(unavailable(), unavailable(), unavailable())
    assert await retrying().run(attempts) == "ok"
    assert attempts.made == MAX_ATTEMPTS


async def test_attempts_are_bounded_and_the_last_failure_is_raised() -> None:
    attempts = Attempts(*[unavailable() for _ in range(9)])
    with pytest.raises(AssistantUnavailable) as raised:
        await retrying().run(attempts)
    assert raised.value.reason == "rate_limited"
    assert raised.value.__cause__ is None
    assert attempts.made == MAX_ATTEMPTS


async def test_what_cannot_pass_is_not_tried_again() -> None:
    attempts = Attempts(unavailable(retry=False))
    with pytest.raises(AssistantUnavailable):
        await retrying().run(attempts)
    assert attempts.made == 1


async def test_unusable_output_is_asked_for_once_more_only() -> None:
    attempts = Attempts(*[invalid(Reason.NO_OUTPUT, retry=True) for _ in range(9)])
    with pytest.raises(AssistantInvalid):
        await retrying().run(attempts)
    assert attempts.made == 2


async def test_unusable_output_is_counted_apart_from_other_failures() -> None:
    failures = [unavailable(), invalid(Reason.BLANK, retry=True), unavailable()]
    attempts = Attempts(*failures)
    assert await retrying().run(attempts) == "ok"
    assert attempts.made == 4


async def test_a_wait_that_goes_beyond_the_time_left_is_not_begun() -> None:
    attempts = Attempts(unavailable(retry_after=TOTAL_SECONDS - 1.5))
    with pytest.raises(AssistantUnavailable):
        await retrying().run(attempts)
    assert attempts.made == 1


async def test_a_wait_within_the_time_left_is_made() -> None:
    attempts = Attempts(unavailable(retry_after=TOTAL_SECONDS / 2))
    assert await retrying().run(attempts) == "ok"


async def test_a_stated_wait_is_kept_and_not_overstayed() -> None:
    now = asyncio.get_running_loop().time
    begun: list[float] = []
    attempts = Attempts(unavailable(retry_after=0.2))

    async def timed() -> str:
        begun.append(now())
        return await attempts()

    with stamina.set_testing(False):
        assert await retrying().run(timed) == "ok"
    assert 0.2 <= begun[1] - begun[0] < 2.0


async def test_waits_of_turns_refused_together_differ() -> None:
    waits: set[float] = set()

    def note(details: stamina.instrumentation.RetryDetails) -> None:
        waits.add(details.wait_for)

    stamina.instrumentation.set_on_retry_hooks([note])
    try:
        with stamina.set_testing(False):
            alike = retrying()
            await asyncio.gather(
                *(alike.run(Attempts(unavailable(retry_after=0.1))) for _ in range(20))
            )
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert len(waits) == 20
    assert 0.1 <= min(waits) <= max(waits) <= 0.1 * 1.1 + 0.25


async def test_an_attempt_is_cut_off_at_its_time_and_counts_as_a_timeout() -> None:
    made = 0

    async def hangs() -> str:
        nonlocal made
        made += 1
        await asyncio.Event().wait()
        return "never"

    with pytest.raises(AssistantUnavailable) as raised:
        await retrying(each=0.01).run(hangs)
    assert raised.value.reason == "timeout"
    assert made == MAX_ATTEMPTS


async def test_all_attempts_together_keep_to_the_total_time() -> None:
    now = asyncio.get_running_loop().time

    async def hangs() -> str:
        await asyncio.Event().wait()
        return "never"

    begun = now()
    with pytest.raises(AssistantUnavailable):
        await retrying(total=0.1, each=45).run(hangs)
    assert 0.1 <= now() - begun < 5


async def test_cancelling_ends_the_attempt_and_makes_no_other() -> None:
    started, ended = asyncio.Event(), asyncio.Event()
    made = 0

    async def hangs() -> str:
        nonlocal made
        made += 1
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    task = asyncio.create_task(retrying().run(hangs))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert ended.is_set()
    assert made == 1


async def test_cancelling_during_a_wait_makes_no_other_attempt() -> None:
    failed = asyncio.Event()
    attempts = Attempts(unavailable(retry_after=30))

    async def noted() -> str:
        failed.set()
        return await attempts()

    with stamina.set_testing(False):
        task = asyncio.create_task(retrying().run(noted))
        await failed.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert attempts.made == 1


async def test_a_programming_error_comes_through_at_once() -> None:
    attempts = Attempts(KeyError("bug"))
    with pytest.raises(KeyError):
        await retrying().run(attempts)
    assert attempts.made == 1


async def test_what_an_attempt_has_to_wait_for_is_no_part_of_its_time() -> None:
    waited: list[float] = []
    calls = 0

    async def ready() -> None:
        await asyncio.sleep(0.06)
        waited.append(asyncio.get_running_loop().time())

    async def attempt() -> str:
        nonlocal calls
        calls += 1
        assert len(waited) == calls
        if calls == 1:
            raise AttemptFailed(AssistantUnavailable("server_error"), retry=True)
        return "done"

    retrying = Retrying(Random(0), attempt_seconds=0.05)  # noqa: S311 - no secret
    with stamina.set_testing(True, attempts=2, cap=True):
        assert await retrying.run(attempt, ready=ready) == "done"


async def test_what_is_waited_for_in_vain_ends_all_attempts() -> None:
    async def ready() -> None:
        raise AssistantUnavailable("paced")

    async def attempt() -> str:
        raise AssertionError

    with pytest.raises(AssistantUnavailable, match="paced"):
        await Retrying(Random(0)).run(attempt, ready=ready)  # noqa: S311 - no secret


async def test_asking_with_less_takes_no_try_from_output_that_cannot_be_used() -> None:
    less = AskLess(AssistantRefused(Reason.CONTENT_FILTER))
    attempts = Attempts(invalid(Reason.BLANK, retry=True), less)
    assert await retrying().run(attempts) == "ok"
    attempts = Attempts(less, *[invalid(Reason.BLANK, retry=True)] * 3)
    with pytest.raises(AssistantInvalid, match=r"^blank$"):
        await retrying().run(attempts)
    assert attempts.made == 3
