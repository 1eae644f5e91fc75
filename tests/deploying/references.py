"""Whether what refers to something refers to something that is there: selectors, ports, secrets,
addresses, and whether the network lets through what goes there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.deploying.findings import Finding
from tests.deploying.objects import (
    Object,
    Objects,
    Pods,
    config_maps,
    matches,
    named,
    of_kind,
    pods,
    secrets,
    services,
)


def check(objects: Objects) -> Iterator[Finding]:
    """All of that."""
    found = pods(objects)
    yield from _services(objects, found)
    yield from _ingresses(objects)
    yield from _monitors(objects, found)
    yield from _policies(objects, found)
    for one in found:
        yield from _contents(one, objects)
        yield from _addresses(one, objects, found)


def _services(objects: Objects, found: list[Pods]) -> Iterator[Finding]:
    for one in of_kind(objects, "Service"):
        chosen = [some for some in found if matches(one["spec"].get("selector") or {}, some.labels)]
        if not chosen:
            yield Finding("selector", named(one), "chooses no pod")
        for port in one["spec"]["ports"]:
            wanted = port.get("targetPort", port["port"])
            for some in chosen:
                if some.port(wanted) is None:
                    yield Finding("port", named(one), f"{some.owner} has no port {wanted}")


def _ingresses(objects: Objects) -> Iterator[Finding]:
    there, known = services(objects), secrets(objects)
    named_ports = {
        (one["metadata"]["name"], port.get("name"))
        for one in of_kind(objects, "Service")
        for port in one["spec"]["ports"]
    }
    for one in of_kind(objects, "Ingress"):
        for tls in one["spec"].get("tls") or []:
            if tls.get("secretName") not in known:
                yield Finding(
                    "secret", named(one), f"no secret {tls.get('secretName')} comes to be"
                )
        hosts = {host for tls in one["spec"].get("tls") or [] for host in tls.get("hosts") or []}
        for rule in one["spec"].get("rules") or []:
            if rule.get("host") not in hosts:
                yield Finding("tls", named(one), f"{rule.get('host')} is served without TLS")
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                name, port = service["name"], service["port"]
                if name not in there:
                    yield Finding("selector", named(one), f"there is no service {name}")
                elif (
                    port.get("number") not in there[name]
                    and (name, port.get("name")) not in named_ports
                ):
                    yield Finding("port", named(one), f"the service {name} has no port {port}")


def _monitors(objects: Objects, found: list[Pods]) -> Iterator[Finding]:
    for one in of_kind(objects, "ServiceMonitor"):
        chosen = [
            some
            for some in of_kind(objects, "Service")
            if matches(one["spec"]["selector"], some["metadata"].get("labels") or {})
        ]
        if len(chosen) != 1:
            yield Finding("selector", named(one), f"chooses {len(chosen)} services, not one")
        ports = {port.get("name") for some in chosen for port in some["spec"]["ports"]}
        for endpoint in one["spec"]["endpoints"]:
            if chosen and endpoint.get("port") not in ports:
                yield Finding("port", named(one), f"no port is called {endpoint.get('port')}")
    for one in of_kind(objects, "PodMonitor"):
        picked = [some for some in found if matches(one["spec"]["selector"], some.labels)]
        if not picked:
            yield Finding("selector", named(one), "chooses no pod")
        for endpoint in one["spec"]["podMetricsEndpoints"]:
            if picked and not any(endpoint.get("port") in some.ports for some in picked):
                yield Finding("port", named(one), f"no port is called {endpoint.get('port')}")


def _policies(objects: Objects, found: list[Pods]) -> Iterator[Finding]:
    for one in of_kind(objects, "NetworkPolicy", "PodDisruptionBudget"):
        selector = one["spec"].get("podSelector", one["spec"].get("selector")) or {}
        if selector and not any(matches(selector, some.labels) for some in found):
            yield Finding("selector", named(one), "chooses no pod")
    for some in found:
        for spread in (some.spec or {}).get("topologySpreadConstraints") or []:
            if not matches(spread.get("labelSelector") or {}, some.labels):
                yield Finding("selector", some.owner, "spreads other pods than its own")


def _contents(one: Pods, objects: Objects) -> Iterator[Finding]:
    """Secrets, maps and volumes that its containers name."""
    known, maps = secrets(objects), config_maps(objects)
    volumes = {volume["name"] for volume in (one.spec or {}).get("volumes") or []}
    for container in one.containers:
        for mount in container.get("volumeMounts") or []:
            if mount["name"] not in volumes:
                yield Finding("volume", one.owner, f"there is no volume {mount['name']}")
    for name, keys in _named_secrets(one):
        yield from _lacking("secret", one.owner, known, name, keys)
    for name in _named_maps(one):
        yield from _lacking("configuration", one.owner, maps, name, set())


def _named_secrets(one: Pods) -> Iterator[tuple[str, set[str]]]:
    """By volumes and variables; with the keys that are wanted."""
    for volume in (one.spec or {}).get("volumes") or []:
        if secret := volume.get("secret"):
            yield secret["secretName"], {item["key"] for item in secret.get("items") or []}
    for container in one.containers:
        for source in container.get("envFrom") or []:
            if secret := source.get("secretRef"):
                yield secret["name"], set()
        for variable in container.get("env") or []:
            if key := (variable.get("valueFrom") or {}).get("secretKeyRef"):
                yield key["name"], {key["key"]}


def _named_maps(one: Pods) -> Iterator[str]:
    for volume in (one.spec or {}).get("volumes") or []:
        if given := volume.get("configMap"):
            yield given["name"]
    for container in one.containers:
        for source in container.get("envFrom") or []:
            if given := source.get("configMapRef"):
                yield given["name"]


def _lacking(
    rule: str, where: str, known: Mapping[str, Any], name: str, keys: set[str]
) -> Iterator[Finding]:
    if name not in known:
        yield Finding(rule, where, f"nothing makes {name}")
    elif missing := keys - set(known[name]):
        yield Finding(rule, where, f"{name} has no {', '.join(sorted(missing))}")


def _addresses(one: Pods, objects: Objects, found: list[Pods]) -> Iterator[Finding]:
    """Addresses in the cluster lead to a service, and the policies let the pods go there."""
    there = services(objects)
    for container in one.containers:
        for variable in container.get("env") or []:
            value = str(variable.get("value", ""))
            # What Kubernetes fills in holds signs of its own.
            parts = urlsplit(value.replace("$(", "").replace(")", ""))
            host = parts.hostname or ""
            if not host.endswith((".svc", ".svc.cluster.local")):
                continue
            name, port = host.split(".")[0], parts.port or 0
            if port not in there.get(name, set()):
                yield Finding("port", one.owner, f"{variable['name']}: {host} has no port {port}")
            for target in found:
                if target.owner.endswith(f" {name}") and not _let_through(
                    objects, one, target, port
                ):
                    yield Finding("network", one.owner, f"may not reach {target.owner} on {port}")


def _let_through(objects: Objects, source: Pods, target: Pods, port: int) -> bool:
    """Whether the policies of both ends allow it, in this namespace."""
    return _allowed(objects, source, target, port, "egress") and _allowed(
        objects, target, source, port, "ingress"
    )


def _allowed(objects: Objects, mine: Pods, other: Pods, port: int, way: str) -> bool:
    ends = "to" if way == "egress" else "from"
    policies = [
        one["spec"]
        for one in of_kind(objects, "NetworkPolicy")
        if way in {kind.lower() for kind in one["spec"].get("policyTypes") or ["Ingress"]}
        and matches(one["spec"]["podSelector"], mine.labels)
    ]
    return not policies or any(
        _rule_allows(rule, ends, other, port) for spec in policies for rule in spec.get(way) or []
    )


def _rule_allows(rule: Object, ends: str, other: Pods, port: int) -> bool:
    listed = [one.get("port") for one in rule.get("ports") or []]
    if listed and port not in listed:
        return False
    peers = rule.get(ends) or []
    return not peers or any(
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and matches(peer["podSelector"], other.labels)
        for peer in peers
    )
