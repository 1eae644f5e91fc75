"""What a run with Ray's autoscaler makes of what it saw."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.nodes.autoscaling_nodes import HEAD_ID, Room, configuration
from tests.nodes.looks import Look, beside, busiest, first, look_of, most_waiting, moved, runs

ONE, TWO = HEAD_ID[:-1] + "1", HEAD_ID[:-1] + "2"
EMPTY = Look(0.0, frozenset(), frozenset(), {}, 0, 0)
GROWN = replace(
    EMPTY,
    at=30.0,
    nodes=frozenset({ONE, TWO}),
    placed={"conversation-0": HEAD_ID, "conversation-1": TWO, "publisher-0": TWO},
)


def test_a_line_is_read_as_it_was_printed() -> None:
    said = {
        "nodes": [ONE],
        "waiting": ["conversation-1"],
        "placed": {"conversation-0": HEAD_ID},
        "asked": 1,
        "coming": 2,
    }
    assert look_of(json.dumps(said), 7.5) == Look(
        7.5, frozenset({ONE}), frozenset({"conversation-1"}), {"conversation-0": HEAD_ID}, 1, 2
    )


def test_the_first_time_that_something_is_so_counts_from_when_it_was_wished_for() -> None:
    before = replace(EMPTY, at=1.0, asked=1)
    looks = [before, replace(EMPTY, at=5.0), replace(EMPTY, at=8.0, asked=3), GROWN]
    assert first(looks, 4.0, lambda one: one.asked > 0) == 4.0
    assert first(looks, 4.0, lambda one: one.coming > 0) is None


def test_actors_run_when_they_are_just_those_and_none_waits() -> None:
    names = ["conversation-0", "conversation-1", "publisher-0"]
    assert runs(GROWN, names)
    assert not runs(GROWN, names[:2])
    assert not runs(replace(GROWN, waiting=frozenset({"publisher-1"})), names)


def test_the_most_that_waited_at_the_same_time_is_counted() -> None:
    waiting = replace(EMPTY, at=3.0, waiting=frozenset({"conversation-1", "publisher-1"}))
    assert most_waiting([waiting, GROWN], 2.0) == 2
    assert most_waiting([waiting, GROWN], 4.0) == 0


def test_nodes_are_told_apart_by_the_order_in_which_they_came() -> None:
    assert beside(GROWN) == {"node 1": 0, "node 2": 2}
    assert busiest(GROWN) == TWO
    assert busiest(replace(GROWN, placed={})) == ONE


def test_partitions_of_actors_on_nodes_beside_the_head_have_moved() -> None:
    partitions = {"c/conversation-0": [0, 1, 2], "c/conversation-1": [3, 4]}
    assert moved(GROWN, partitions) == (2, 5)


def test_the_autoscaler_may_add_nodes_of_one_kind_and_has_none_at_first() -> None:
    told = configuration(Room(4, 2, 3, 20.0), "127.0.0.1:6379")
    kinds = told["available_node_types"]
    assert (kinds["worker"]["min_workers"], kinds["worker"]["max_workers"]) == (0, 3)
    assert told["idle_timeout_minutes"] * 60 == 20
    assert told["provider"]["head_node_id"] == HEAD_ID
