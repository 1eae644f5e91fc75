"""Whether what is named is there: a table of the fields by which objects name others, looked for
everywhere in every object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, config_maps, named, secrets


@dataclass(frozen=True, slots=True)
class Reference:
    """A field by its last keys. What stands there is a name, or has ``name``, and may have ``kind``
    and ``key``; ``kinds`` are the possible ones, the first of them where none is told.
    """

    rule: str
    at: tuple[str, ...]
    kinds: tuple[str, ...]
    #: Keys that it must have where none is told.
    keys: tuple[str, ...] = ()


#: The kinds of it that exist without an object of ours: Kubernetes' and AKS's own.
_BUILT_IN: Final[Mapping[str, frozenset[str]]] = {
    "PriorityClass": frozenset({"system-cluster-critical", "system-node-critical"}),
    "StorageClass": frozenset(
        {
            *("default", "managed", "managed-premium", "managed-csi", "managed-csi-premium"),
            *("azurefile", "azurefile-premium", "azurefile-csi", "azurefile-csi-premium"),
            "azureblob-fuse-premium",
        }
    ),
}

_TLS: Final = ("tls.crt", "tls.key")

REFERENCES: Final = (
    Reference("priority", ("priorityClassName",), ("PriorityClass",)),
    Reference("storage", ("storageClassName",), ("StorageClass",)),
    Reference("storage", ("storageClass",), ("StorageClass",)),
    Reference("account", ("serviceAccountName",), ("ServiceAccount",)),
    Reference("account", ("serviceAccountRef",), ("ServiceAccount",)),
    Reference("store", ("secretStoreRef",), ("SecretStore", "ClusterSecretStore")),
    Reference("secret", ("secretKeyRef",), ("Secret",)),
    Reference("secret", ("secretRef",), ("Secret",)),
    Reference("secret", ("volumes", "secret"), ("Secret",)),
    Reference("secret", ("volumes", "projected", "sources", "secret"), ("Secret",)),
    Reference("secret", ("spec", "tls", "secretName"), ("Secret",), _TLS),
    Reference("secret", ("spec", "tls", "caSecretName"), ("Secret",), ("ca.crt",)),
    Reference("configuration", ("configMapKeyRef",), ("ConfigMap",)),
    Reference("configuration", ("configMapRef",), ("ConfigMap",)),
    Reference("configuration", ("volumes", "configMap"), ("ConfigMap",)),
    Reference("configuration", ("volumes", "projected", "sources", "configMap"), ("ConfigMap",)),
    Reference("volume", ("persistentVolumeClaim", "claimName"), ("PersistentVolumeClaim",)),
    Reference("database", ("spec", "cluster"), ("Cluster",)),
    Reference("database", ("parameters", "barmanObjectName"), ("ObjectStore",)),
    Reference("account", ("roleRef",), ("Role", "ClusterRole")),
    Reference("account", ("subjects",), ("ServiceAccount",)),
    Reference("catalogue", ("imageCatalogRef",), ("ImageCatalog", "ClusterImageCatalog")),
)

#: What is installed with the operators and not by us.
_OTHERS: Final = frozenset({"ClusterImageCatalog", "ClusterSecretStore", "ClusterRole"})


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each name that nobody has, and each key that a secret or a map lacks."""
    there = _there(objects)
    for one in objects:
        for way, value in walked(one):
            for reference in REFERENCES:
                if way[-len(reference.at) :] == reference.at:
                    yield from _compared(named(one), reference, value, there)


def walked(value: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - of any shape
    """Every value with the keys that lead to it, places in lists apart."""
    if isinstance(value, list):
        for one in value:
            yield from walked(one, way)
        return
    yield way, value
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from walked(one, (*way, str(key)))


def _there(objects: Objects) -> dict[str, dict[str, set[str]]]:
    """By kind and name; with the keys where they are known, or none."""
    found: dict[str, dict[str, set[str]]] = {}
    for one in objects:
        name = str((one.get("metadata") or {}).get("name"))
        found.setdefault(str(one.get("kind")), {})[name] = set()
        # The operators make accounts for pods of theirs.
        if one.get("kind") == "Cluster":
            found.setdefault("ServiceAccount", {})[name] = set()
        if one.get("kind") == "RabbitmqCluster":
            found.setdefault("ServiceAccount", {})[f"{name}-server"] = set()
    found.setdefault("Secret", {}).update(secrets(objects))
    found["ConfigMap"] = {name: set(data) for name, data in config_maps(objects).items()}
    for kind, names in _BUILT_IN.items():
        found.setdefault(kind, {}).update({name: set() for name in names})
    return found


def _compared(
    where: str,
    reference: Reference,
    value: object,
    there: Mapping[str, Mapping[str, set[str]]],
) -> Iterator[Finding]:
    told: Mapping[str, Any] = value if isinstance(value, Mapping) else {"name": value}
    # Only volumes call it so.
    told = {"name": told.get("secretName"), **told}
    kind = told.get("kind", reference.kinds[0])
    if told.get("optional") or kind in _OTHERS or not isinstance(told.get("name"), str):
        return
    name = told["name"]
    known = there.get(kind, {})
    items = {str(item["key"]) for item in told.get("items") or []}
    wanted = {told["key"]} if "key" in told else items or set(reference.keys)
    if kind not in reference.kinds or name not in known:
        yield Finding(reference.rule, where, f"there is no {kind} {name}")
    elif missing := wanted - known[name]:
        yield Finding(reference.rule, where, f"{name} has no {', '.join(sorted(missing))}")
