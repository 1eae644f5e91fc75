"""What is reached from outside of the cluster: by an ingress only, and of it the public paths."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from tests.deploying.findings import Finding
from tests.deploying.names import walked
from tests.deploying.objects import Object, Objects, named, of_kind
from tests.deploying.safety import PUBLIC
from vestlus.instagram.handler import MAX_BODY_BYTES

_NGINX: Final = "nginx.ingress.kubernetes.io/"

#: Of NGINX's annotations those that change nothing about who is led where.
_HARMLESS: Final = frozenset(
    {
        *("proxy-body-size", "proxy-buffering", "proxy-request-buffering", "proxy-buffer-size"),
        *("proxy-connect-timeout", "proxy-read-timeout", "proxy-send-timeout"),
        *("ssl-redirect", "force-ssl-redirect", "proxy-next-upstream", "proxy-http-version"),
        *("limit-rps", "limit-rpm", "limit-connections", "limit-burst-multiplier"),
        *("whitelist-source-range", "allowlist-source-range", "denylist-source-range"),
        *("enable-access-log", "hsts"),
    }
)

_UNITS: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}

#: Fields that open a way past the ingress, wherever they stand, and their harmless values.
_WAYS: Final[Mapping[str, tuple[object, ...]]] = {
    "serviceType": ("ClusterIP",),
    "externalIPs": ([],),
    "loadBalancerIP": ("",),
    "nodePort": (0,),
    "hostPort": (0,),
    "hostNetwork": (False,),
    # KubeRay makes an ingress for Ray's dashboard then.
    "enableIngress": (False,),
    "enableOpenShiftRoute": (False,),
}

_OUTWARD: Final = frozenset({"LoadBalancer", "NodePort", "ExternalName"})


def check(objects: Objects, internal: Collection[str]) -> Iterator[Finding]:
    """A finding for each way in that is not one of those. ``internal`` are the classes of ingress
    that only the own network reaches.
    """
    for one in objects:
        yield from _ways(one)
    for one in of_kind(objects, "RayService"):
        mode = (one["spec"]["rayClusterConfig"].get("authOptions") or {}).get("mode")
        if mode != "token":
            yield Finding("auth", named(one), "whoever reaches Ray's ports needs no token")
    for one in of_kind(objects, "Ingress"):
        yield from _ingress(one)
        if one["spec"].get("ingressClassName") not in internal:
            yield from _public(one)


def _ways(one: Object) -> Iterator[Finding]:
    for way, value in walked(one):
        last = way[-1] if way else ""
        outward = last == "type" and isinstance(value, str) and value in _OUTWARD
        if outward or (last in _WAYS and value not in (*_WAYS[last], None)):
            what = f"{'.'.join(way)} is {value}: a way in past the ingress and its paths"
            yield Finding("public", named(one), what)


def _ingress(one: Object) -> Iterator[Finding]:
    annotations = one["metadata"].get("annotations") or {}
    limit = annotations.get(f"{_NGINX}proxy-body-size", "")
    size = re.fullmatch(r"(\d+)([kmg]?)", limit)
    if size is None or int(size[1]) * _UNITS[size[2]] < MAX_BODY_BYTES:
        yield Finding("body", named(one), "has no limit of bodies, or a lower one than ours")
    if not one["spec"].get("tls"):
        yield Finding("tls", named(one), "is served without TLS")
    if annotations.get(f"{_NGINX}ssl-redirect") == "false":
        yield Finding("tls", named(one), "is served without TLS too: ssl-redirect")
    if one["spec"].get("defaultBackend"):
        yield Finding("public", named(one), "leads on what no path names: defaultBackend")


def _public(one: Object) -> Iterator[Finding]:
    for name in one["metadata"].get("annotations") or {}:
        if name.startswith(_NGINX) and name.removeprefix(_NGINX) not in _HARMLESS:
            what = f"may lead elsewhere than its paths say: {name.removeprefix(_NGINX)}"
            yield Finding("public", named(one), what)
    for rule in one["spec"].get("rules") or []:
        for path in rule["http"]["paths"]:
            yield from _path(named(one), path)


def _path(where: str, path: Mapping[str, Any]) -> Iterator[Finding]:
    if path.get("path") not in PUBLIC:
        yield Finding("public", where, f"{path.get('path')} is open to anybody")
    if path.get("pathType") not in {"Exact", "Prefix"}:
        yield Finding("public", where, f"what {path.get('path')} means is the controller's choice")
