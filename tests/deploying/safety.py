"""Whether it is safe and stays up: nothing public that must not be, nobody root, nodes drained."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import ray
from starlette.routing import Match

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, matches, named, of_kind, pods
from vestlus.instagram.handler import MAX_BODY_BYTES
from vestlus.settings import Mode, load_settings
from vestlus.web import Front

#: The paths that anybody may reach.
PUBLIC: Final = frozenset({"/webhook", "/media", "/events", "/data-deletion", "/deauthorize"})

#: Classes of ingress whose load balancer has an address of the own network only.
INTERNAL_CLASSES: Final = frozenset({"nginx-internal"})

#: What Ray answers without a token: ``http_server_agent.py`` and ``_head.py`` in ray/dashboard.
_RAYS_PROBES: Final = {
    52365: {"/api/healthz", "/api/local_raylet_healthz"},
    8265: {"/api/healthz", "/api/gcs_healthz", "/api/local_raylet_healthz"},
}

#: The ports of ours that others may reach, by who.
_OPEN: Final = {"kuberay-system": {8000, 8265}, "app-routing-system": {8000}, "monitoring": {8000}}

_OURS: Final = {"app.kubernetes.io/part-of": "vestlus"}

_UNITS: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def project_version(root: Path) -> str:
    """That of pyproject.toml."""
    table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return str(table["project"]["version"])


def image_problem(image: str, version: str) -> str | None:
    """What is wrong with the name of an image."""
    name, _, tag = image.rpartition(":") if ":" in image.rsplit("/", 1)[-1] else (image, "", "")
    if "@sha256" in image:
        return None
    if not tag or tag == "latest":
        return f"{image} is another image tomorrow: name a version"
    if name.rsplit("/", 1)[-1] == "vestlus" and tag != version:
        return f"{image} is not the version {version} of pyproject.toml"
    return None


def check(objects: Objects, version: str) -> Iterator[Finding]:
    """All of that. ``version`` is the project's."""
    found = pods(objects)
    for one in of_kind(objects, "RabbitmqCluster"):
        if problem := image_problem(str(one["spec"].get("image", "")), version):
            yield Finding("image", named(one), problem)
    for some in found:
        if some.containers:
            yield from _pod(some, version)
    yield from _ray_version(objects)
    yield from _ingresses(objects)
    yield from _budgets(objects, found)
    yield from _policies(objects)


def _pod(one: Pods, version: str) -> Iterator[Finding]:
    spec = one.spec or {}
    if spec.get("enableServiceLinks") is not False:
        what = "services' addresses get into the environment as VESTLUS_…, which are no settings"
        yield Finding("links", one.owner, what)
    for container in spec["containers"]:
        if problem := image_problem(container.get("image", ""), version):
            yield Finding("image", one.owner, problem)
        context = {
            **(spec.get("securityContext") or {}),
            **(container.get("securityContext") or {}),
        }
        wanted = {
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
        }
        for name, value in wanted.items():
            if context.get(name) is not value:
                yield Finding("root", one.owner, f"{name} is not {str(value).lower()}")
        resources = container.get("resources") or {}
        for name in ("cpu", "memory"):
            if name not in (resources.get("requests") or {}):
                yield Finding("resources", one.owner, f"requests no {name}")
        if "memory" not in (resources.get("limits") or {}):
            yield Finding("resources", one.owner, "has no limit of memory")
        for name in ("livenessProbe", "readinessProbe"):
            yield from _probe(one, name, container.get(name))


def _probe(one: Pods, name: str, probe: Mapping[str, Any] | None) -> Iterator[Finding]:
    asked = (probe or {}).get("httpGet") or (probe or {}).get("tcpSocket")
    if asked is None:
        yield Finding("probe", one.owner, f"has no {name}")
        return
    port = one.port(asked["port"])
    if port is None:
        yield Finding("probe", one.owner, f"{name}: there is no port {asked['port']}")
    elif (
        "path" in asked
        and asked["path"] not in _RAYS_PROBES.get(port, set())
        and not (port == one.ports.get("serve") and answered(asked["path"]))
    ):
        yield Finding("probe", one.owner, f"{name}: nobody answers {asked['path']} on {port}")


def answered(path: str) -> bool:
    """Whether the application has a route for it, those apart that come before Starlette's."""
    front = Front(load_settings({}, mode=Mode.OPERATE))
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "root_path": ""}
    routes = front._rest.routes
    return path == "/webhook" or any(one.matches(scope)[0] is Match.FULL for one in routes)


def _ray_version(objects: Objects) -> Iterator[Finding]:
    for one in of_kind(objects, "RayService"):
        said = one["spec"]["rayClusterConfig"].get("rayVersion")
        if said != ray.__version__:
            yield Finding("ray", named(one), f"rayVersion {said}, and locked is {ray.__version__}")
        if "gcsFaultToleranceOptions" not in one["spec"]["rayClusterConfig"]:
            yield Finding("ray", named(one), "the head's death would end the cluster")


def _ingresses(objects: Objects) -> Iterator[Finding]:
    for one in of_kind(objects, "Ingress"):
        limit = (one["metadata"].get("annotations") or {}).get(
            "nginx.ingress.kubernetes.io/proxy-body-size", ""
        )
        size = re.fullmatch(r"(\d+)([kmg]?)", limit)
        if size is None or int(size[1]) * _UNITS[size[2]] < MAX_BODY_BYTES:
            yield Finding("body", named(one), "has no limit of bodies, or a lower one than ours")
        if one["spec"].get("ingressClassName") in INTERNAL_CLASSES:
            continue
        for rule in one["spec"].get("rules") or []:
            for path in rule["http"]["paths"]:
                if path["path"] not in PUBLIC:
                    yield Finding("public", named(one), f"{path['path']} is open to anybody")


def _budgets(objects: Objects, found: list[Pods]) -> Iterator[Finding]:
    for one in of_kind(objects, "PodDisruptionBudget"):
        spec = one["spec"]
        chosen = [some for some in found if matches(spec["selector"], some.labels)]
        least = sum(some.least for some in chosen)
        kept, lost = spec.get("minAvailable"), spec.get("maxUnavailable")
        if chosen and not all(some.scalable for some in chosen) and not isinstance(kept, int):
            yield Finding("budget", named(one), "pods of KubeRay need a number in minAvailable")
        elif (isinstance(kept, int) and kept >= least) or lost in (0, "0%") or kept == "100%":
            yield Finding("budget", named(one), "no node with such a pod can ever be drained")


def _policies(objects: Objects) -> Iterator[Finding]:
    policies = list(of_kind(objects, "NetworkPolicy"))
    nobody = [
        one["spec"]
        for one in policies
        if one["spec"].get("podSelector") == {} and not one["spec"].get("ingress")
    ]
    for way in ("Ingress", "Egress"):
        closed = [spec for spec in nobody if way in (spec.get("policyTypes") or [])]
        if not any(not spec.get("egress") for spec in closed):
            yield Finding("network", "NetworkPolicy", f"none denies {way.lower()} by default")
    for one in policies:
        for rule in one["spec"].get("egress") or []:
            for peer in rule.get("to") or [{"ipBlock": {"cidr": "0.0.0.0/0"}}]:
                block = peer.get("ipBlock") or {}
                if block.get("cidr") == "0.0.0.0/0" and "169.254.0.0/16" not in (
                    block.get("except") or []
                ):
                    yield Finding("network", named(one), "lets pods have the node's own identity")
        if (one["spec"].get("podSelector") or {}).get("matchLabels", {}).items() >= _OURS.items():
            for rule in one["spec"].get("ingress") or []:
                yield from _let_in(named(one), rule)


def _let_in(where: str, rule: Mapping[str, Any]) -> Iterator[Finding]:
    """Who is let in to Ray's pods: their own kind, and others to what is named for them only."""
    ports = {one.get("port") for one in rule.get("ports") or []}
    for peer in rule.get("from") or [{}]:
        chosen = (peer.get("podSelector") or {}).get("matchLabels", {})
        if "namespaceSelector" not in peer and chosen.items() >= _OURS.items():
            continue
        space = (peer.get("namespaceSelector") or {}).get("matchLabels", {})
        allowed = _OPEN.get(space.get("kubernetes.io/metadata.name", ""), set())
        if not ports or ports - allowed:
            what = ", ".join(map(str, sorted(ports, key=str))) or "every port"
            yield Finding("network", where, f"lets others in to Ray's pods: {what}")
