"""What pods and operators need from Azure is there, and a copy without it is found out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploying import azure, kustomized
from tests.deploying.broken import Tree, group, one, pod
from tests.deploying.safety import INTERNAL_CLASSES
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
    "pods whose account names no identity": lambda t: one(t, "ServiceAccount")["metadata"].pop(
        "annotations"
    ),
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


def test_the_class_that_is_taken_for_internal_is_of_a_controller_with_such_a_load_balancer() -> (
    None
):
    assert azure.internal_classes(ROOT) == INTERNAL_CLASSES
