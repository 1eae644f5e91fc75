"""Folders and databases that hold what users wrote: nobody else on the machine reads them."""

from __future__ import annotations

import os
from pathlib import Path


def private_folder(folder: Path) -> None:
    """Makes the folder for this user alone. One that is there keeps its mode: it is its owner's to
    say who looks in. Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def private_database(file: Path) -> None:
    """Makes an empty SQLite file that this user alone reads, and its folder; one that is there
    keeps its mode. SQLite gives ``-wal`` and ``-shm`` the mode of their file (``os_unix.c``,
    "findCreateFileMode"). Raises OSError.
    """
    private_folder(file.parent)
    try:
        # Only what this call makes is opened: closing a file that SQLite has open in this process
        # would take its locks away (sqlite.org, "How To Corrupt An SQLite Database File", 2.2).
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
