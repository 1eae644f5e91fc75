"""What pods and operators need from Azure is there, and a copy without it is found out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploying import azure, kustomized
from tests.deploying.broken import Tree, one
from tests.scripts_loaded import ROOT


@pytest.fixture(scope="module", params=kustomized.OVERLAYS)
def shipped(request: pytest.FixtureRequest) -> Tree:
    return kustomized.kept(ROOT, request.param)


def store(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "SecretStore", "key-vault")["spec"]["provider"]["azurekv"]


#: How a deployment is broken.
BROKEN: dict[str, Callable[[Tree], Any]] = {
    "a store of secrets without a tenant": lambda t: store(t).pop("tenantId"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_deployment_that_gets_less_than_it_needs_or_more_is_found_out(
    shipped: Tree, how: str
) -> None:
    assert list(azure.check(shipped)) == []
    broken = copy.deepcopy(shipped)
    BROKEN[how](broken)
    assert [each.rule for each in azure.check(broken)] == ["identity"]
