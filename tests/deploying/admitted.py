"""Who may reach what of ours, and nobody else anything: each pod by itself, by all the policies
that are for it, asked about everybody whom any policy names and some whom none does.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.deploying.ends import METADATA, OTHERS, end, entrances, measured, remembering
from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, pods
from tests.deploying.policies import (
    ALL,
    NAME,
    OWN,
    End,
    bits,
    reached,
    sent,
    taken,
    told,
    witnesses,
)

#: By whom, pods of what role, and on which ports. Beside these: what ingresses and monitors ask.
_NAMESPACES: Final = {
    ("kuberay-system", "head"): bits(8000) | bits(8265),
    ("kuberay-system", "worker"): bits(8000) | bits(8265),
    ("cnpg-system", "database"): bits(5432) | bits(8000),
    ("cnpg-system", "joining"): bits(5432) | bits(8000),
    ("cnpg-system", "pooler"): bits(5432),
    # Ray's own measures and Serve's, without any way to change something.
    ("monitoring", "head"): bits(8000) | bits(8080),
    ("monitoring", "worker"): bits(8000) | bits(8080),
}

#: The same among our own pods.
_WITHIN: Final = {
    ("ray", "ray"): ALL,
    ("ray", "broker"): bits(5671),
    ("ray", "pooler"): bits(5432),
    # Where Ray's head keeps what it knows, the settings with their secrets among it.
    ("head", "redis"): bits(6379),
    # Jobs of ours are among Ray's pods, and ask the same servers as the service does.
    ("ray", "job"): ALL,
    ("job", "ray"): ALL,
    ("job", "job"): ALL,
    ("job", "broker"): bits(5671),
    ("job", "pooler"): bits(5432),
    ("job", "database"): bits(5432),
    # What its command line listens on comes with the other two ("Networking and RabbitMQ").
    ("broker", "broker"): bits(4369) | bits(25672) | bits(35672, 35682),
    ("pooler", "database"): bits(5432),
    ("database", "database"): bits(5432) | bits(8000),
    # Nothing listens there; the policy of what will be an instance is that of instances.
    ("joining", "database"): bits(5432) | bits(8000),
    ("joining", "joining"): bits(5432) | bits(8000),
    ("database", "joining"): bits(5432) | bits(8000),
    ("pooler", "joining"): bits(5432),
}

#: Of nobody whom a policy would name.
_STRANGERS: Final = (
    End("pods of another namespace", space={NAME: "another"}),
    End("pods of this namespace that are nobody's"),
    OTHERS["world"],
    End("an address of the network", address="10.20.30.40"),
)

_NOBODY: Final = End("a pod of no known kind")


@dataclass(frozen=True, slots=True)
class _Known:
    """Pods, and what they are in the tables."""

    pods: Pods
    kinds: frozenset[str]


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each who may reach what is not for them."""
    kept = {some.owner for some in remembering(objects)}
    found = [_Known(some, _kinds(some, kept)) for some in pods(objects)]
    asked = {(some.owner, who.space[NAME], port) for who, some, port in entrances(objects)}
    asked |= {(some.owner, "monitoring", port) for some, port in measured(objects)}
    callers = [
        *(*_STRANGERS, *OTHERS.values(), *witnesses(objects, "ingress"), METADATA),
        *(end(one.pods) for one in found),
    ]
    for one in found:
        for who in {some.name: some for some in callers}.values():
            for protocol in ("TCP", "UDP", "SCTP"):
                ports = taken(objects, end(one.pods), who, protocol)
                if more := ports & ~_admitted(one, who, found, asked):
                    what = f"lets in {who.name} on {told(more)} of {protocol}"
                    yield Finding("network", one.pods.owner, what)
                    break
    yield from _closed(objects, callers)
    for one in found:
        if ports := sent(objects, end(one.pods), METADATA):
            what = f"may have the node's own identity: {told(ports)} of {METADATA.address}"
            yield Finding("network", one.pods.owner, what)


def _admitted(one: _Known, who: End, found: list[_Known], asked: set[tuple[str, str, int]]) -> int:
    if who.address is not None:
        return 0
    space = who.space.get(NAME, "")
    allowed = _NAMESPACES.get((space, one.pods.role), 0)
    for owner, asking, port in asked:
        if owner == one.pods.owner and asking == space:
            allowed |= bits(port)
    # Who has no label may be anybody.
    if space != OWN or not who.labels:
        return allowed
    # Whose the caller's labels may be: what one of them may not, the labels do not allow.
    possible = [
        _within(other.kinds, one.kinds)
        for other in found
        if who.labels.items() <= other.pods.labels.items()
    ]
    return allowed | functools.reduce(operator.and_, possible, ALL if possible else 0)


def _within(source: frozenset[str], target: frozenset[str]) -> int:
    pairs = itertools.product(source, target)
    return functools.reduce(operator.or_, (_WITHIN.get(pair, 0) for pair in pairs), 0)


def _kinds(one: Pods, kept: set[str]) -> frozenset[str]:
    if one.role in {"head", "worker"}:
        return frozenset({one.role, "ray"})
    if one.role != "other":
        return frozenset({one.role})
    kinds = {"redis"} if one.owner in kept else set()
    return frozenset(kinds if one.lasting else {*kinds, "job"})


def _closed(objects: Objects, callers: list[End]) -> Iterator[Finding]:
    """What is not named is denied: a pod of a kind for which no policy is gets nothing."""
    for caller in callers:
        if ports := taken(objects, _NOBODY, caller):
            what = f"none denies ingress by default: {caller.name} gets in on {told(ports)}"
            yield Finding("network", "NetworkPolicy", what)
            break
    if ports := reached(objects, _NOBODY, OTHERS["world"]):
        what = f"none denies egress by default: the internet is reached on {told(ports)}"
        yield Finding("network", "NetworkPolicy", what)
