"""What settings lead to outside the cluster is let through, or said to be cut off."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.deploying import kustomized, outside, safety, schemas
from tests.deploying.broken import Tree, one, policy, settings
from tests.scripts_loaded import ROOT


@pytest.fixture(scope="module")
def shipped() -> Tree:
    return kustomized.kept(ROOT, "production")


@pytest.fixture(scope="module")
def other_ports() -> Tree:
    file = ROOT / "deploy/aks/optional/other-ports/network.yaml"
    return list(yaml.safe_load_all(file.read_text("utf-8")))


def secret_mail(tree: Tree) -> None:
    one(tree, "ExternalSecret", "vestlus-secrets")["spec"]["data"].append(
        {"secretKey": "VESTLUS_SMTP_URL", "remoteRef": {"key": "vestlus-smtp-url"}}
    )


#: Settings that lead to another port than 443.
LEADING: dict[str, Callable[[Tree], None]] = {
    "mail, by a secret": secret_mail,
    "mail with TLS from the beginning": lambda t: settings(t).update(
        VESTLUS_SMTP_URL="smtps://mail.example.org"
    ),
    "a collector": lambda t: settings(t).update(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.monitoring.svc:4318"
    ),
    "a model's server": lambda t: settings(t).update(OPENAI_BASE_URL="http://10.1.2.3:8000/v1"),
}


@pytest.mark.parametrize("what", LEADING)
def test_a_port_that_no_policy_opens_is_told_and_the_optional_policies_open_it(
    shipped: Tree, other_ports: Tree, what: str
) -> None:
    assert list(outside.check(shipped)) == []
    changed = copy.deepcopy(shipped)
    LEADING[what](changed)
    assert {each.rule for each in outside.check(changed)} == {"network"}
    assert list(outside.check([*changed, *other_ports])) == []


@pytest.fixture
def own_model(shipped: Tree) -> Tree:
    changed = copy.deepcopy(shipped)
    settings(changed).update(OPENAI_BASE_URL="http://10.1.2.3:8080/v1")
    return changed


def test_a_port_in_a_range_is_open(own_model: Tree, other_ports: Tree) -> None:
    opened = copy.deepcopy(other_ports)
    policy(opened, "ray-to-model")["egress"][0]["ports"][0].update(port=8000, endPort=9000)
    assert list(outside.check([*own_model, *opened])) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rule: rule["ports"][0].update(port=8000, endPort=8079),
        lambda rule: rule["ports"][0].update(protocol="UDP"),
        lambda rule: rule["to"][0]["ipBlock"].update(cidr="10.9.0.0/16"),
        lambda rule: rule["to"][0]["ipBlock"].update({"except": ["10.1.2.0/24"]}),
    ],
)
def test_another_address_range_or_protocol_is_not_taken_for_the_one_that_is_needed(
    own_model: Tree, other_ports: Tree, change: Callable[[Any], None]
) -> None:
    opened = copy.deepcopy(other_ports)
    rule = policy(opened, "ray-to-model")["egress"][0]
    rule["ports"][0].update(port=8080)
    change(rule)
    assert {each.rule for each in outside.check([*own_model, *opened])} == {"network"}


def test_a_collector_in_another_namespace_is_not_the_one_that_is_open(
    shipped: Tree, other_ports: Tree
) -> None:
    changed = copy.deepcopy(shipped)
    settings(changed).update(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.tracing.svc:4318")
    assert {each.rule for each in outside.check([*changed, *other_ports])} == {"network"}


def test_a_service_that_may_reach_nothing_outside_is_told(shipped: Tree) -> None:
    closed = copy.deepcopy(shipped)
    policy(closed, "ray-to-the-world")["egress"].clear()
    assert {each.rule for each in outside.check(closed)} == {"network"}


def test_the_optional_policies_are_as_kubernetes_has_them_and_open_nothing_else(
    shipped: Tree, other_ports: Tree
) -> None:
    assert list(schemas.check(other_ports, schemas.Definitions(None))) == []
    assert list(safety.check([*shipped, *other_ports], safety.project_version(ROOT))) == []
