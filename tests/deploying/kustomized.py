"""The overlays of ``deploy/aks`` as they are applied.

kubectl renders them where it is installed. What it rendered is kept in ``deploy/aks/rendered`` with
a digest of what it was rendered from and one of itself: it is looked at, and can be applied,
without kubectl, and nobody has changed it by hand.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploying.findings import Finding
from tests.deploying.schemas import Loader

OVERLAYS: Final = ("small", "production")

_DIGEST: Final = "# Made of sources with this digest: "
_OWN: Final = "# What follows has this digest: "
_ABOUT: Final = "# Made by `make manifests` of overlays/{}; do not change it here.\n"


class NotRenderedError(Exception):
    """Kustomize refuses; the message is its own."""


def kubectl() -> str | None:
    """Where it is, if it is installed."""
    return shutil.which("kubectl")


def place(root: Path, overlay: str) -> Path:
    """Where what was rendered is kept."""
    return root / "deploy/aks/rendered" / f"{overlay}.yaml"


def digest(root: Path) -> str:
    """Of all that goes into the overlays."""
    found = hashlib.sha256()
    for folder in ("base", "overlays"):
        for file in sorted((root / "deploy/aks" / folder).rglob("*.yaml")):
            found.update(str(file.relative_to(root)).encode())
            found.update(file.read_bytes())
    return found.hexdigest()


def rendered(root: Path, overlay: str, program: str) -> str:
    """By kubectl. Raises NotRenderedError."""
    done = subprocess.run(
        [program, "kustomize", str(root / "deploy/aks/overlays" / overlay)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotRenderedError(done.stderr.strip()[-500:])
    # In the order in which they come from every version, with anchors and styles resolved.
    documents = sorted(filter(None, yaml.load_all(done.stdout, Loader)), key=_order)
    text = yaml.safe_dump_all(documents, allow_unicode=True, width=1000)
    about = _ABOUT.format(overlay) + _DIGEST + digest(root) + "\n"
    return about + _OWN + hashlib.sha256(text.encode()).hexdigest() + "\n" + text


def _untouched(text: str) -> bool:
    """Whether what was rendered is still what was written."""
    told, _, body = text.partition(_OWN)[2].partition("\n")
    return told == hashlib.sha256(body.encode()).hexdigest()


def _order(one: dict[str, Any]) -> tuple[bool, str, str, str]:
    """What others need comes first."""
    early = one["kind"] in {"Namespace", "PriorityClass", "ServiceAccount", "ConfigMap"}
    return (not early, one["kind"] != "Namespace", one["kind"], one["metadata"]["name"])


def kept(root: Path, overlay: str) -> list[dict[str, Any]]:
    """The objects of what is kept."""
    text = place(root, overlay).read_text("utf-8")
    return [one for one in yaml.load_all(text, Loader) if one]


def check(root: Path) -> Iterator[Finding]:
    """Whether what is kept is what would be rendered now."""
    program = kubectl()
    for overlay in OVERLAYS:
        file = place(root, overlay)
        where = str(file.relative_to(root))
        text = file.read_text("utf-8") if file.exists() else ""
        try:
            fresh = rendered(root, overlay, program) if program else None
        except NotRenderedError as error:
            yield Finding("rendering", f"deploy/aks/overlays/{overlay}", str(error))
            continue
        known = f"{_DIGEST}{digest(root)}\n" in text and _untouched(text)
        if not known or fresh not in (None, text):
            yield Finding("rendering", where, "is not what its sources say: `make manifests`")


def render(root: Path, program: str) -> None:
    """Writes what is kept anew. Raises NotRenderedError."""
    for overlay in OVERLAYS:
        file = place(root, overlay)
        file.parent.mkdir(exist_ok=True)
        file.write_text(rendered(root, overlay, program), "utf-8")
