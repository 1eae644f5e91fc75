"""Writes what is installed beside this Python as a CycloneDX 1.6 document (cyclonedx.org), to
standard output: a software bill of materials. It is made of the packages' own metadata, the same
bytes for the same packages, with nothing but the standard library: the image has no pip.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from typing import Any

PROJECT = "vestlus"


def bill() -> dict[str, Any]:
    """The document; the project itself is what the others are components of."""
    found = {_name(one): one for one in distributions()}
    components = {name: _component(name, one) for name, one in sorted(found.items())}
    project = components.pop(PROJECT, {"type": "application", "name": PROJECT})
    own = [found[PROJECT]] if PROJECT in found else []
    listed = [*own, *(found[name] for name in components)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {**project, "type": "application"},
            "properties": [{"name": "python", "value": sys.version.split()[0]}],
        },
        "components": list(components.values()),
        "dependencies": [_dependencies(one, found) for one in listed],
    }


def _name(one: Distribution) -> str:
    """As PyPI's address has it: PEP 503."""
    return re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()


def _reference(name: str, one: Distribution) -> str:
    return f"pkg:pypi/{name}@{one.version}"


def _component(name: str, one: Distribution) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _reference(name, one),
        "name": name,
        "version": one.version,
        "purl": _reference(name, one),
    }
    said = one.metadata.json
    licence = str(said.get("license_expression") or said.get("license") or "")
    # Some packages put the whole text there.
    if licence and "\n" not in licence:
        component["licenses"] = [{"license": {"name": licence}}]
    return component


def _dependencies(one: Distribution, found: dict[str, Distribution]) -> dict[str, Any]:
    """What it names and what is there: a marker that does not hold here left the others out."""
    named = {name for name in _requirements(one) if name in found}
    return {
        "ref": _reference(_name(one), one),
        "dependsOn": sorted(_reference(name, found[name]) for name in named),
    }


def _requirements(one: Distribution) -> Iterator[str]:
    for line in one.requires or ():
        if "extra ==" not in line and (matched := re.match(r"[A-Za-z0-9._-]+", line)):
            yield re.sub(r"[-_.]+", "-", matched[0]).lower()


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
