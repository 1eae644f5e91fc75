"""Every page of the console has its picture in the documents, made of the demo."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from tests.e2e.console_views import IMAGES, PREFIX, SIGN_IN, VIEWS

DOCS = Path(__file__).parents[2] / "docs"
#: What a page says that is not there, or not for its reader.
NO_PAGE = "told"


def pages() -> set[str]:
    """The pages, by the names of the templates that make a whole one."""
    folder = resources.files("vestlus.console").joinpath("templates")
    return {
        one.name.removesuffix(".html").replace("_", "-")
        for one in folder.iterdir()
        if '{% extends "layout.html" %}' in one.read_text("utf-8")
    } - {NO_PAGE}


def test_every_page_of_the_console_is_looked_at_in_the_demo_and_has_its_picture() -> None:
    names = [view.name for view in (SIGN_IN, *VIEWS)]
    assert len(set(names)) == len(names)
    assert "conversation" in pages()
    assert pages() - set(names) == set()


def test_every_picture_of_the_console_is_made_by_the_browser_test_and_shown_in_its_page() -> None:
    shown = re.findall(
        r"!\[[^\]]+\]\(images/([\w-]+\.png)\)", (DOCS / "console.md").read_text("utf-8")
    )
    kept = {file.name for file in IMAGES.glob(f"{PREFIX}*.png")}
    made = {view.picture.name for view in (SIGN_IN, *VIEWS)}
    assert len(set(shown)) == len(shown)
    assert (set(shown), kept) == (made, made)
