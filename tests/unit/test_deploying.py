"""What is shipped for deployment is right, and a broken copy of it is found out, by name."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.deploying import caddyfile, everything, kustomized, schemas
from tests.deploying.broken import Case, Tree
from tests.deploying.broken_doors import DOORS
from tests.deploying.broken_files import BROKEN_FILES
from tests.deploying.broken_machines import BROKEN_MACHINES
from tests.deploying.broken_network import CLOSED, OPEN
from tests.deploying.broken_objects import DEFINED, OBJECTS
from tests.deploying.broken_pods import PODS
from tests.deploying.broken_rights import RIGHTS
from tests.deploying.broken_serving import SERVING
from tests.deploying.broken_settings import SETTINGS
from tests.deploying.findings import Finding
from tests.scripts_loaded import ROOT

#: With the definitions of operators' kinds where they are there; `make check-deploy` insists.
DEFINITIONS = schemas.Definitions(everything.definitions_folder())


def test_nothing_that_is_shipped_is_wrong() -> None:
    assert list(everything.everything(ROOT, DEFINITIONS)) == []


@pytest.fixture(scope="module")
def shipped() -> dict[str, Tree]:
    return {overlay: kustomized.kept(ROOT, overlay) for overlay in kustomized.SHIPPED}


#: Those of DEFINED need the operators' definitions.
BROKEN: dict[str, Case] = {
    **DOORS,
    **OPEN,
    **CLOSED,
    **SETTINGS,
    **PODS,
    **SERVING,
    **OBJECTS,
    **RIGHTS,
    **(DEFINED if DEFINITIONS.there else {}),
}


def rules(found: list[Finding]) -> set[str]:
    return {each.rule for each in found}


def finds(rule: str, found: Iterable[Finding]) -> bool:
    """Whether the rule is broken; what comes after it is not looked for any more."""
    return any(each.rule == rule for each in found)


@pytest.mark.parametrize(
    ("overlay", "how"),
    [
        (overlay, how)
        for overlay in kustomized.SHIPPED
        for how, case in BROKEN.items()
        if case.only in (None, overlay)
    ],
)
def test_a_broken_manifest_is_found_out(shipped: dict[str, Tree], overlay: str, how: str) -> None:
    case = BROKEN[how]
    broken = copy.deepcopy(shipped[overlay])
    case.change(broken)
    assert broken != shipped[overlay]
    assert finds(case.rule, everything.of_objects(broken, ROOT, DEFINITIONS))


def test_no_way_of_breaking_it_is_written_down_twice() -> None:
    tables = (DOORS, OPEN, CLOSED, SETTINGS, PODS, SERVING, OBJECTS, RIGHTS, DEFINED)
    assert len({how for table in tables for how in table}) == sum(map(len, tables))


DEFINITION = """
spec:
  group: ray.io
  names:
    kind: RayService
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          metadata: {type: object}
          spec:
            type: object
            required: [size]
            properties:
              size: {x-kubernetes-int-or-string: true}
              anything: {type: object, x-kubernetes-preserve-unknown-fields: true}
              labels: {type: object, additionalProperties: {type: string}}
"""


@pytest.mark.parametrize(
    ("spec", "faults"),
    [
        ({"size": "4Gi", "anything": {"a": 1}, "labels": {"a": "b"}}, 0),
        ({"size": 4}, 0),
        ({"size": 4, "sise": 4}, 1),
        ({}, 1),
        ({"size": [4]}, 1),
        ({"size": 4, "labels": {"a": 1}}, 1),
    ],
)
def test_an_operators_kind_is_compared_with_its_definition(
    tmp_path: Path, spec: dict[str, Any], faults: int
) -> None:
    (tmp_path / "definition.yaml").write_text(DEFINITION)
    made = {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    found = list(schemas.check([made], schemas.Definitions(tmp_path)))
    assert [each.rule for each in found] == ["schema"] * faults


def test_a_kind_that_the_folder_does_not_define_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "definition.yaml").write_text(DEFINITION)
    made = {"apiVersion": "ray.io/v2", "kind": "RayService", "metadata": {"name": "a"}}
    assert rules(list(schemas.check([made], schemas.Definitions(tmp_path)))) == {"schema"}


@pytest.mark.parametrize(("name", "old", "new", "rule"), [*BROKEN_FILES, *BROKEN_MACHINES])
def test_a_broken_file_is_found_out(copied: Path, name: str, old: str, new: str, rule: str) -> None:
    text = (copied / name).read_text("utf-8")
    assert old in text
    (copied / name).write_text(text.replace(old, new), "utf-8")
    assert finds(rule, everything.of_files(copied))


def test_a_file_that_is_not_broken_is_not_found_out(copied: Path) -> None:
    assert list(everything.of_files(copied)) == []


@pytest.mark.parametrize(
    ("host", "port", "upstream"),
    [
        ("VESTLUS_HTTP_HOST=127.0.0.1", "", "127.0.0.1:8000"),
        ("", "", "@public 127.0.0.1:8000"),
        ("VESTLUS_HTTP_HOST=::1", "VESTLUS_HTTP_PORT=9000", "http://[::1]:9000"),
    ],
)
def test_a_proxy_leads_to_where_the_service_listens(
    copied: Path, host: str, port: str, upstream: str
) -> None:
    (copied / "deploy/vm/settings.env").write_text(f"{host}\n{port}\n", "utf-8")
    file = copied / "deploy/vm/Caddyfile"
    text = file.read_text("utf-8")
    file.write_text(text.replace("_proxy 127.0.0.1:8000", f"_proxy {upstream}"), "utf-8")
    assert list(caddyfile.check(copied)) == []


@pytest.mark.parametrize("there", ["kubectl", "no kubectl"])
def test_sources_that_changed_are_noticed_with_and_without_kubectl(
    copied: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    if there == "no kubectl":
        monkeypatch.setattr(kustomized, "kubectl", lambda: None)
    assert list(kustomized.check(copied)) == []
    settings_file = copied / "deploy/aks/base/settings.yaml"
    settings_file.write_text(settings_file.read_text().replace('"2"', '"3"', 1))
    assert rules(list(kustomized.check(copied))) == {"rendering"}


def test_what_was_rendered_and_then_changed_by_hand_is_noticed_without_kubectl(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kustomized, "kubectl", lambda: None)
    for overlay in kustomized.SHIPPED:
        file = kustomized.place(copied, overlay)
        text = file.read_text("utf-8")
        file.write_text(text.replace("type: ClusterIP", "type: LoadBalancer", 1), "utf-8")
        found = [one.where for one in kustomized.check(copied)]
        assert found == [str(file.relative_to(copied))]
        file.write_text(text, "utf-8")
