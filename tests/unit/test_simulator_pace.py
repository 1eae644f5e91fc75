"""How long the pretend model takes."""

import random
from statistics import median

import pytest

from vestlus.simulator.jsontypes import BadInputError, Json, as_object
from vestlus.simulator.model_pace import Latency, TurnLog
from vestlus.simulator.model_request import read_responses


def test_a_lognormal_latency_has_its_median_and_a_long_tail() -> None:
    latency = Latency.changed(Latency(), {"latency_seconds": {"median": 2, "sigma": 0.5}})
    rng = random.Random(1)  # noqa: S311 - reproducible
    drawn = sorted(latency.draw(rng) for _ in range(4000))

    assert 1.9 < median(drawn) < 2.1
    # exp(0.5 x 2.326) is 3.2: the 99th percentile of a log-normal one with a median of 2.
    assert 5.7 < drawn[3960] < 7.2
    assert latency.to_json() == {"median": 2.0, "sigma": 0.5}


def test_two_numbers_are_the_bounds_and_one_is_both() -> None:
    rng = random.Random(1)  # noqa: S311 - reproducible
    assert Latency.changed(Latency(), {"latency_seconds": 2}).draw(rng) == 2
    between = Latency.changed(Latency(), {"latency_seconds": [1, 3]})
    assert all(1 <= between.draw(rng) <= 3 for _ in range(50))
    assert Latency.changed(between, {}) is between


@pytest.mark.parametrize("value", [-1, [3, 1], {"median": -1}, {"median": 1, "sigma": "x"}, "2s"])
def test_what_is_no_latency_is_refused(value: Json) -> None:
    with pytest.raises(BadInputError):
        Latency.changed(Latency(), {"latency_seconds": value})


def test_turns_are_told_from_where_one_stopped() -> None:
    log = TurnLog()
    for number in range(3):
        text = f"#u1-{number} hi"
        log.add(read_responses({"model": "m", "input": text}), number, number + 0.5)
    log.add(read_responses({"model": "m", "input": "no marker"}), 9, 9)

    assert [as_object(turn, "")["markers"] for turn in log.after(1)] == [["#u1-1"], ["#u1-2"]]
    assert log.after(3) == []
