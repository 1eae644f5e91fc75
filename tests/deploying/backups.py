"""Whether the Backups that a page has people make by hand are made as the nightly ones are.

Without a method a Backup is CloudNativePG's own, which fails where the Cluster has no
``spec.backup`` ("cannot proceed with the backup as the cluster has no backup section", in its
``backup_controller.go``): where the plugin makes backups it has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploying import kustomized, plugin
from tests.deploying.findings import Finding
from tests.deploying.objects import Object, of_kind

_PAGE: Final = "docs/backup.md"
_CREATED: Final = re.compile(r"^kubectl create -f - <<'END'\n(.*?)^END$", re.MULTILINE | re.DOTALL)
#: A Backup is there at once, and made or failed later.
_LOOKED_AT: Final = "kubectl -n vestlus get backups.postgresql.cnpg.io"

#: What makes a backup: the cluster, the method, and what the plugin is told.
_Way = tuple[str, str, str]


def check(root: Path) -> Iterator[Finding]:
    """Both ways: of the overlay ``small``, and of the same with the plugin. Raises LookupError
    where the plugin's patches are of nothing.
    """
    small = kustomized.kept(root, "small")
    page = (root / _PAGE).read_text("utf-8")
    told = [yaml.safe_load(text) for text in _CREATED.findall(page)]
    made = _ways(of_kind(told, "Backup"))
    for where, objects in (("small", small), (plugin.FOLDER, plugin.with_plugin(small, root))):
        wanted = _ways(of_kind(objects, "ScheduledBackup"))
        for way in sorted(wanted - made):
            yield Finding("backup", _PAGE, f"{where}: no Backup is made by {', '.join(way)}")
        made -= wanted
    for way in sorted(made):
        yield Finding("backup", _PAGE, f"nothing makes backups by {', '.join(way)}")
    if _LOOKED_AT not in page:
        yield Finding("backup", _PAGE, "does not say how one sees whether a Backup was made")


def _ways(backups: Iterable[Object]) -> set[_Way]:
    return {_way(one["spec"]) for one in backups}


def _way(spec: Any) -> _Way:  # noqa: ANN401 - of any shape
    told = spec.get("pluginConfiguration") or {}
    method = str(spec.get("method", "barmanObjectStore"))
    return str(spec["cluster"]["name"]), method, str(told.get("name", "no plugin"))
