"""Files and folders that hold what users wrote: nobody else on the machine reads them."""

from __future__ import annotations

import errno
import os
import tempfile
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


def write_privately(file: Path, content: bytes) -> None:
    """Writes a file that this user alone reads, in the place of one that is there, whose mode is
    not taken over. It is there whole or not at all. Raises OSError, also for what is there and is
    no file: a link leads where somebody else may have laid it to, and a device is nobody's to
    replace.
    """
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise FileExistsError(errno.EEXIST, "what is there is no file of its own", str(file))
    # ``mkstemp`` makes what it opens, for its user alone.
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
