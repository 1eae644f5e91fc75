"""Backups that the page has people make by hand are made as the nightly ones are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.deploying import backups
from tests.scripts_loaded import ROOT

PAGE = "docs/backup.md"


@pytest.fixture
def own(copied: Path) -> Path:
    """A copy whose page may be changed."""
    (copied / "docs").unlink()
    (copied / "docs").mkdir()
    shutil.copy(ROOT / PAGE, copied / PAGE)
    return copied


def test_the_page_makes_a_backup_in_both_ways() -> None:
    assert list(backups.check(ROOT)) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("  method: plugin\n", "", "optional/barman-cloud: no Backup is made by"),
        ("{name: barman-cloud.", "{name: barman.", "optional/barman-cloud: no Backup is made by"),
        ("spec: {cluster: {name: vestlus-postgres}}", "spec: {cluster: {name: a}}", "small: no"),
        ("spec: {cluster: {name: vestlus-postgres}}", "spec: {cluster: {name: a}}", "nothing make"),
        ("get backups.postgresql.cnpg.io", "get backups", "does not say how one sees"),
    ],
)
def test_a_broken_copy_of_the_page_is_found_out(own: Path, old: str, new: str, what: str) -> None:
    text = (own / PAGE).read_text("utf-8")
    assert old in text
    (own / PAGE).write_text(text.replace(old, new), "utf-8")
    found = list(backups.check(own))
    assert {each.rule for each in found} == {"backup"}
    assert any(each.what.startswith(what) for each in found)
