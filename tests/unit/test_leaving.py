"""Who moves away from nodes that are about to be taken away, and who serves meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import pytest

from actors.leaving import Leaving, leaving_nodes, who_moves
from actors.watched import Watched
from vestlus.store.rows import MemberKind

CONVERSATION, PUBLISHER = MemberKind.CONVERSATION, MemberKind.PUBLISHER
LEAVES, STAYS, SILENT = "leaves", "stays", ""


def on(kind: MemberKind, *nodes: str) -> dict[str, Watched]:
    """Actors of a kind by name: on these nodes, or silent."""
    return {
        f"{kind}-{n}": Watched(kind, cast("Any", None), bool(node), 0.0, {"node": node})
        for n, node in enumerate(nodes)
    }


@pytest.mark.parametrize(
    ("nodes", "ending", "moving"),
    [
        ((LEAVES, LEAVES), (), ["conversation-0"]),
        ((LEAVES,), (), ["conversation-0"]),
        ((STAYS, LEAVES, LEAVES), (), ["conversation-1", "conversation-2"]),
        ((STAYS, STAYS), (), []),
        # The first has moved, and is ended, or started and silent: the second serves alone.
        ((LEAVES,), (CONVERSATION,), []),
        ((SILENT, LEAVES), (), []),
        ((STAYS, LEAVES), (), ["conversation-1"]),
        # Where another serves too, nobody waits for those that are silent or ended.
        ((SILENT, STAYS, LEAVES), (CONVERSATION,), ["conversation-2"]),
        # Of another kind, it says nothing.
        ((LEAVES, LEAVES), (PUBLISHER,), ["conversation-0"]),
        ((), (), []),
    ],
)
def test_where_all_that_serve_would_leave_one_moves_at_a_time(
    nodes: tuple[str, ...], ending: Collection[MemberKind], moving: list[str]
) -> None:
    watched = on(CONVERSATION, *nodes) | on(PUBLISHER, STAYS, SILENT)
    assert who_moves(watched, Leaving(frozenset({LEAVES})), ending) == moving


def test_one_of_each_kind_moves_together() -> None:
    watched = on(CONVERSATION, LEAVES, LEAVES) | on(PUBLISHER, LEAVES, LEAVES)
    assert who_moves(watched, Leaving(frozenset({LEAVES})), ()) == ["conversation-0", "publisher-0"]


def test_of_a_cluster_that_ends_everybody_moves_who_is_there() -> None:
    watched = on(CONVERSATION, LEAVES, LEAVES, SILENT) | on(PUBLISHER, LEAVES)
    whole = Leaving(frozenset({LEAVES}), whole=True)
    names = ["conversation-0", "conversation-1", "publisher-0"]
    assert who_moves(watched, whole, (CONVERSATION,)) == names


@pytest.mark.parametrize(
    ("alive", "whole"), [([LEAVES], True), ([LEAVES, STAYS], False), ([], False)]
)
def test_a_cluster_ends_when_all_of_its_nodes_do_and_not_when_its_head_knows_of_none(
    monkeypatch: pytest.MonkeyPatch, alive: list[str], *, whole: bool
) -> None:
    nodes = [{"NodeID": one, "Alive": True} for one in alive] + [{"NodeID": "gone", "Alive": False}]
    monkeypatch.setattr("actors.leaving.state.get_draining_nodes", lambda: {LEAVES: 0})
    monkeypatch.setattr("ray.nodes", lambda: nodes)
    assert leaving_nodes() == Leaving(frozenset({LEAVES}), whole=whole)
