"""An overlay that somebody adds for himself is looked at as those that are shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploying import everything, kustomized, room, schemas
from tests.deploying.broken import Tree, group, one
from tests.scripts_loaded import ROOT

#: With Kubernetes' own schemas only.
DEFINITIONS = schemas.Definitions(None)

OWN = "bases: [../production, ../../optional/other-ports]\n"


@pytest.fixture
def ours(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy in which is an overlay more, `ours`."""
    monkeypatch.setattr(kustomized, "kubectl", lambda: None)
    folder = copied / "deploy/aks/overlays/ours"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(OWN, "utf-8")
    return copied


def keep(root: Path, change: Callable[[Tree], Any]) -> None:
    """Renders `ours` as `production` with a change."""
    tree = kustomized.kept(root, "production")
    change(tree)
    kustomized.place(root, "ours").write_text(kustomized.written(root, "ours", tree), "utf-8")


def found(root: Path) -> list[tuple[str, str]]:
    return [(one.rule, one.where) for one in everything.of_overlays(root, DEFINITIONS)]


def test_those_that_are_shipped_are_there_and_the_page_says_their_sizes() -> None:
    assert set(kustomized.overlays(ROOT)) >= set(kustomized.SHIPPED)
    assert room.told(ROOT) == set(kustomized.SHIPPED)


def test_an_own_overlay_that_was_not_rendered_is_a_finding_and_the_others_have_none(
    ours: Path,
) -> None:
    assert found(ours) == [("rendering", "deploy/aks/rendered/ours.yaml")]


def test_an_own_overlay_with_nothing_wrong_has_no_finding_and_need_not_be_on_the_page(
    ours: Path,
) -> None:
    def larger(tree: Tree) -> None:
        broker = one(tree, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]["resources"]
        broker["requests"]["memory"] = broker["limits"]["memory"] = "6Gi"

    keep(ours, larger)
    assert found(ours) == []


def test_a_balancer_in_an_own_overlay_is_found_out(ours: Path) -> None:
    keep(ours, lambda t: one(t, "Service", "vestlus-http")["spec"].update(type="LoadBalancer"))
    assert ("public", "ours: Service vestlus-http") in found(ours)


@pytest.mark.parametrize(
    "changed", ["overlays/production/ray.yaml", "optional/other-ports/network.yaml"]
)
def test_what_an_own_overlay_is_built_on_may_not_change_without_it(
    ours: Path, changed: str
) -> None:
    keep(ours, lambda _: None)
    with (ours / "deploy/aks" / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert ("rendering", "deploy/aks/rendered/ours.yaml") in found(ours)


def test_what_has_not_its_form_is_told_and_is_not_added_up(ours: Path) -> None:
    def broken(tree: Tree) -> None:
        group(tree, 1).pop("minReplicas")
        one(tree, "Service", "vestlus-http")["spec"]["prots"] = []

    keep(ours, broken)
    assert found(ours) == [("schema", "ours: Service vestlus-http")]
