"""Who may reach what of ours, and nobody else anything: each pod by itself, by all the policies
that are for it, asked about everybody whom any policy names and some whom none does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.deploying.ends import METADATA, OTHERS, end, entrances, measured
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
    ("ray", "other"): ALL,
    # Jobs of ours, which ask the same servers as the service does.
    ("other", "broker"): bits(5671),
    ("other", "pooler"): bits(5432),
    ("other", "database"): bits(5432),
    ("other", "other"): ALL,
    # What its command line listens on comes with the other two ("Networking and RabbitMQ").
    ("broker", "broker"): bits(4369) | bits(25672) | bits(35672, 35682),
    ("pooler", "database"): bits(5432),
    ("database", "database"): bits(5432) | bits(8000),
}

_RAYS: Final = frozenset({"head", "worker"})

#: Of nobody whom a policy would name.
_STRANGERS: Final = (
    End("pods of another namespace", space={NAME: "another"}),
    End("pods of this namespace that are nobody's"),
    OTHERS["world"],
    End("an address of the network", address="10.20.30.40"),
)

_NOBODY: Final = End("a pod of no known kind")


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each who may reach what is not for them."""
    found = pods(objects)
    asked = {(some.owner, "app-routing-system", port) for some, port in entrances(objects)}
    asked |= {(some.owner, "monitoring", port) for some, port in measured(objects)}
    callers = [*_STRANGERS, *OTHERS.values(), *witnesses(objects, "ingress"), METADATA]
    for one in found:
        for who in {some.name: some for some in callers}.values():
            for protocol in ("TCP", "UDP", "SCTP"):
                ports = taken(objects, end(one), who, protocol)
                if more := ports & ~_admitted(one, who, found, asked):
                    what = f"lets in {who.name} on {told(more)} of {protocol}"
                    yield Finding("network", one.owner, what)
                    break
    yield from _closed(objects, callers)
    for one in found:
        if ports := sent(objects, end(one), METADATA):
            what = f"may have the node's own identity: {told(ports)} of {METADATA.address}"
            yield Finding("network", one.owner, what)


def _admitted(one: Pods, who: End, found: list[Pods], asked: set[tuple[str, str, int]]) -> int:
    if who.address is not None:
        return 0
    space = who.space.get(NAME, "")
    allowed = _NAMESPACES.get((space, one.role), 0)
    for owner, asking, port in asked:
        if owner == one.owner and asking == space:
            allowed |= bits(port)
    if space != OWN:
        return allowed
    for other in found:
        # Whom the caller's labels may belong to; who has fewer labels may be somebody else.
        if who.labels and all(other.labels.get(name) == at for name, at in who.labels.items()):
            allowed |= _WITHIN.get((_kind(other), _kind(one)), 0)
    return allowed


def _kind(one: Pods) -> str:
    return "ray" if one.role in _RAYS else one.role


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
