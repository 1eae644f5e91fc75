"""Actors are spread over the nodes that have room and stay."""

from __future__ import annotations

from actors.placing import emptiest, strategy

FREE = {"a": {"CPU": 2.0}, "b": {"CPU": 4.0}, "c": {"CPU": 0.2}}


def test_the_node_with_the_fewest_gets_the_next_one() -> None:
    assert emptiest(FREE, ["b", "b", "a"], processors=0.5, leaving=()) == "a"
    assert emptiest(FREE, ["b", "a"], processors=0.5, leaving=()) == "b"


def test_nodes_without_room_and_nodes_that_leave_get_none() -> None:
    assert emptiest(FREE, ["a", "b"], processors=0.5, leaving={"a"}) == "b"
    assert emptiest(FREE, [], processors=8, leaving=()) is None
    assert emptiest({"a": {}}, [], processors=0.1, leaving=()) is None


def test_without_such_a_node_ray_looks_for_one() -> None:
    assert strategy(None) == "SPREAD"
    assert strategy("0" * 56) != "SPREAD"
