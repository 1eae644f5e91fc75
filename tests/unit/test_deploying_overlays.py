"""An overlay that somebody adds for himself is looked at as those that are shipped."""

from __future__ import annotations

import shutil
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
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What overlays are made of, the page with their sizes, and an overlay more: `ours`."""
    monkeypatch.setattr(kustomized, "kubectl", lambda: None)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for place in ROOT.iterdir():
        if place.name != "deploy" and not place.name.startswith("."):
            (tmp_path / place.name).symlink_to(place)
    ours = tmp_path / "deploy/aks/overlays/ours"
    ours.mkdir()
    (ours / "kustomization.yaml").write_text(OWN, "utf-8")
    return tmp_path


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
    copied: Path,
) -> None:
    assert found(copied) == [("rendering", "deploy/aks/rendered/ours.yaml")]


def test_an_own_overlay_with_nothing_wrong_has_no_finding_and_need_not_be_on_the_page(
    copied: Path,
) -> None:
    def larger(tree: Tree) -> None:
        broker = one(tree, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]["resources"]
        broker["requests"]["memory"] = broker["limits"]["memory"] = "6Gi"

    keep(copied, larger)
    assert found(copied) == []


def test_a_balancer_in_an_own_overlay_is_found_out(copied: Path) -> None:
    keep(copied, lambda t: one(t, "Service", "vestlus-http")["spec"].update(type="LoadBalancer"))
    assert ("public", "ours: Service vestlus-http") in found(copied)


@pytest.mark.parametrize(
    "changed", ["overlays/production/ray.yaml", "optional/other-ports/network.yaml"]
)
def test_what_an_own_overlay_is_built_on_may_not_change_without_it(
    copied: Path, changed: str
) -> None:
    keep(copied, lambda _: None)
    with (copied / "deploy/aks" / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert ("rendering", "deploy/aks/rendered/ours.yaml") in found(copied)


def test_what_has_not_its_form_is_told_and_is_not_added_up(copied: Path) -> None:
    def broken(tree: Tree) -> None:
        group(tree, 1).pop("minReplicas")
        one(tree, "Service", "vestlus-http")["spec"]["prots"] = []

    keep(copied, broken)
    assert found(copied) == [("schema", "ours: Service vestlus-http")]
