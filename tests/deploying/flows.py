"""What has to get through the network, or the deployment does not work; by the policies of both
ends, for each kind of pod by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.deploying.ends import OTHERS, end, entrances, measured
from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, behind, of_kind, pods, services
from tests.deploying.outside import let_out
from tests.deploying.policies import ALL, OWN, End, bits, reached, told
from tests.deploying.supplied import environment


@dataclass(frozen=True, slots=True)
class Flow:
    """Who has to reach whom: pods of a role, ``ray`` for Ray's, ``any``, or one of the others."""

    source: str
    target: str
    ports: int
    why: str
    protocol: str = "TCP"


_HTTPS: Final = bits(443)

#: All that is known beforehand. What monitors, ingresses and addresses lead to is found in these.
REQUIRED: Final = (
    Flow("any", "names", bits(53), "looks up names", "UDP"),
    Flow("any", "names", bits(53), "looks up names, if an answer is long"),
    # Workers, agents and object stores listen on ports of their own choice.
    Flow("ray", "ray", ALL, "is one cluster"),
    Flow("ray", "world", _HTTPS, "asks Instagram, the model, Blob Storage and Kubernetes"),
    Flow("kuberay", "head", bits(8265), "asks how the application is, and deploys it"),
    Flow("broker", "broker", bits(4369) | bits(25672), "is one cluster"),
    Flow("broker", "world", _HTTPS, "finds its others by Kubernetes"),
    Flow("database", "database", bits(5432) | bits(8000), "copies itself, and tells how it is"),
    Flow("database", "world", _HTTPS, "keeps its log in Blob Storage, and asks Kubernetes"),
    Flow("joining", "database", bits(5432), "copies what is to be a new instance"),
    Flow("joining", "world", _HTTPS, "reads backups in Blob Storage, and asks Kubernetes"),
    Flow("cnpg", "database", bits(8000), "asks how each instance is"),
    Flow("pooler", "database", bits(5432), "hands on what it is asked"),
    Flow("pooler", "world", _HTTPS, "asks Kubernetes"),
)

#: The port of a managed database's own pooler, which is in its secret address.
_MANAGED: Final = 6432


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each that does not get through."""
    found = pods(objects)
    for flow in REQUIRED:
        for source in _ends(flow.source, found):
            for target in _ends(flow.target, found):
                there = reached(objects, source, target, flow.protocol)
                if missing := flow.ports & ~there:
                    yield _missing(source, target, missing, flow.why)
    yield from _asked(objects, entrances(objects), "hands requests on")
    measures = ((OTHERS["prometheus"], some, port) for some, port in measured(objects))
    yield from _asked(objects, measures, "reads measures")
    for one in found:
        if one.ours:
            yield from _addresses(one, objects)
        if one.role == "head":
            yield from _redis(one, objects)


def _asked(
    objects: Objects, chosen: Iterable[tuple[End, Pods, int]], why: str
) -> Iterator[Finding]:
    for who, some, port in chosen:
        if bits(port) & ~reached(objects, who, end(some)):
            yield _missing(who, end(some), bits(port), why)


def _redis(head: Pods, objects: Objects) -> Iterator[Finding]:
    for one in of_kind(objects, "RayService"):
        options = one["spec"]["rayClusterConfig"].get("gcsFaultToleranceOptions") or {}
        if options.get("redisAddress"):
            yield from _address(head, objects, "redisAddress", options["redisAddress"])


def _missing(source: End, target: End, ports: int, why: str) -> Finding:
    what = f"may not reach {target.name} on {told(ports)}, and {why}"
    return Finding("network", source.name, what)


def _ends(role: str, found: list[Pods]) -> Iterator[End]:
    if role in OTHERS:
        yield OTHERS[role]
    for one in found:
        if role in ("any", one.role) or (role == "ray" and one.role in {"head", "worker"}):
            yield end(one)


def _addresses(one: Pods, objects: Objects) -> Iterator[Finding]:
    """What its variables name: a service in the cluster, and it may go there; or the managed
    database, whose whole address is secret.
    """
    given = environment(one, objects)
    for container in one.containers:
        for variable in container.get("env") or []:
            value = str(variable.get("value", ""))
            if ".svc" in value:
                # What Kubernetes fills in holds signs of its own.
                plain = re.sub(r"[$()]", "", value)
                yield from _address(one, objects, variable["name"], plain)
    if ".svc" not in given.get("VESTLUS_DATABASE_URL", ".svc"):
        # Its name is secret too.
        yield from _outside(one, objects, "the managed database", _MANAGED)


def _address(one: Pods, objects: Objects, what: str, address: str) -> Iterator[Finding]:
    parts = urlsplit(address if "//" in address else f"//{address}")
    host, port = parts.hostname or "", parts.port or (6379 if "redis" in what.lower() else 0)
    service, *rest = host.split(".")
    if rest and rest[:1] != [OWN]:
        yield from _outside(one, objects, host, port)
        return
    there = services(objects)
    if service not in there:
        yield Finding("selector", one.owner, f"{what}: there is no service {service}")
    elif port not in there[service]:
        yield Finding("port", one.owner, f"{what}: {host} has no port {port}")
    for target in behind(objects, service):
        if bits(port) & ~reached(objects, end(one), end(target)):
            yield _missing(end(one), end(target), bits(port), f"{what} leads there")


def _outside(one: Pods, objects: Objects, where: str, port: int) -> Iterator[Finding]:
    if not let_out(one, objects, where, port):
        yield Finding("network", one.owner, f"may reach no address on {port}, and {where} is there")
