"""Ray's head reaches what it needs to come back, and a copy in which it does not is found out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploying import control_store, kustomized
from tests.deploying.broken import Tree, one, policy, without
from tests.scripts_loaded import ROOT


@pytest.fixture(scope="module")
def small() -> Tree:
    return kustomized.kept(ROOT, "small")


def options(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "RayService")["spec"]["rayClusterConfig"]["gcsFaultToleranceOptions"]


#: How a deployment is broken, and the rule that finds it.
BROKEN: dict[str, tuple[str, Callable[[Tree], Any]]] = {
    "a backend behind a gate": ("ray", lambda t: options(t).update(backend="rocksdb")),
    "settings that are sent as they are": (
        "ray",
        lambda t: options(t).update(redisAddress="redis://vestlus-redis.vestlus.svc:6379"),
    ),
    "no password": ("secret", lambda t: options(t).pop("redisPassword")),
    "a password that nothing makes": (
        "secret",
        lambda t: without(t, "ExternalSecret", "vestlus-redis"),
    ),
    "a service that is not there": ("port", lambda t: without(t, "Service", "vestlus-redis")),
    "a head that is not let out": (
        "network",
        lambda t: without(t, "NetworkPolicy", "head-to-redis"),
    ),
    "a Redis that lets nobody in": ("network", lambda t: policy(t, "redis")["ingress"].clear()),
    "a Redis that lets in to another port": (
        "network",
        lambda t: policy(t, "redis")["ingress"][0]["ports"][0].update(port=6380),
    ),
}


@pytest.mark.parametrize("overlay", kustomized.SHIPPED)
def test_the_head_of_what_is_shipped_reaches_its_redis(overlay: str) -> None:
    assert list(control_store.check(kustomized.kept(ROOT, overlay))) == []


@pytest.mark.parametrize("how", BROKEN)
def test_a_head_that_would_not_come_back_is_found_out(small: Tree, how: str) -> None:
    rule, change = BROKEN[how]
    broken = copy.deepcopy(small)
    change(broken)
    assert [each.rule for each in control_store.check(broken)] == [rule]
