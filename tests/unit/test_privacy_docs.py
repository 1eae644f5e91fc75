"""What is said to be stored is what is stored, and what is said to show it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.scripts_loaded import ROOT
from vestlus.retention.periods import Periods
from vestlus.store import schema

DOCS = ROOT / "docs"
PAGES = ("privacy.md", "privacy-record.md", "privacy-assessment.md", "security.md")


def stored() -> list[str]:
    """Return the tables that the page names, row by row."""
    text = (DOCS / "privacy.md").read_text("utf-8")
    table = text.split("## What is stored")[1].split("\nAnd outside the store")[0]
    firsts = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    return [name for first in firsts for name in re.findall(r"`(\w+)`", first)]


def test_every_table_of_the_store_is_said_to_be_stored_once_and_no_other() -> None:
    named = stored()
    assert sorted(named) == sorted(schema.metadata.tables)


def test_what_is_kept_by_default_is_said_as_it_is() -> None:
    rows = dict(
        re.findall(
            r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", (DOCS / "privacy.md").read_text(), re.MULTILINE
        )
    )
    usual = Periods()
    for table, days in {
        "history": usual.messages,
        "inbox_event": usual.events,
        "ledger": usual.sends,
        "dead_letter": usual.dead_letters,
        "post": usual.posts,
        "occurrence": usual.posts,
    }.items():
        assert f"{days} days" in rows[table]
    assert usual.audit == 2 * 365
    assert "2 years" in rows["audit"]


@pytest.mark.parametrize("page", PAGES)
def test_files_and_tests_that_a_page_names_exist(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    for path in re.findall(
        r"`((?:tests|vestlus|actors|publishers|image_bank|scripts)/[\w./]+)`", text
    ):
        assert (ROOT / path).exists(), path
    for path, name in re.findall(r"`(tests/[\w./]+\.py)`, `(test_\w+)`", text):
        assert re.search(rf"def {name}\b", (ROOT / path).read_text("utf-8")), name


def test_every_threat_names_a_module_and_a_test() -> None:
    text = (DOCS / "security.md").read_text("utf-8")
    table = text.split("## Threats")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    for threat, _, module, test in rows:
        assert re.search(r"`\w+/[\w./]+`", module), threat
        assert re.search(r"`tests/[\w./]+\.py`", test), threat
        # Each name stands behind the file that it is in.
        for file, name in re.findall(r"`(tests/[\w./]+\.py)`, `(test_\w+)`", test):
            assert f"def {name}(" in (DOCS.parent / file).read_text("utf-8"), name


@pytest.mark.parametrize("page", [*PAGES, "retention.md"])
def test_pages_that_a_page_links_to_exist_with_their_headings(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    for target, heading in re.findall(r"\]\(([\w./-]+\.md)?(?:#([\w-]+))?\)", text):
        other = DOCS / (target or page)
        assert other.is_file(), target
        if heading:
            assert heading in _headings(other), f"{target}#{heading}"


def _headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}
