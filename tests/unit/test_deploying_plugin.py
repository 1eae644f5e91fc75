"""PostgreSQL's backups by the plugin are where they were, and a broken copy is found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploying import everything, plugin, schemas
from tests.scripts_loaded import ROOT

#: With the definitions of operators' kinds where they are there.
DEFINITIONS = schemas.Definitions(everything.definitions_folder())

STORE, CLUSTER, NIGHTLY = (
    f"optional/barman-cloud/{name}.yaml" for name in ("store", "cluster", "nightly")
)
RECOVERY = "restore/small-barman-cloud/recovery.yaml"
SERVICE = "restore/small-barman-cloud/service.yaml"


def test_backups_by_the_plugin_have_nothing_wrong() -> None:
    assert list(everything.of_plugin(ROOT, DEFINITIONS)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        (STORE, "name: vestlus-backups", "name: backups", "database"),
        (STORE, "  retentionPolicy: 30d\n", "", "backup"),
        (STORE, "  configuration:\n", "  configuration:\n    serverName: a\n", "backup"),
        (CLUSTER, "remove\n  path: /spec/backup\n", "remove\n  path: /spec/backups\n", "rendering"),
        (CLUSTER, "remove\n  path: /spec/backup\n", "remove\n  path: /spec/walStorage\n", "backup"),
        (CLUSTER, "isWALArchiver: true", "isWALArchiver: false", "backup"),
        (CLUSTER, "barmanObjectName: vestlus-backups", "barmanObjectName: others", "database"),
        (NIGHTLY, "value: plugin", "value: barmanObjectStore", "backup"),
        (NIGHTLY, "name: barman-cloud", "name: barman", "backup"),
        (RECOVERY, "source: backups", "source: others", "restoring"),
        (RECOVERY, "serverName: vestlus-postgres}", "serverName: vestlus}", "restoring"),
        (RECOVERY, "value: vestlus-postgres-2", "value: vestlus-postgres", "restoring"),
        (RECOVERY, "barmanObjectName: vestlus-backups", "barmanObjectName: a", "restoring"),
        (RECOVERY, "owner: vestlus", "owner: postgres", "restoring"),
        (SERVICE, "vestlus/restore", "restore", "restoring"),
    ],
)
def test_a_broken_copy_of_it_is_found_out(
    copied: Path, file: str, old: str, new: str, rule: str
) -> None:
    path = copied / "deploy/aks" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    assert rule in {each.rule for each in everything.of_plugin(copied, DEFINITIONS)}


def test_a_database_without_an_identity_is_told_with_the_plugin_too(copied: Path) -> None:
    path = copied / "deploy/aks" / CLUSTER
    path.write_text(
        path.read_text("utf-8") + "- op: remove\n  path: /spec/serviceAccountTemplate\n", "utf-8"
    )
    assert "identity" in {each.rule for each in everything.of_plugin(copied, DEFINITIONS)}


def test_the_folder_is_the_one_that_the_page_names() -> None:
    assert f"deploy/aks/{plugin.FOLDER}" in (ROOT / "docs/operations.md").read_text("utf-8")
