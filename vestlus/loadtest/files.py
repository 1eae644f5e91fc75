"""How large the files of an embedded bus and store are, over time."""

from __future__ import annotations

import os
from pathlib import Path


class Files:
    """The files of one folder, by name; one that comes later had no bytes before."""

    def __init__(self, folder: Path | None) -> None:
        """``folder`` need not exist yet; None is a service whose files are somewhere else."""
        self.sizes: dict[str, list[int]] = {}
        self._folder = folder
        self._looks = 0

    def look(self) -> None:
        """Reads all sizes."""
        found = {} if self._folder is None else _sizes(self._folder)
        for name in found.keys() - self.sizes.keys():
            self.sizes[name] = [0] * self._looks
        for name, sizes in self.sizes.items():
            sizes.append(found.get(name, 0))
        self._looks += 1


def _sizes(folder: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it is made by the service
        return found
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                # What is allocated: a sparse file is not as large as it says.
                found[entry.name] = entry.stat().st_blocks * 512
        except OSError:  # gone meanwhile
            continue
    return found
