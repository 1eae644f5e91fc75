"""Whether objects are as Kubernetes and its operators have them: no field unknown, none missing.

Kubernetes' own schemas come with the package kubernetes-validate, those of operators with their
CustomResourceDefinitions, from a folder. The rules in CEL that these hold besides
(``x-kubernetes-validations``) are evaluated by Kubernetes only.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import yaml

from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, named

#: The oldest version that the manifests are for.
KUBERNETES: Final = "1.33"

#: How many faults of one object are told.
_MOST_TOLD: Final = 5

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Groups that end like Kubernetes' own.
_LIKE_ITS_OWN: Final = frozenset({"gateway.networking.k8s.io"})


class Definitions:
    """The CustomResourceDefinitions of a folder, each read when it is first needed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._validators: dict[tuple[str, str], Any] = {}

    @property
    def there(self) -> bool:
        """Whether there is such a folder with anything in it."""
        return self._folder is not None and any(self._folder.glob("*.yaml"))

    def validator(self, api_version: str, kind: str) -> Any:  # noqa: ANN401 - jsonschema's
        """What validates objects of a kind, or None where the folder has no definition of it."""
        key = (api_version, kind)
        if key not in self._validators:
            self._validators[key] = self._found(*key)
        return self._validators[key]

    def _found(self, api_version: str, kind: str) -> Any:  # noqa: ANN401 - jsonschema's
        group, _, version = api_version.partition("/")
        for file in sorted(self._folder.glob("*.yaml")) if self._folder else ():
            text = file.read_text("utf-8")
            # The whole file is read only where it is the one: some have a megabyte.
            if not re.search(rf"^    kind: {kind}$", text, re.MULTILINE):
                continue
            for one in yaml.load_all(text, Loader):
                if not one or one["spec"]["group"] != group or one["spec"]["names"]["kind"] != kind:
                    continue
                for served in one["spec"]["versions"]:
                    if served["name"] == version:
                        schema = _closed(served["schema"]["openAPIV3Schema"], root=True)
                        return jsonschema.Draft202012Validator(schema)
        return None


def _closed(schema: Any, *, root: bool = False) -> Any:  # noqa: ANN401 - of any shape
    """A structural schema as JSON Schema says it: what it does not name is not allowed, since
    Kubernetes drops it without a word, and a quantity may be a number.
    """
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        name: {key: _closed(one) for key, one in value.items()}
        if name == "properties"
        else _closed(value)
        for name, value in schema.items()
        if name != "format"
    }
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
        return {**closed, "type": ["integer", "string"]}
    if root:
        closed["properties"] = {**closed.get("properties", {}), "metadata": {"type": "object"}}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get(
        "x-kubernetes-embedded-resource"
    )
    if "properties" in schema and "additionalProperties" not in schema and not open_ended:
        closed["additionalProperties"] = False
    return closed


def defined(group: str) -> bool:
    """Whether a group's kinds are defined by others, in definitions of their own: Kubernetes' own
    groups end like one of these.
    """
    return "." in group and (group in _LIKE_ITS_OWN or not group.endswith(".k8s.io"))


def check(objects: Objects, definitions: Definitions) -> Iterator[Finding]:
    """A finding for each fault. Kinds whose definition is not in the folder are findings too,
    unless there is no folder.
    """
    for one in objects:
        group = str(one.get("apiVersion", "")).partition("/")[0]
        if defined(group):
            yield from _custom(one, definitions)
        else:
            yield from _own(json.dumps(one, sort_keys=True))


def _custom(one: Object, definitions: Definitions) -> Iterator[Finding]:
    if definitions.validator(one["apiVersion"], one["kind"]) is not None:
        yield from _faults(definitions, json.dumps(one, sort_keys=True))
    elif definitions.there:
        yield Finding("schema", named(one), f"no definition of {one['apiVersion']} in the folder")


@functools.lru_cache(maxsize=512)
def _faults(definitions: Definitions, text: str) -> tuple[Finding, ...]:
    """Kept, as below."""
    one = json.loads(text)
    validator = definitions.validator(one["apiVersion"], one["kind"])
    return tuple(
        Finding("schema", named(one), f"{fault.json_path}: {fault.message[:300]}")
        for fault in list(validator.iter_errors(one))[:_MOST_TOLD]
    )


@functools.lru_cache(maxsize=512)
def _own(text: str) -> tuple[Finding, ...]:
    """Kept: overlays share most of their objects, and the schemas are read from files each time."""
    one = json.loads(text)
    try:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as fault:
        path = ".".join(map(str, fault.path))
        return (Finding("schema", named(one), f"{path}: {fault.message[:300]}"),)
    except kubernetes_validate.SchemaNotFoundError as fault:
        return (Finding("schema", named(one), str(fault.message)),)
    return ()
