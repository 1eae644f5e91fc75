"""Actors are spread over the nodes that have room and stay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors import placing
from actors.placing import Room, emptiest, strategy

FREE = {"a": {"CPU": 2.0}, "b": {"CPU": 4.0}, "c": {"CPU": 0.2}}


def test_the_node_with_the_fewest_gets_the_next_one() -> None:
    assert emptiest(FREE, ["b", "b", "a"], needs={"CPU": 0.5}, leaving=()) == "a"
    assert emptiest(FREE, ["b", "a"], needs={"CPU": 0.5}, leaving=()) == "b"


def test_nodes_without_room_and_nodes_that_leave_get_none() -> None:
    assert emptiest(FREE, ["a", "b"], needs={"CPU": 0.5}, leaving={"a"}) == "b"
    assert emptiest(FREE, [], needs={"CPU": 8}, leaving=()) is None
    assert emptiest({"a": {}}, [], needs={"CPU": 0.1}, leaving=()) is None


def test_without_such_a_node_ray_looks_for_one() -> None:
    assert strategy(None) == "SPREAD"
    assert strategy("0" * 56) != "SPREAD"


def test_an_actor_whose_node_has_no_room_by_then_goes_to_another_one() -> None:
    found = strategy("0" * 56)
    assert isinstance(found, NodeAffinitySchedulingStrategy)
    # Ray's own name for it; `soft` alone waits for that node as long as it lives.
    assert (found.soft, found._spill_on_unavailable) == (True, True)


def test_a_node_without_what_the_role_asks_for_is_none_of_them() -> None:
    nodes = {"a": {"CPU": 8.0}, "b": {"CPU": 1.0, "vestlus_publisher": 1.0}}
    needs = {"CPU": 0.5, "vestlus_publisher": 0.001}
    assert emptiest(nodes, [], needs=needs, leaving=()) == "b"


def test_of_several_that_are_started_together_each_has_room_of_its_own() -> None:
    room = Room({"a": {"CPU": 2.0}, "b": {"CPU": 1.0}})
    given: list[str] = []
    for _ in range(3):
        given += [room.take(given, needs={"CPU": 1.0}, leaving=()) or "none"]
    assert sorted(given) == ["a", "a", "b"]
    assert room.take(given, needs={"CPU": 1.0}, leaving=()) is None


def test_an_actor_that_has_a_process_does_not_wait_although_it_took_the_last_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {"State": "PENDING_CREATION", "Pid": 1234}
    monkeypatch.setattr(placing, "actors", lambda _: told)
    monkeypatch.setattr(placing, "available_resources_per_node", dict)
    handle: Any = SimpleNamespace(_actor_id=SimpleNamespace(hex=lambda: "1"))
    assert not placing.waits_for_a_node(handle, {"CPU": 1.0})


def test_an_actor_that_starts_again_waits_whatever_is_told_of_the_process_that_it_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {"State": "RESTARTING", "Pid": 1234}
    monkeypatch.setattr(placing, "actors", lambda _: told)
    monkeypatch.setattr(placing, "available_resources_per_node", dict)
    handle: Any = SimpleNamespace(_actor_id=SimpleNamespace(hex=lambda: "1"))
    assert placing.waits_for_a_node(handle, {"CPU": 1.0})
