"""What is reached by Gateway API is what may be, and a copy that opens more is found out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.deploying import azure, everything, kustomized, schemas
from tests.deploying.broken import HTTP, Tree, gone, one, policy
from tests.scripts_loaded import ROOT


@pytest.fixture(scope="module", params=kustomized.SHIPPED)
def shipped(request: pytest.FixtureRequest) -> Tree:
    overlay = kustomized.kept(ROOT, request.param)
    return [dict(each) for each in everything.with_gateways(overlay, ROOT)]


def gateway(tree: Tree, name: str = "public") -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "Gateway", name)["spec"]


def listener(tree: Tree, name: str = "public") -> Any:  # noqa: ANN401 - of any shape
    return gateway(tree, name)["listeners"][0]


def route(tree: Tree, name: str = "vestlus-public") -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "HTTPRoute", name)["spec"]


def rule(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return route(tree)["rules"][0]


def path(**given: str) -> Callable[[Tree], Any]:
    return lambda t: rule(t)["matches"].append({"path": {"type": "PathPrefix", **given}})


def filtered(name: str) -> Callable[[Tree], Any]:
    return lambda t: rule(t).update(filters=[{"type": name}])


def options(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return listener(tree)["tls"]["options"]


def plain(tree: Tree) -> None:
    gateway(tree)["listeners"].append({**listener(tree), "name": "http", "protocol": "HTTP"})


def of_another_kind(tree: Tree) -> None:
    made = copy.deepcopy(one(tree, "HTTPRoute", "vestlus-public"))
    tree.append({**made, "kind": "TCPRoute"})


def in_our_namespace(tree: Tree) -> None:
    for each in tree:
        if each["metadata"].get("namespace") == "vestlus-gateway":
            each["metadata"]["namespace"] = "vestlus"


READER = "kubernetes.azure.com/tls-cert-service-account"
CERTIFICATE = "kubernetes.azure.com/tls-cert-keyvault-uri"

#: How a deployment is broken, and the rule that finds it.
BROKEN: dict[str, tuple[str, Callable[[Tree], Any]]] = {
    "a console that is open to anybody": ("public", path(value="/console")),
    "everything open to anybody": ("public", lambda t: rule(t)["matches"].append({})),
    "every path with a header": (
        "public",
        lambda t: rule(t)["matches"].append({"headers": [{"name": "a", "value": "b"}]}),
    ),
    "a rule without a match": ("public", lambda t: rule(t).pop("matches")),
    "a path that is an expression": (
        "public",
        path(type="RegularExpression", value="/webhook"),
    ),
    "a path that is written anew": ("public", filtered("URLRewrite")),
    "requests that go to another besides": ("public", filtered("RequestMirror")),
    "what the gateway's own filter does": ("public", filtered("ExtensionRef")),
    "the console's gateway on the internet": (
        "public",
        lambda t: gateway(t, "internal").pop("infrastructure"),
    ),
    "the console's gateway of a class that takes no annotation": (
        "public",
        lambda t: gateway(t, "internal").update(gatewayClassName="another"),
    ),
    "a console on the public gateway": (
        "public",
        lambda t: route(t, "vestlus-console")["parentRefs"][0].update(name="public"),
    ),
    "a console on both gateways": (
        "public",
        lambda t: route(t, "vestlus-console")["parentRefs"].append(
            {"name": "public", "namespace": "vestlus-gateway"}
        ),
    ),
    "routes of everybody": (
        "public",
        lambda t: listener(t)["allowedRoutes"]["namespaces"].update({"from": "All"}),
    ),
    "a route of a kind that nobody looked at": ("public", of_another_kind),
    "a listener without TLS": ("tls", plain),
    "TLS that ends elsewhere": ("tls", lambda t: listener(t)["tls"].update(mode="Passthrough")),
    "a listener for every name": ("tls", lambda t: listener(t).pop("hostname")),
    "a route for every name": ("tls", lambda t: route(t).pop("hostnames")),
    "a route for a name without a certificate": (
        "tls",
        lambda t: route(t).update(hostnames=["www.example.org"]),
    ),
    "no certificate": ("secret", lambda t: options(t).pop(CERTIFICATE)),
    "a certificate that nobody reads": ("account", lambda t: options(t).pop(READER)),
    "a certificate that an account elsewhere reads": (
        "account",
        lambda t: options(t).update({READER: "vestlus-secrets"}),
    ),
    "a reader without an identity": (
        "identity",
        lambda t: one(t, "ServiceAccount", "certificates")["metadata"].pop("annotations"),
    ),
    "no gateway": ("selector", gone("Gateway", "public")),
    "a gateway that takes none of our routes": (
        "selector",
        lambda t: listener(t)["allowedRoutes"].pop("namespaces"),
    ),
    "a listener that is not there": (
        "selector",
        lambda t: route(t)["parentRefs"][0].update(sectionName="http"),
    ),
    "a route of no gateway": ("selector", lambda t: route(t).pop("parentRefs")),
    "a route that leads nowhere": ("selector", lambda t: rule(t).pop("backendRefs")),
    "a route to a service that is not there": ("selector", gone("Service", HTTP)),
    "a route to another namespace": (
        "selector",
        lambda t: rule(t)["backendRefs"][0].update(namespace="default"),
    ),
    "a route to a port that the service has not": (
        "port",
        lambda t: rule(t)["backendRefs"][0].update(port=8000),
    ),
    "gateways where everything is closed": ("network", in_our_namespace),
    "no way from the gateways": ("network", gone("NetworkPolicy", "webhook-from-gateways")),
    "a way from the gateways to every port": (
        "network",
        lambda t: policy(t, "webhook-from-gateways")["ingress"][0].pop("ports"),
    ),
    "a public address that no route is for": (
        "settings",
        lambda t: one(t, "ConfigMap", "vestlus-settings")["data"].update(
            VESTLUS_PUBLIC_URL="https://www.example.org"
        ),
    ),
}


def rules(tree: Sequence[dict[str, Any]]) -> set[str]:
    return {each.rule for each in everything.meant(tree, ROOT)}


def test_the_gateways_that_are_shipped_open_what_they_should(shipped: Tree) -> None:
    assert list(everything.meant(shipped, ROOT)) == []
    assert not any(each["kind"] == "Ingress" for each in shipped)


@pytest.mark.parametrize("overlay", kustomized.SHIPPED)
def test_both_ways_in_may_stand_side_by_side(overlay: str) -> None:
    both = [*kustomized.kept(ROOT, overlay), *azure.beside(ROOT, "optional/gateway-api")]
    assert list(everything.meant(both, ROOT)) == []


@pytest.mark.parametrize("how", BROKEN)
def test_gateways_that_open_more_or_lead_nowhere_are_found_out(shipped: Tree, how: str) -> None:
    rule, change = BROKEN[how]
    broken = copy.deepcopy(shipped)
    change(broken)
    assert rule in rules(broken)


def test_a_gateway_beside_the_ingress_leaves_no_way_that_is_not_used(copied: Path) -> None:
    file = copied / "deploy/aks/optional/gateway-api/without-ingress.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("name: webhook-from-ingress", "name: other"), "utf-8")
    assert {each.rule for each in everything.of_gateways(copied)} == {"network"}


DEFINITION = """
spec:
  group: gateway.networking.k8s.io
  names:
    kind: Gateway
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          spec: {type: object, properties: {gatewayClassName: {type: string}}}
"""


def test_a_gateway_is_compared_with_its_definition_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "definition.yaml").write_text(DEFINITION, "utf-8")
    found = list(azure.check_beside(ROOT, schemas.Definitions(tmp_path)))
    assert {each.rule for each in found} == {"schema"}
    assert {each.where for each in found} == {
        "optional: Gateway public",
        "optional: Gateway internal",
    }
