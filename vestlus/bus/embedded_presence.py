"""Which processes use the embedded bus: known from locks that the kernel takes from the dead.

A process holds an exclusive lock on a small file as long as it lives. However it ends, the
kernel releases the lock at once, so others see at once that it is gone. Process ids would have
to be guarded against being reused and mean nothing between containers that share the folder.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path
from typing import Self

from vestlus.private_files import private_folder


class Presence:
    """This process's lock file. Blocking calls, all of them short."""

    def __init__(self, folder: Path, token: str, descriptor: int) -> None:
        self._folder = folder
        self._descriptor = descriptor
        #: Names this process among those that use the same folder.
        self.token = token

    @classmethod
    def announce(cls, folder: Path) -> Self:
        """Makes this process known. Raises OSError."""
        # It lies beside the database.
        private_folder(folder.parent)
        private_folder(folder)
        while True:
            token = uuid.uuid4().hex[:12]
            path = folder / f"{token}.lock"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A sweeper may have taken the file for a dead one's before it was locked.
                if path.exists():
                    return cls(folder, token, descriptor)
            except BlockingIOError:
                path.unlink(missing_ok=True)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def withdraw(self) -> None:
        """Makes this process unknown again. Safe to call twice."""
        if self._descriptor >= 0:
            (self._folder / f"{self.token}.lock").unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


def is_present(folder: Path, token: str) -> bool:
    """Whether the process that announced itself with this token lives, as far as one can see."""
    try:
        descriptor = os.open(folder / f"{token}.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        # Shared, so that two who look at the same time do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sweep(folder: Path) -> None:
    """Removes what dead processes left in the folder."""
    for lock in folder.glob("*.lock"):
        if not is_present(folder, lock.stem):
            lock.with_suffix(".bell").unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
