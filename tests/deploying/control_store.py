"""Whether Ray's head reaches the Redis in which it keeps what it knows, encrypted and with a
password.
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
    matches,
    named,
    of_kind,
    pods,
    secrets,
    services,
)


def check(objects: Objects) -> Iterator[Finding]:
    """All of that. A Redis outside the cluster is looked for no further."""
    for one in of_kind(objects, "RayService"):
        options = one["spec"]["rayClusterConfig"].get("gcsFaultToleranceOptions") or {}
        if options.get("backend") == "rocksdb":
            yield Finding("ray", named(one), "is refused by KubeRay but for an alpha feature gate")
        address = urlsplit(options.get("redisAddress", ""))
        if address.scheme != "rediss":
            yield Finding("ray", named(one), "the settings that Ray keeps are not encrypted")
        key = ((options.get("redisPassword") or {}).get("valueFrom") or {}).get("secretKeyRef")
        if key is None or key["key"] not in secrets(objects).get(key["name"], set()):
            yield Finding("secret", named(one), "nothing makes the password of Redis")
        host = address.hostname or ""
        if host.endswith(".svc"):
            yield from _inside(objects, one, host.partition(".")[0], address.port or 0)


def _inside(objects: Objects, one: Object, name: str, port: int) -> Iterator[Finding]:
    if port not in services(objects).get(name, set()):
        yield Finding("port", named(one), f"there is no service {name} with a port {port}")
    found = pods(objects)
    (head,) = (some for some in found if some.owner == f"{named(one)}, head")
    for target in found:
        if target.owner == f"StatefulSet {name}" and not (
            _allowed(objects, head, target, port, "egress")
            and _allowed(objects, target, head, port, "ingress")
        ):
            yield Finding("network", head.owner, f"may not reach {target.owner} on {port}")


def _allowed(objects: Objects, mine: Pods, other: Pods, port: int, way: str) -> bool:
    """By a policy of ``mine``, on its end."""
    return any(
        _fits(rule, "to" if way == "egress" else "from", other, port)
        for policy in of_kind(objects, "NetworkPolicy")
        if matches(policy["spec"]["podSelector"], mine.labels)
        for rule in policy["spec"].get(way) or []
    )


def _fits(rule: Mapping[str, Any], ends: str, other: Pods, port: int) -> bool:
    listed = [one.get("port") for one in rule.get("ports") or []]
    return (not listed or port in listed) and any(
        set(peer) == {"podSelector"} and matches(peer["podSelector"], other.labels)
        for peer in rule.get(ends) or []
    )
