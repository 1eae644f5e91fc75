"""What a restore on Kubernetes needs fits what is deployed; a broken copy of it is found out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.deploying import kustomized, restoring, schemas
from tests.scripts_loaded import ROOT

NOTHING = schemas.Definitions(None)

RECOVERY, JOB, SMALL = "small/recovery.yaml", "job/job.yaml", "job-small/database.yaml"


@pytest.fixture(scope="module")
def overlays() -> dict[str, list[dict[str, Any]]]:
    """What the overlays are, read once."""
    return {name: kustomized.kept(ROOT, name) for name in kustomized.SHIPPED}


@pytest.fixture
def copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overlays: dict[str, list[dict[str, Any]]]
) -> Path:
    """A repository with deploy/aks/restore only, and no kubectl."""
    shutil.copytree(ROOT / restoring.FOLDER, tmp_path / restoring.FOLDER)
    monkeypatch.setattr(kustomized, "kept", lambda _, name: overlays[name])
    monkeypatch.setattr(kustomized, "kubectl", lambda: None)
    return tmp_path


def test_what_is_shipped_for_a_restore_fits(copied: Path) -> None:
    assert list(restoring.check(copied, NOTHING)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        (RECOVERY, "source: backups", "source: others", "is made of no backup"),
        (RECOVERY, "vestlus-postgres-2", "vestlus-postgres", "over the one that it reads"),
        (RECOVERY, "//examplebackups", "//others", "is not where the backups are"),
        (RECOVERY, "owner: vestlus", "owner: postgres", "the owner is not vestlus"),
        ("production/service.yaml", "vestlus/restore", "restore", "nothing can be applied without"),
        (JOB, "[vestlus, restored]", "[vestlus, serve]", "does not run"),
        (JOB, "image: vestlus:0.1.0", "image: vestlus:0.0.9", "image is not that"),
        (JOB, "name: vestlus-secrets", "name: secrets", "envFrom is not that"),
        (JOB, "readOnlyRootFilesystem: true", "privileged: true", "securityContext is not that"),
        (JOB, "runAsUser: 2000", "runAsUser: 0", "securityContext is not that"),
        (JOB, "/etc/vestlus,", "/etc/others,", "vestlus.toml is not that"),
        (JOB, "part-of: vestlus", "part-of: others", "no policy lets it"),
        (JOB, "component: restored", "component: webhook", "is chosen by Service vestlus-http"),
        (JOB, "enableServiceLinks: false", "enableServiceLinks: true", "enableServiceLinks"),
        (SMALL, "vestlus-pooler", "pooler", "VESTLUS_DATABASE_URL is not that"),
    ],
)
def test_a_broken_copy_is_found_out(copied: Path, file: str, old: str, new: str, what: str) -> None:
    path = copied / restoring.FOLDER / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    assert any(what in one.what for one in restoring.check(copied, NOTHING))


def test_a_patch_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(LookupError):
        restoring.patched({"spec": {}}, [{"op": "replace", "path": "/spec/a", "value": 1}])
