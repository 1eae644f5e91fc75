"""NetworkPolicies as Kubernetes evaluates them ("Network Policies" in its documentation): which
ports of one end another end reaches, by the policies of both.

Ports are kept as bits of a number, the bit of a port's own number: 65536 of them at once.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.deploying.objects import Object, Objects, matches, of_kind

#: The namespace in which everything of ours is.
OWN: Final = "vestlus"

NAME: Final = "kubernetes.io/metadata.name"

#: Every port there is.
ALL: Final = (1 << 65536) - 2

#: What fulfils a selector that only says what is not wanted.
_ANOTHER: Final = "another"


def bits(low: int, high: int | None = None) -> int:
    """One port, or all from one to another."""
    last = low if high is None else high
    return ((1 << max(0, last - low + 1)) - 1) << low


def told(ports: int) -> str:
    """For people: ``22, 80-81``."""
    if ports == ALL:
        return "every port"
    found: list[str] = []
    while ports:
        low = (ports & -ports).bit_length() - 1
        run = ports >> low
        length = (~run & (run + 1)).bit_length() - 1
        found.append(str(low) if length == 1 else f"{low}-{low + length - 1}")
        ports &= ~bits(low, low + length - 1)
    return ", ".join(found)


@dataclass(frozen=True, slots=True)
class End:
    """A pod with its labels, or an address outside of the cluster."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    #: By name, as policies may give them.
    ports: Mapping[str, int] = field(default_factory=dict)
    space: Mapping[str, str] = field(default_factory=lambda: {NAME: OWN})
    address: str | None = None

    @property
    def own(self) -> bool:
        """Whether our policies are about it."""
        return self.address is None and self.space.get(NAME) == OWN


def reached(objects: Objects, source: End, target: End, protocol: str = "TCP") -> int:
    """The ports of the target that the source reaches, where both ends' policies let it."""
    leaves = _allowed(objects, source, target, "egress", protocol)
    return leaves and leaves & _allowed(objects, target, source, "ingress", protocol)


def sent(objects: Objects, source: End, target: End, protocol: str = "TCP") -> int:
    """The same by the policies of the source only."""
    return _allowed(objects, source, target, "egress", protocol)


def taken(objects: Objects, target: End, source: End, protocol: str = "TCP") -> int:
    """The same by the policies of the target only."""
    return _allowed(objects, target, source, "ingress", protocol)


def _allowed(objects: Objects, mine: End, other: End, way: str, protocol: str) -> int:
    if not mine.own:
        return ALL
    found, chosen = 0, False
    for one in of_kind(objects, "NetworkPolicy"):
        spec = one["spec"]
        if way not in ways(spec) or not matches(spec.get("podSelector") or {}, mine.labels):
            continue
        chosen = True
        for rule in spec.get(way) or []:
            if _meets(rule.get("to" if way == "egress" else "from") or [], other):
                found |= _ports(rule, other if way == "egress" else mine, protocol)
    return found if chosen else ALL


def ways(spec: Mapping[str, Any]) -> set[str]:
    """What a policy is about, by its types or by what is in it."""
    told_types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return {one.lower() for one in told_types}


def _meets(peers: Iterable[Mapping[str, Any]], end: End) -> bool:
    listed = list(peers)
    return not listed or any(_is(peer, end) for peer in listed)


def _is(peer: Mapping[str, Any], end: End) -> bool:
    if block := peer.get("ipBlock"):
        # Whether a block has pods too differs between network plugins: it is for nobody's pods.
        return end.address is not None and inside(end.address, block)
    if end.address is not None:
        return False
    spaces = peer.get("namespaceSelector")
    there = end.own if spaces is None else matches(spaces, end.space)
    return there and matches(peer.get("podSelector") or {}, end.labels)


def inside(address: str, block: Mapping[str, Any]) -> bool:
    """Whether an ipBlock has it."""
    at = ipaddress.ip_address(address)
    excepted = [ipaddress.ip_network(one, strict=False) for one in block.get("except") or []]
    return at in ipaddress.ip_network(block["cidr"], strict=False) and not any(
        at in one for one in excepted
    )


def _ports(rule: Object, target: End, protocol: str) -> int:
    if not rule.get("ports"):
        return ALL
    found = 0
    for one in rule["ports"]:
        port = one.get("port")
        if one.get("protocol", "TCP") != protocol:
            continue
        if port is None:
            return ALL
        number = target.ports.get(port) if isinstance(port, str) else int(port)
        if number is not None:
            found |= bits(number, one.get("endPort"))
    return found


def witnesses(objects: Objects, way: str) -> Iterator[End]:
    """For every peer that a policy names one end, or some, of which it speaks."""
    for one in of_kind(objects, "NetworkPolicy"):
        for rule in one["spec"].get(way) or []:
            for peer in rule.get("to" if way == "egress" else "from") or []:
                yield from _witnesses(peer)


def _witnesses(peer: Mapping[str, Any]) -> Iterator[End]:
    if block := peer.get("ipBlock"):
        network = ipaddress.ip_network(block["cidr"], strict=False)
        # Those before and after each exception, at most: of a whole network this is enough.
        wanted = [network[0], network[-1], *itertools.islice(network.hosts(), 2)]
        for address in dict.fromkeys(map(str, wanted)):
            yield End(f"the address {address}", address=address)
        return
    spaces = peer.get("namespaceSelector")
    for space in [{NAME: OWN}] if spaces is None else _fulfilling(spaces):
        for labels in _fulfilling(peer.get("podSelector") or {}):
            where = space.get(NAME) or f"a namespace with {space or 'any labels'}"
            whole = space if NAME in space else {NAME: _ANOTHER, **space}
            yield End(f"pods of {where} with {labels or 'any labels'}", labels, space=whole)


def _fulfilling(selector: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Labels that it chooses, one set for each value that it lists."""
    choices: list[list[tuple[str, str]]] = []
    for one in selector.get("matchExpressions") or []:
        if one["operator"] == "In":
            choices.append([(one["key"], value) for value in one["values"]])
        elif one["operator"] == "Exists":
            choices.append([(one["key"], _ANOTHER)])
    for chosen in itertools.product(*choices):
        yield {**dict(chosen), **(selector.get("matchLabels") or {})}
