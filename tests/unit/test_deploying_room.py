"""What the pods ask for is added up, and the page with sizes says it."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest

from tests.deploying import kustomized, room
from tests.deploying.broken import broker, container, database, group, one
from tests.scripts_loaded import ROOT


@pytest.mark.parametrize("overlay", kustomized.SHIPPED)
def test_the_page_with_sizes_says_what_the_pods_ask_for(overlay: str) -> None:
    shipped = kustomized.kept(ROOT, overlay)
    assert list(room.check(ROOT, shipped, overlay)) == []

    asks_more = copy.deepcopy(shipped)
    container(asks_more)["resources"]["requests"]["cpu"] = "2"
    more_of_them = copy.deepcopy(shipped)
    group(more_of_them, 1)["maxReplicas"] += 1
    more_memory = copy.deepcopy(shipped)
    one(more_memory, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]["resources"]["requests"][
        "memory"
    ] = "3Gi"
    larger_disk = copy.deepcopy(shipped)
    broker(larger_disk)["persistence"]["storage"] = "64Gi"
    for broken in (asks_more, more_of_them, more_memory, larger_disk):
        assert [each.rule for each in room.check(ROOT, broken, overlay)] == ["room"]


def test_a_disk_that_the_promised_rate_fills_is_found_out() -> None:
    broken = copy.deepcopy(kustomized.kept(ROOT, "small"))
    database(broken)["storage"]["size"] = "128Gi"
    found = [str(each) for each in room.check(ROOT, broken, "small")]
    assert (
        "small: Cluster vestlus-postgres: 1,000,000 messages a day want a disk of 256 GiB [room]"
        in found
    )


def test_an_overlay_without_a_rate_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "docs/operations.md"
    page.parent.mkdir()
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    page.write_text(text.replace("AKS, overlay `small`", "AKS"), "utf-8")
    (found,) = room.check(tmp_path, kustomized.kept(ROOT, "small"), "small")
    assert found.what == "does not say what small carries"


@pytest.mark.parametrize(
    ("word", "number"), [("500m", 0.5), ("1", 1.0), (2, 2.0), ("512Mi", 2**29), ("2Gi", 2**31)]
)
def test_quantities_are_read_as_kubernetes_reads_them(word: object, number: float) -> None:
    assert room.quantity(word) == number


def test_nodes_are_as_many_as_the_scarcer_of_processors_and_memory_needs() -> None:
    assert room.Room(3.0, 1.0).nodes() == 2
    assert room.Room(0.5, 40.0).nodes() == 4


def test_what_was_measured_is_on_the_page_and_not_in_manifests_beside_it() -> None:
    """A number in a comment stays when the page is measured again."""
    told = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in sorted((ROOT / "deploy/aks").rglob("*.yaml"))
        for line in file.read_text("utf-8").splitlines()
        if re.search(r"#.*(measured|\d ms\b)", line)
    ]
    assert told == []
