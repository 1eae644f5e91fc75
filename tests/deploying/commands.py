"""Whether a command for logs that a page tells people to type finds what it looks for.

``kubectl logs -l SELECTOR -c CONTAINER`` shows nothing at all where one of the pods that it chooses
lacks the container (``logsForObject`` in kubectl's ``polymorphichelpers``), and only ten lines of
each without ``--tail`` ("kubectl logs", its options).
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, matches, pods

_COMMAND: Final = re.compile(r"kubectl -n vestlus logs [^`\n]*(?:-l|--selector)[^`\n]*")
_REQUIREMENT: Final = re.compile(
    r"\s*(?P<key>[\w./-]+)\s*(?:(?P<equals>!?=)\s*(?P<value>[\w.-]+)"
    r"|(?P<operator>in|notin)\s*\((?P<values>[^)]*)\))\s*(?:,|$)"
)
_OPERATORS: Final = {"=": "In", "!=": "NotIn", "in": "In", "notin": "NotIn"}


def selector(words: str) -> Mapping[str, Any]:
    """A selector of the command line as one of an object. Raises ValueError where it is none."""
    expressions, at = [], 0
    while at < len(words):
        found = _REQUIREMENT.match(words, at)
        if found is None:
            raise ValueError(words[at:])
        listed = (found["value"] or found["values"]).split(",")
        operator = _OPERATORS[found["equals"] or found["operator"]]
        values = [value.strip() for value in listed]
        expressions.append({"key": found["key"], "operator": operator, "values": values})
        at = found.end()
    return {"matchExpressions": expressions}


def check(root: Path, objects: Objects) -> Iterator[Finding]:
    """Of each such command of a page."""
    for page in sorted((root / "docs").glob("*.md")):
        for command in dict.fromkeys(_COMMAND.findall(page.read_text("utf-8"))):
            where = str(page.relative_to(root))
            yield from (Finding("logs", where, what) for what in _faults(command, objects))


def _faults(command: str, objects: Objects) -> Iterator[str]:
    words = shlex.split(command)
    given = dict(itertools.pairwise(words))
    try:
        wanted = selector(given.get("-l") or given["--selector"])
    except (KeyError, ValueError):
        yield f"{command}: has no selector that can be read"
        return
    chosen = [one for one in pods(objects) if matches(wanted, one.labels)]
    if not chosen:
        yield f"{command}: chooses no pod"
    for one in chosen:
        names = {str(container["name"]) for container in one.containers}
        if one.spec is not None and given.get("-c") not in names:
            yield f"{command}: {one.owner} has no such container"
    if "--tail" not in command:
        yield f"{command}: ends after ten lines of each pod"
