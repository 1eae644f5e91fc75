"""Faults fire as often as their rule says, and the same way for the same seed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.faults import GRAPH_KINDS, GRAPH_OPS, MODEL_KINDS, MODEL_OPS, FaultPlan
from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject


def plan(*rules: JsonObject, seed: int = 1) -> FaultPlan:
    made = FaultPlan(GRAPH_KINDS, GRAPH_OPS, random.Random(seed))  # noqa: S311 - chances, not secrets
    listed: list[Json] = [*rules]
    made.change(listed, clear=False)
    return made


@given(st.integers(0, 20), st.integers(0, 30))
def test_a_rule_for_the_next_calls_fires_that_often(times: int, calls: int) -> None:
    faults = plan({"kind": "drop", "next": times})
    fired = [faults.draw("send") is not None for _ in range(calls)]
    assert fired == [number < times for number in range(calls)]
    assert faults.fired["drop"] == faults.fired_by_op["send drop"] == min(times, calls)


@pytest.mark.parametrize(("probability", "expected"), [(0, 0), (1, 500)])
def test_certain_and_impossible_chances(probability: int, expected: int) -> None:
    faults = plan({"kind": "apply", "probability": probability})
    assert sum(faults.draw("send") is not None for _ in range(500)) == expected


def test_a_chance_is_met_about_as_often_as_it_says_and_repeats_with_its_seed() -> None:
    def drawn() -> list[bool]:
        faults = plan({"kind": "apply", "probability": 0.3}, seed=7)
        return [faults.draw("send") is not None for _ in range(1000)]

    assert drawn() == drawn()
    assert 200 < sum(drawn()) < 400


def test_a_rule_hits_only_the_calls_it_is_about() -> None:
    faults = plan({"kind": "drop", "next": 9, "op": "conversations", "user": "u1"})
    assert faults.draw("send", "A", "u1") is None
    assert faults.draw("conversations", "A", "u2") is None
    assert faults.draw("conversations", "A", "u1") is not None


def test_a_rule_may_be_about_what_a_request_contains() -> None:
    faults = plan({"kind": "drop", "next": 1, "contains": "õhtu"})
    assert faults.draw("send", body={"message": {"text": "Tere"}}) is None
    assert faults.draw("send") is None
    assert faults.draw("send", body={"parts": ["Tere õhtust"]}) is not None


def test_a_rule_may_spare_what_answers_a_user_who_wrote_long_ago() -> None:
    faults = plan({"kind": "server_error", "next": 9, "fresh_seconds": 5})
    assert faults.draw("send", age_seconds=5.1) is None
    assert faults.draw("send", age_seconds=5.0) is not None


def test_a_model_can_be_told_what_to_say() -> None:
    faults = FaultPlan(MODEL_KINDS, MODEL_OPS, random.Random(1))  # noqa: S311 - chances
    rules: list[Json] = [
        {"kind": "say", "text": "{}", "next": 1},
        {"kind": "say", "instructions": True, "next": 1},
    ]
    faults.change(rules, clear=False)
    assert [rule["text"] for rule in faults.to_json() if isinstance(rule, dict)] == ["{}", None]
    first, second = faults.draw("model"), faults.draw("model")
    assert first is not None
    assert second is not None
    assert (first.text, second.instructions) == ("{}", True)
    wrong_rules: list[JsonObject] = [
        {"kind": "say", "next": 1},
        {"kind": "empty", "text": "x", "next": 1},
    ]
    for wrong in wrong_rules:
        with pytest.raises(BadInputError):
            faults.change([wrong], clear=False)


def test_the_first_rule_that_fires_decides() -> None:
    faults = plan({"kind": "drop", "next": 1}, {"kind": "hang", "next": 1, "seconds": 3})
    first, second = faults.draw("send"), faults.draw("send")
    assert first is not None
    assert first.kind == "drop"
    assert second is not None
    assert (second.kind, second.seconds) == ("hang", 3)
    assert faults.to_json() == []


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "nonsense", "next": 1},
        {"kind": "drop"},
        {"kind": "drop", "next": 1, "probability": 0.5},
        {"kind": "drop", "probability": 1.5},
        {"kind": "drop", "next": -1},
        {"kind": "drop", "next": 1, "op": "teleport"},
        {"kind": "drop", "next": True},
    ],
)
def test_a_wrong_rule_is_refused_and_changes_nothing(rule: JsonObject) -> None:
    faults = plan({"kind": "hang", "next": 1})
    with pytest.raises(BadInputError):
        faults.change([rule], clear=True)
    assert len(faults.to_json()) == 1
