"""The pretend model's rate limits."""

import pytest

from vestlus.assistant.ratelimits import Budget, read_limits
from vestlus.simulator.jsontypes import BadInputError
from vestlus.simulator.model_rate import ModelRate, duration, weight_of


def test_without_limits_everything_passes_and_nothing_is_told() -> None:
    rate = ModelRate()
    assert [rate.take(0.0, 1e9) for _ in range(100)] == [None] * 100
    assert (rate.headers(), rate.to_json()) == ({}, None)


def test_what_is_too_much_is_refused_until_enough_was_refilled() -> None:
    rate = ModelRate()
    rate.change({"requests": 2, "seconds": 10}, 0.0)
    assert [rate.take(0.0, 1) for _ in range(3)] == [None, None, 5.0]
    assert rate.take(5.0, 1) is None
    assert rate.refused == 1


def test_the_headers_are_read_as_they_are_meant() -> None:
    rate = ModelRate()
    rate.change({"requests": 60, "tokens": 6000}, 0.0)
    rate.take(0.0, 1500)
    limits = read_limits(rate.headers())
    assert (limits.requests, limits.tokens) == (Budget(59, 60, 1.0), Budget(4500, 6000, 15.0))


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(BadInputError):
        ModelRate().change({"seconds": 1}, 0.0)


def test_the_greater_of_output_and_characters_counts() -> None:
    assert weight_of({"max_output_tokens": 4000}, 400) == 4000
    assert weight_of({"max_completion_tokens": 10}, 400) == 100


def test_times_are_written_as_openai_writes_them() -> None:
    assert [duration(each) for each in (0, 0.0124, 1.5, 360)] == ["0ms", "12ms", "1.5s", "6m0s"]
