"""The overlays of ``deploy/aks`` as they are applied.

kubectl renders them where it is installed. What it rendered is kept in ``deploy/aks/rendered`` with
a digest of what it was rendered from and one of itself: it is looked at, and can be applied,
without kubectl, and nobody has changed it by hand.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploying.findings import Finding
from tests.deploying.schemas import Loader

#: Those that everybody has; beside them somebody may have his own.
SHIPPED: Final = ("small", "production")

#: What makes a folder one that kustomize renders ("kustomization.yaml" and its two other names).
_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")

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


def overlays(root: Path) -> tuple[str, ...]:
    """The names of all that are there, those that somebody added for himself too, in order."""
    folders = sorted((root / "deploy/aks/overlays").iterdir())
    return tuple(one.name for one in folders if _kustomization(one))


def _kustomization(folder: Path) -> Path | None:
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


def _sources(folder: Path) -> set[Path]:
    """The files of a folder, and of those that it is built on."""
    found = {file for file in folder.rglob("*") if file.is_file()}
    named = _kustomization(folder)
    said = (yaml.safe_load(named.read_text("utf-8")) if named else None) or {}
    for key in ("bases", "resources", "components"):
        for word in said.get(key) or []:
            if (folder / word).is_dir():
                found |= _sources((folder / word).resolve())
            elif (folder / word).is_file():
                found.add((folder / word).resolve())
    return found


def digest(root: Path, overlay: str) -> str:
    """Of all that goes into an overlay, and of nothing that goes into others only."""
    here = root.resolve()
    found = hashlib.sha256()
    for file in sorted(_sources(here / "deploy/aks/overlays" / overlay)):
        found.update(os.path.relpath(file, here).encode())
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
    return written(root, overlay, filter(None, yaml.load_all(done.stdout, Loader)))


def written(root: Path, overlay: str, objects: Iterable[dict[str, Any]]) -> str:
    """Objects as they are kept, with both digests."""
    # In the order in which they come from every version, with anchors and styles resolved.
    text = yaml.safe_dump_all(sorted(objects, key=_order), allow_unicode=True, width=1000)
    about = _ABOUT.format(overlay) + _DIGEST + digest(root, overlay) + "\n"
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
    """The objects of what is kept. Raises FileNotFoundError where it was never rendered."""
    text = place(root, overlay).read_text("utf-8")
    return [one for one in yaml.load_all(text, Loader) if one]


def check(root: Path) -> Iterator[Finding]:
    """Whether what is kept is what would be rendered now."""
    program = kubectl()
    for overlay in overlays(root):
        file = place(root, overlay)
        where = str(file.relative_to(root))
        text = file.read_text("utf-8") if file.exists() else ""
        try:
            fresh = rendered(root, overlay, program) if program else None
        except NotRenderedError as error:
            yield Finding("rendering", f"deploy/aks/overlays/{overlay}", str(error))
            continue
        known = f"{_DIGEST}{digest(root, overlay)}\n" in text and _untouched(text)
        if not known or fresh not in (None, text):
            yield Finding("rendering", where, "is not what its sources say: `make manifests`")


def render(root: Path, program: str) -> None:
    """Writes what is kept anew. Raises NotRenderedError."""
    for overlay in overlays(root):
        file = place(root, overlay)
        file.parent.mkdir(exist_ok=True)
        file.write_text(rendered(root, overlay, program), "utf-8")
