"""A run of ``make fuzz`` fails for what is slow, grows or breaks, and for nothing else."""

from __future__ import annotations

import random

import pytest

from tests.fuzzing.judging import Weight, growth, problems
from tests.fuzzing.requests import Thrown
from tests.fuzzing.throwing import Outcomes

START = 90 * 2**20


def outcomes(**seconds: float) -> Outcomes:
    """An answer of each surface that took so long."""
    found = Outcomes()
    for surface, took in seconds.items():
        found.note(Thrown(surface, b""), 200, took)
    return found


def weights(per_request: float, *, requests: int = 50_000, leap_at: int = 99) -> list[Weight]:
    """A replica that keeps so much of each request, with an allocator's leavings and one leap."""
    hand = random.Random(1)  # noqa: S311 - not for secrets
    noise = [hand.uniform(-(2**19), 2**19) for _ in range(41)]
    return [
        Weight(
            requests * number // 40,
            START
            + per_request * requests * number / 40
            + noise[number]
            + 8 * 2**20 * (number >= leap_at),
        )
        for number in range(41)
    ]


def test_a_run_without_fault_has_no_problem() -> None:
    assert list(problems(outcomes(api=0.02, webhook=1.9), weights(0))) == []


def test_an_answer_that_is_slow_is_one_on_any_surface() -> None:
    found = list(problems(outcomes(api=2.1, webhook=0.1), weights(0)))
    assert found == ["api: an answer took 2.100 s, more than 2 s"]
    assert list(problems(outcomes(api=2.1), weights(0), slow_seconds=5)) == []


def test_a_server_error_is_one() -> None:
    found = Outcomes()
    found.note(Thrown("api", b""), 503, 0.1)
    assert list(problems(found, weights(0))) == ["1 answered with a server error"]


@pytest.mark.parametrize("leak", [300, 1_000, 17_000])
def test_memory_that_grows_with_the_requests_is_one(leak: int) -> None:
    (found,) = problems(outcomes(api=0.1), weights(leak))
    assert found.startswith("memory grows by")
    told = growth(weights(leak))
    assert told is not None
    assert told == pytest.approx(leak, abs=60)


@pytest.mark.parametrize("leap_at", [3, 15, 37])
def test_what_is_taken_once_is_no_growth(leap_at: int) -> None:
    assert list(problems(outcomes(api=0.1), weights(0, leap_at=leap_at))) == []


def test_too_few_requests_tell_nothing_of_growth() -> None:
    assert growth(weights(17_000, requests=10_000)) is None
    assert growth([]) is None
    assert growth(weights(17_000, requests=20_000)) is not None
