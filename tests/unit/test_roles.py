"""Where actors may be, when nodes are for roles."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import conversation_registry
from actors import fleet, placing
from actors.fleet import Fleet
from actors.leaving import Leaving, LeavingNodes
from vestlus.hosting.signs import SignsOfLife
from vestlus.settings import Mode, load_settings
from vestlus.store.rows import MemberKind


class Started:
    """Stands for an actor's class, and keeps with which options it was started."""

    def __init__(self) -> None:
        self.options_given: dict[str, Any] = {}

    def options(self, **given: Any) -> Started:  # noqa: ANN401 - Ray's
        self.options_given = given
        return self

    def remote(self, *_: object) -> Started:
        return self


@pytest.mark.parametrize(
    ("kind", "roles", "asked"),
    [
        (MemberKind.CONVERSATION, "true", {"vestlus_conversation": 0.001}),
        (MemberKind.PUBLISHER, "true", {"vestlus_publisher": 0.001}),
        (MemberKind.SCHEDULER, "true", {"vestlus_webhook": 0.001}),
        (MemberKind.SCHEDULER, "false", {}),
        (MemberKind.CONVERSATION, "false", {}),
    ],
)
def test_an_actor_asks_for_its_role_where_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch, kind: MemberKind, roles: str, asked: dict[str, float]
) -> None:
    started = Started()
    monkeypatch.setattr(fleet, "ACTOR_CLASSES", {kind: started})
    monkeypatch.setattr(fleet, "free_by_node", dict)
    settings = load_settings({"VESTLUS_NODE_ROLES": roles}, mode=Mode.OPERATE)

    Fleet(settings, "c", SignsOfLife(), LeavingNodes(Leaving))._start(f"{kind}-0", kind)

    assert started.options_given["resources"] == asked


@pytest.mark.parametrize(("roles", "asked"), [("true", {"vestlus_webhook": 0.001}), ("false", {})])
def test_the_registry_leaves_the_processors_of_other_roles_alone(
    monkeypatch: pytest.MonkeyPatch, roles: str, asked: dict[str, float]
) -> None:
    started = Started()
    monkeypatch.setattr(conversation_registry, "ConversationRegistry", started)

    conversation_registry.start_registry(
        load_settings({"VESTLUS_NODE_ROLES": roles}, mode=Mode.OPERATE), "c"
    )

    assert started.options_given["resources"] == asked


@pytest.mark.parametrize("state", ["PENDING_CREATION", "RESTARTING"])
@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([{"CPU": 4.0}, {"CPU": 0.0, "vestlus_publisher": 1.0}], "waits"),
        ([{"CPU": 1.0, "vestlus_publisher": 1.0}], "starts"),
        ([], "waits"),
    ],
)
def test_an_actor_waits_for_a_node_that_has_both_processors_and_its_role(
    monkeypatch: pytest.MonkeyPatch, nodes: list[dict[str, float]], found: str, state: str
) -> None:
    told = {"State": state, "Pid": 0}
    monkeypatch.setattr(placing, "actors", lambda _: told)
    monkeypatch.setattr(placing, "available_resources_per_node", lambda: dict(enumerate(nodes)))
    handle: Any = SimpleNamespace(_actor_id=SimpleNamespace(hex=lambda: "1"))

    needs = {"CPU": 1.0, "vestlus_publisher": 0.001}

    assert placing.waits_for_a_node(handle, needs) is (found == "waits")
