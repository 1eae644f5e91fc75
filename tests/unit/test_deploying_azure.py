"""What pods and operators need from Azure is there, and a copy without it is found out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploying import azure, everything, kustomized, schemas
from tests.deploying.broken import Tree, group, one, pod
from tests.scripts_loaded import ROOT


@pytest.fixture(scope="module", params=kustomized.SHIPPED)
def shipped(request: pytest.FixtureRequest) -> Tree:
    return kustomized.kept(ROOT, request.param)


def store(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "SecretStore", "key-vault")["spec"]["provider"]["azurekv"]


#: How a deployment is broken.
BROKEN: dict[str, Callable[[Tree], Any]] = {
    "a store of secrets without a tenant": lambda t: store(t).pop("tenantId"),
    "pods that may read the whole vault": lambda t: pod(t).update(
        serviceAccountName="vestlus-secrets"
    ),
    "pods that may do what the autoscaler may": lambda t: (
        pod(t).update(serviceAccountName="vestlus-head"),
        group(t)["template"]["metadata"]["labels"].pop("azure.workload.identity/use"),
    ),
    "pods that have a token for Kubernetes": lambda t: pod(t).pop("automountServiceAccountToken"),
    "a console whose addresses get into a log": lambda t: one(t, "Ingress", "vestlus-console")[
        "metadata"
    ]["annotations"].pop("nginx.ingress.kubernetes.io/enable-access-log"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_deployment_that_gets_less_than_it_needs_or_more_is_found_out(
    shipped: Tree, how: str
) -> None:
    assert list(azure.check(shipped)) == []
    broken = copy.deepcopy(shipped)
    BROKEN[how](broken)
    assert {each.rule for each in azure.check(broken)} == {"identity"}


NO_DEFINITIONS = schemas.Definitions(None)
CONTROLLER = Path("deploy/aks/cluster/internal-ingress.yaml")


def test_what_is_applied_beside_an_overlay_has_its_form() -> None:
    assert list(azure.check_beside(ROOT, NO_DEFINITIONS)) == []
    assert azure.beside(ROOT, "cluster")
    assert azure.beside(ROOT, "optional")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('internal: "true"', 'internal: "false"'),
        ('internal: "true"', "internal: true"),
        ("ingressClassName: nginx-internal", "ingressClassName: nginx-other"),
        ("spec:", "specification:"),
        (
            """  loadBalancerAnnotations:
    service.beta.kubernetes.io/azure-load-balancer-internal: "true"
""",
            "",
        ),
    ],
)
def test_a_console_whose_controller_is_not_internal_is_open_to_anybody(
    copied: Path, shipped: Tree, old: str, new: str
) -> None:
    def public() -> list[str]:
        found = everything.of_objects(shipped, copied, NO_DEFINITIONS)
        return [one.where for one in found if one.rule == "public"]

    assert public() == []
    text = (copied / CONTROLLER).read_text("utf-8")
    assert old in text
    (copied / CONTROLLER).write_text(text.replace(old, new), "utf-8")
    assert set(public()) == {"Ingress vestlus-console"}
    if "ingressClassName" not in old:
        (told,) = azure.check_beside(copied, NO_DEFINITIONS)
        assert (told.rule, told.where) == (
            "public",
            "cluster: NginxIngressController nginx-internal",
        )


def test_an_optional_policy_that_has_not_its_form_is_found_out(copied: Path) -> None:
    file = copied / "deploy/aks/optional/other-ports/network.yaml"
    file.write_text(file.read_text("utf-8").replace("policyTypes", "policyTipes"), "utf-8")
    found = list(azure.check_beside(copied, NO_DEFINITIONS))
    assert {(one.rule, one.where.split(":")[0]) for one in found} == {("schema", "optional")}


DEFINITION = """
spec:
  group: approuting.kubernetes.azure.com
  names:
    kind: NginxIngressController
  versions:
  - name: v1alpha1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          spec: {type: object, properties: {ingressClassName: {type: string}}}
"""


def test_a_controller_is_compared_with_its_definition_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "definition.yaml").write_text(DEFINITION, "utf-8")
    found = list(azure.check_beside(ROOT, schemas.Definitions(tmp_path)))
    assert {one.rule for one in found} == {"schema"}
