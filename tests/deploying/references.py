"""Whether what chooses something chooses something that is there, and leads to a port of it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.deploying.findings import Finding
from tests.deploying.objects import (
    Objects,
    Pods,
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
        yield from _volumes(one)


def _services(objects: Objects, found: list[Pods]) -> Iterator[Finding]:
    for one in of_kind(objects, "Service"):
        # Without a selector a Service leads nowhere by itself, and not to everybody.
        selector = one["spec"].get("selector")
        chosen = [some for some in found if selector and matches(selector, some.labels)]
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
                service = path["backend"].get("service") or {}
                name, port = service.get("name"), service.get("port") or {}
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


def _volumes(one: Pods) -> Iterator[Finding]:
    """What containers mount is there."""
    volumes = {volume["name"] for volume in (one.spec or {}).get("volumes") or []}
    for container in one.containers:
        for mount in container.get("volumeMounts") or []:
            if mount["name"] not in volumes:
                yield Finding("volume", one.owner, f"there is no volume {mount['name']}")
