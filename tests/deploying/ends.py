"""Who speaks with whom: the pods of a deployment by what they are for, and those others outside of
it that have to do with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tests.deploying.gateways import parents, routes
from tests.deploying.objects import Objects, Pods, behind, matches, of_kind, pods
from tests.deploying.policies import NAME, OWN, End

#: Others, as their own installation calls them: the charts of KubeRay, CloudNativePG and
#: kube-prometheus-stack, AKS's application routing and its CoreDNS.
OTHERS: Final = {
    "names": End("DNS", {"k8s-app": "kube-dns"}, space={NAME: "kube-system"}),
    "kuberay": End(
        "KubeRay",
        {
            "app.kubernetes.io/name": "kuberay-operator",
            "app.kubernetes.io/component": "kuberay-operator",
        },
        space={NAME: "kuberay-system"},
    ),
    "cnpg": End(
        "CloudNativePG",
        {"app.kubernetes.io/name": "cloudnative-pg"},
        space={NAME: "cnpg-system"},
    ),
    "ingress": End("the ingress", space={NAME: "app-routing-system"}),
    "prometheus": End(
        "Prometheus",
        {"app.kubernetes.io/name": "prometheus"},
        space={NAME: "monitoring"},
    ),
    # Of the ranges that RFC 5737 sets aside, so nobody's.
    "world": End("an address of the internet", address="203.0.113.7"),
}

#: Where a machine has its own identity and what else is told to it only.
METADATA: Final = End("the machine's metadata", address="169.254.169.254")


def end(one: Pods) -> End:
    """A pod as policies see it."""
    return End(one.owner, one.labels, one.ports)


def entrances(objects: Objects) -> Iterator[tuple[End, Pods, int]]:
    """The pods to which ingresses and gateways lead: who asks, whom, and on which port."""
    for one in of_kind(objects, "Ingress"):
        for rule in one["spec"].get("rules") or []:
            for path in rule["http"]["paths"]:
                backend = path["backend"].get("service") or {}
                port = backend.get("port") or {}
                for some, number in _asked(objects, str(backend.get("name")), port):
                    yield OTHERS["ingress"], some, number
    yield from _routed(objects)


def _routed(objects: Objects) -> Iterator[tuple[End, Pods, int]]:
    for route in routes(objects):
        for _, gateway in parents(route, objects):
            if gateway is None:
                continue
            for rule in route["spec"].get("rules") or []:
                for backend in rule.get("backendRefs") or []:
                    port = {"number": backend.get("port", 0)}
                    for some, number in _asked(objects, str(backend.get("name")), port):
                        yield _of_gateway(gateway["metadata"]), some, number


def _of_gateway(metadata: Mapping[str, Any]) -> End:
    """The pods that come of a gateway, in its own namespace ("GEP-1762")."""
    label = {"gateway.networking.k8s.io/gateway-name": metadata["name"]}
    where = {NAME: metadata.get("namespace", OWN)}
    return End(f"the gateway {metadata['name']}", label, space=where)


def _asked(
    objects: Objects, service: str, port: Mapping[str, str | int]
) -> Iterator[tuple[Pods, int]]:
    for one in of_kind(objects, "Service"):
        for offered in one["spec"]["ports"]:
            known = (offered.get("name") or "", offered["port"])
            wanted = port.get("name", port.get("number"))
            if one["metadata"]["name"] != service or wanted not in known:
                continue
            for some in behind(objects, service):
                number = some.port(offered.get("targetPort", offered["port"]))
                if number is not None:
                    yield some, number


def measured(objects: Objects) -> Iterator[tuple[Pods, int]]:
    """The pods that monitors choose, each with the port on which Prometheus asks."""
    for one in of_kind(objects, "PodMonitor"):
        for some in pods(objects):
            if matches(one["spec"]["selector"], some.labels):
                for endpoint in one["spec"]["podMetricsEndpoints"]:
                    number = some.port(endpoint.get("port"))
                    if number is not None:
                        yield some, number
    for one in of_kind(objects, "ServiceMonitor"):
        for service in of_kind(objects, "Service"):
            if matches(one["spec"]["selector"], service["metadata"].get("labels") or {}):
                for endpoint in one["spec"]["endpoints"]:
                    port = {"name": str(endpoint.get("port"))}
                    yield from _asked(objects, service["metadata"]["name"], port)


def remembering(objects: Objects) -> Iterator[Pods]:
    """The pods of the Redis in which Ray's head keeps what it knows, where it is in the cluster."""
    for one in of_kind(objects, "RayService"):
        options = one["spec"]["rayClusterConfig"].get("gcsFaultToleranceOptions") or {}
        service, _, rest = (urlsplit(options.get("redisAddress", "")).hostname or "").partition(".")
        if not rest or "svc" in rest.split("."):
            yield from behind(objects, service)
