"""The Caddyfile: who is handed on to the service, and to nothing else, asked of every
``reverse_proxy`` by itself.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.deploying.findings import Finding
from tests.deploying.safety import PUBLIC
from tests.deploying.units import assignments
from vestlus.instagram.handler import MAX_BODY_BYTES

#: Directives that hand nothing on and change no request ("Caddyfile Directives").
_HARMLESS: Final = frozenset(
    {"request_body", "respond", "tls", "log", "log_skip", "header", "encode", "bind", "abort"}
)

_WITHIN: Final = frozenset({"handle", "route"})

_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


@dataclass(slots=True)
class Node:
    """A directive with its words, and what is in its block."""

    words: list[str]
    block: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its first word."""
        return self.words[0] if self.words else ""


def parsed(text: str) -> list[Node]:
    """The blocks of a Caddyfile. Raises ValueError where its braces do not close."""
    root = Node([])
    open_blocks = [root]
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words == ["}"]:
            open_blocks.pop()
            if not open_blocks:
                raise ValueError("a brace closes nothing")
        elif words:
            node = Node([word.rstrip(",") for word in words if word != "{"])
            open_blocks[-1].block.append(node)
            if words[-1] == "{":
                open_blocks.append(node)
    if len(open_blocks) != 1:
        raise ValueError("a brace is not closed")
    return root.block


def check(root: Path) -> Iterator[Finding]:
    """A finding for each way to the service that is neither public nor of the own network, and for
    each to something else than the service.
    """
    listens = _listens(root)
    for file in sorted((root / "deploy/vm").glob("Caddyfile*")):
        where = str(file.relative_to(root))
        try:
            sites = parsed(file.read_text("utf-8"))
        except ValueError as error:
            yield Finding("public", where, str(error))
            continue
        for site in sites:
            # Options of all sites have no address.
            if site.words:
                yield from _site(f"{where}, {site.name}", site)
                yield from _upstreams(f"{where}, {site.name}", site, listens)


def _listens(root: Path) -> str:
    """Where the service of a single machine listens, as Caddy writes it."""
    given = assignments((root / "deploy/vm/settings.env").read_text("utf-8"))
    host = given.get("VESTLUS_HTTP_HOST", "127.0.0.1")
    port = given.get("VESTLUS_HTTP_PORT", "8000")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _upstreams(where: str, node: Node, listens: str) -> Iterator[Finding]:
    """Of every reverse_proxy, however deep it stands: on the same machine are Ray's ports too."""
    for one in node.block:
        yield from _upstreams(where, one, listens)
        if one.name != "reverse_proxy":
            continue
        # The first word may be a matcher ("Caddyfile Directives", "Matcher tokens").
        words = one.words[2:] if one.words[1:] and one.words[1][0] in "@/*" else one.words[1:]
        words = [*words, *(word for sub in one.block if sub.name == "to" for word in sub.words[1:])]
        if any(sub.name == "dynamic" for sub in one.block):
            yield Finding("upstream", where, "where it leads is decided elsewhere: dynamic")
        if not words:
            yield Finding("upstream", where, "leads nowhere")
        for word in words:
            if word.removeprefix("http://") != listens:
                what = f"leads to {word}, and the service listens on {listens}"
                yield Finding("upstream", where, what)


def _site(where: str, site: Node) -> Iterator[Finding]:
    handed = list(_ways(where, site))
    for one in handed:
        if isinstance(one, Finding):
            yield one
    chains = [one for one in handed if not isinstance(one, Finding)]
    for chain in chains:
        if not any(_own(conditions) or _public(conditions) for conditions in chain):
            told = "; ".join(" ".join(map(str, one)) for one in chain) or "every path"
            yield Finding("public", where, f"is open to anybody: {told}")
    if chains and not any(_answers_404(node) for node in site.block):
        yield Finding("public", where, "what is not named is not refused")
    if any(not any(map(_own, chain)) for chain in chains) and not _bounded(site):
        yield Finding("body", where, "has no limit of bodies, or a lower one than ours")


def handed_on(site: Node) -> Iterator[tuple[Conditions, ...]]:
    """For each ``reverse_proxy`` of a site the matchers that lead to it, all of which must hold."""
    for one in _ways("", site):
        if not isinstance(one, Finding):
            yield one


def _ways(where: str, site: Node) -> Iterator[tuple[Conditions, ...] | Finding]:
    matchers = {node.name: _conditions(node) for node in site.block if node.name.startswith("@")}
    yield from _walked(where, site.block, matchers, ())


#: What one matcher asks for: the kind of each condition and its words. All of them must hold.
Conditions = Sequence[tuple[str, Sequence[str]]]


def _conditions(node: Node) -> Conditions:
    inline = [node.words[1:]] if len(node.words) > 1 else []
    return [(words[0], words[1:]) for words in [*inline, *(one.words for one in node.block)]]


def _walked(
    where: str,
    block: Sequence[Node],
    matchers: Mapping[str, Conditions],
    chain: tuple[Conditions, ...],
) -> Iterator[tuple[Conditions, ...] | Finding]:
    """For each reverse_proxy the matchers that lead to it."""
    for node in block:
        word = node.words[1] if len(node.words) > 1 else ""
        here = chain
        if word.startswith("@"):
            here = (*chain, matchers.get(word, ()))
        elif word.startswith("/"):
            here = (*chain, [("path", [word])])
        if node.name in _WITHIN:
            yield from _walked(where, node.block, matchers, here)
        elif node.name == "reverse_proxy":
            yield here
            if any(one.name in {"rewrite", "method"} for one in node.block):
                yield Finding("public", where, "another path is asked than the one that came")
        elif node.name not in _HARMLESS and not node.name.startswith("@"):
            yield Finding("public", where, f"what {node.name} opens, nobody has looked at")


def _public(conditions: Conditions) -> bool:
    return any(
        kind == "path" and all(path.removesuffix("/*") in PUBLIC for path in words)
        for kind, words in conditions
    )


def _own(conditions: Conditions) -> bool:
    return any(
        kind == "remote_ip" and bool(words) and all(map(_private, words))
        for kind, words in conditions
    )


def _private(word: str) -> bool:
    if word == "private_ranges":
        return True
    try:
        return ipaddress.ip_network(word, strict=False).is_private
    except ValueError:
        return False


def _answers_404(node: Node) -> bool:
    return node.words == ["handle"] and [one.words for one in node.block] == [["respond", "404"]]


def _bounded(site: Node) -> bool:
    for node in site.block:
        for one in node.block if node.name == "request_body" else ():
            size = re.fullmatch(r"(\d+)([kmg]?i?)b?", " ".join(one.words[1:]).lower())
            if one.name == "max_size" and size:
                return int(size[1]) * _UNITS[size[2]] >= MAX_BODY_BYTES
    return False
