"""The machine's firewall: each rule that lets something in, or is not known, by itself."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.deploying.findings import Finding
from tests.shipped import CLOSED

_WHERE: Final = "deploy/vm/nftables.conf"

#: What lets in nothing but answers, the machine itself, and what every machine needs, as nftables'
#: "Quick reference" writes it.
_HARMLESS: Final = (
    r"type filter hook input priority .*",
    r"policy (drop|accept)",
    r"(.* )?(drop|reject)",
    r"ct state (established|related)(,\s*(established|related))* accept",
    r'iif(name)? "?lo"? accept',
    r"(meta l4proto|ip protocol) \{ icmp, (ipv6-icmp|icmpv6) \} accept",
    r"udp dport \{ 68, 546 \} accept",
)

#: Ports for everybody.
_OPEN: Final = {"tcp": {22, 80, 443}, "udp": {443}}

_RULE: Final = re.compile(
    r"(?:ip6? saddr (?P<source>\S+|\{[^}]*\}) )?"
    r"(?P<protocol>tcp|udp) dport (?P<ports>\S+|\{[^}]*\}) accept"
)


def check(root: Path) -> Iterator[Finding]:
    """A finding for each that is too much."""
    text = (root / _WHERE).read_text("utf-8")
    lines = [re.sub(r"\s+", " ", line.partition("#")[0]).strip() for line in text.splitlines()]
    # Of both versions of IP.
    both = any(re.fullmatch(r"table inet \w+ \{", line) for line in lines)
    inputs = [chain for chain in _chains(lines) if any("hook input" in line for line in chain)]
    if not both or len(inputs) != 1:
        yield Finding("public", _WHERE, "has not one chain for what comes in, by IPv4 and IPv6")
    for chain in inputs:
        if not any(re.search(r"hook input .*policy drop;?$", line) for line in chain):
            yield Finding("public", _WHERE, "lets in what it does not name")
        for line in chain:
            for rule in filter(None, map(str.strip, line.split(";"))):
                yield from _let_in(rule)


def _chains(lines: Sequence[str]) -> Iterator[list[str]]:
    """The lines of each."""
    found: list[str] | None = None
    for line in lines:
        if re.fullmatch(r"chain \w+ \{", line):
            found = []
        elif line == "}" and found is not None:
            yield found
            found = None
        elif found is not None:
            found.append(line)


def _let_in(line: str) -> Iterator[Finding]:
    if any(re.fullmatch(one, line) for one in _HARMLESS):
        return
    rule = _RULE.fullmatch(line)
    if rule is None:
        yield Finding("public", _WHERE, f"lets in nobody knows what: {line}")
        return
    ports = set(_ports(rule["ports"]))
    own = rule["source"] is not None and all(map(_private, re.findall(r"[\w.:/]+", rule["source"])))
    refused = ports & set(CLOSED) if own else ports - _OPEN[rule["protocol"]]
    for port in sorted(refused):
        yield Finding("public", _WHERE, f"{port} is open ({CLOSED.get(port, 'nobody knows what')})")


def _private(word: str) -> bool:
    try:
        return ipaddress.ip_network(word, strict=False).is_private
    except ValueError:
        return False


def _ports(words: str) -> Iterator[int]:
    for low, high in re.findall(r"(\d+)(?:-(\d+))?", words):
        yield from range(int(low), int(high or low) + 1)
