"""PostgreSQL's backups by the Barman Cloud plugin of CloudNativePG ("Migrating from Built-in
CloudNativePG Backup" and "Using the Barman Cloud Plugin" in its documentation):
``deploy/aks/optional/barman-cloud``, and the restore from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploying import azure, schemas
from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, named, of_kind
from tests.deploying.restoring import patched

_NAME: Final = "barman-cloud.cloudnative-pg.io"
FOLDER: Final = "optional/barman-cloud"
_RESTORE: Final = "restore/small-barman-cloud"

#: What is patched, and by which file of the folder.
_PATCHES: Final = {"Cluster": "cluster.yaml", "ScheduledBackup": "nightly.yaml"}


def with_plugin(objects: Objects, root: Path) -> Objects:
    """The overlay ``small`` with the plugin. Raises LookupError where a patch is of nothing."""
    found: list[Object] = []
    for one in objects:
        file = _PATCHES.get(str(one["kind"]))
        found.append(patched(one, _operations(root, FOLDER, file)) if file else one)
    return [*found, *azure.beside(root, FOLDER)]


def check(objects: Objects, root: Path, definitions: schemas.Definitions) -> Iterator[Finding]:
    """Of the overlay with the plugin, and of what a restore makes of its Cluster."""
    (before,) = of_kind(objects, "Cluster")
    stores = {str(one["metadata"]["name"]): one for one in of_kind(objects, "ObjectStore")}
    yield from schemas.check([before, *of_kind(objects, "ScheduledBackup")], definitions)
    if (before["spec"].get("backup") or {}).get("barmanObjectStore"):
        yield Finding("backup", named(before), "has two ways for its log")
    for one in of_kind(objects, "ScheduledBackup"):
        told = one["spec"].get("pluginConfiguration") or {}
        if (one["spec"].get("method"), told.get("name")) != ("plugin", _NAME):
            yield Finding("backup", named(one), f"is not made by {_NAME}")
    for one in stores.values():
        if one["spec"]["configuration"].get("serverName"):
            yield Finding("backup", named(one), "serverName is to be said by the Cluster only")
        if not one["spec"].get("retentionPolicy"):
            yield Finding("backup", named(one), "keeps backups for ever: retentionPolicy")
    after = patched(before, _operations(root, _RESTORE, "recovery.yaml"))
    for fault in (*schemas.check([after], definitions), *_restored(before, after)):
        yield Finding(fault.rule, f"{_RESTORE}: {fault.where}", fault.what)
    (service,) = of_kind(objects, "RayService")
    last = patched(service, _operations(root, _RESTORE, "service.yaml"))
    if last["metadata"]["labels"].get("vestlus/restore") != "last":
        what = "nothing can be applied without it: it has no label"
        yield Finding("restoring", f"{_RESTORE}: {named(last)}", what)


def _operations(root: Path, folder: str, name: str) -> list[dict[str, Any]]:
    text = (root / "deploy/aks" / folder / name).read_text("utf-8")
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def _archive(cluster: Object) -> Mapping[str, Any]:
    """The parameters of the plugin that writes the log."""
    for one in cluster["spec"].get("plugins") or []:
        if one.get("name") == _NAME and one.get("isWALArchiver"):
            return one.get("parameters") or {}
    return {}


def _restored(before: Object, after: Object) -> Iterator[Finding]:
    """It must read where it wrote, write where nothing is, and be called as before."""
    spec, where = after["spec"], named(after)
    recovery, first = spec["bootstrap"].get("recovery") or {}, before["spec"]["bootstrap"]["initdb"]
    own = str(before["metadata"]["name"])
    read = next(
        (
            (one.get("plugin") or {}).get("parameters") or {}
            for one in spec.get("externalClusters") or []
            if one["name"] == recovery.get("source")
            and (one.get("plugin") or {}).get("name") == _NAME
        ),
        None,
    )
    if read is None:
        yield Finding("restoring", where, "is made of no backup")
        return
    wrote, writes = _archive(before), _archive(after)
    for key, default in (("barmanObjectName", ""), ("serverName", own)):
        if read.get(key, default) != wrote.get(key, default):
            yield Finding("restoring", where, f"{key} is not where the backups are")
    if writes.get("serverName", own) == read.get("serverName", own):
        yield Finding("restoring", where, "would write its log over the one that it reads")
    for key in ("database", "owner"):
        if recovery.get(key) != first[key]:
            yield Finding("restoring", where, f"the {key} is not {first[key]}")
