"""Earlier versions of the service, from the repository's history."""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIGRATIONS = "vestlus/store/migrations/versions"


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words],  # noqa: S607 - the system's own
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def previous() -> str:
    """The newest tag; where there is none, the newest revision of this branch whose migrations are
    fewer than the present ones, and the first of them.
    """
    if tag := _git("tag", "--sort=-creatordate").partition("\n")[0]:
        return tag
    for revision in _git("log", "--first-parent", "--format=%h").split():
        if len(migrations_of(revision)) < len(_present()) and precedes(revision):
            return revision
    raise SystemExit("no earlier version of this branch has fewer migrations")


def migrations_of(revision: str) -> list[str]:
    """The revisions of the schema that a version of the repository knows, oldest first."""
    names = _git("ls-tree", "--name-only", f"{revision}:{MIGRATIONS}").split()
    return sorted(name[:5] for name in names if name.startswith("a"))


def _present() -> list[str]:
    return sorted(one.name[:5] for one in (ROOT / MIGRATIONS).glob("a*.py"))


def precedes(revision: str) -> bool:
    """Whether its migrations are the first of the present ones. Where one was put between them
    later, its store would never get that one.
    """
    known = migrations_of(revision)
    return known == _present()[: len(known)]


def unpack(revision: str, folder: Path) -> str:
    """The repository as it was then, in a folder; returns the newest revision of its schema."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", revision],  # noqa: S607 - as above
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return max(one.name[:5] for one in (folder / MIGRATIONS).glob("a*.py"))
