"""What is vendored is what the packages hold, byte by byte, and their licences lie beside it."""

from __future__ import annotations

from hashlib import sha256
from importlib import resources

import pytest

VENDOR = resources.files("vestlus.console").joinpath("static", "vendor")

#: File → SHA-256 of the file in the npm package of that name and version, and where it is there.
FILES = {
    "htmx.min.js": (
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
        "htmx.org-2.0.11",  # dist/htmx.min.js
    ),
    "htmx-sse.min.js": (
        "98a46496de0c3605fbffdce9167ba427bdd9553184f83f149c261891a92c0136",
        "htmx-ext-sse-2.2.4",  # dist/sse.min.js
    ),
    "idiomorph-ext.min.js": (
        "5811b9a7eda14878b7dab4378bf60432e1bb6f11fcfb970cc26540642650181e",
        "idiomorph-0.8.0",  # dist/idiomorph-ext.min.js
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_vendored_file_is_the_packages_own_with_its_licence(name: str) -> None:
    digest, package = FILES[name]
    assert sha256(VENDOR.joinpath(name).read_bytes()).hexdigest() == digest
    licence = VENDOR.joinpath("LICENSES", f"{package}.txt").read_text("utf-8")
    assert "BSD" in licence or "Permission to use, copy, modify" in licence


def test_nothing_is_vendored_that_is_not_known() -> None:
    assert {one.name for one in VENDOR.iterdir()} == {*FILES, "LICENSES"}
