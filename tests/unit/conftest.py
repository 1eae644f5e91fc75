"""What several modules of tests about deploying share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.scripts_loaded import ROOT

#: Files of a deployment beside the folder ``deploy``.
_FILES: Final = ("Dockerfile", ".dockerignore", "compose.yaml", "cluster.yaml", "pyproject.toml")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the repository's deployment, to be changed, and what it is made of by links."""
    for name in _FILES:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for place in ROOT.iterdir():
        if not (tmp_path / place.name).exists() and not place.name.startswith("."):
            (tmp_path / place.name).symlink_to(place)
    return tmp_path
