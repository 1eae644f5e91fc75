"""The files in a folder of this machine, or of a file system that the machines share."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from image_bank.errors import StorageUnavailable
from image_bank.storage import checked

T = TypeVar("T")


class LocalStorage:
    """See MediaStorage. The folder is made with the first file.

    A file is there whole or not at all, also after a crash or a loss of power: it is written
    under another name, synchronised, and then given its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, data: bytes) -> None:
        """See MediaStorage."""
        place = self._folder / checked(name)
        await _guarded(lambda: _write(place, data))

    async def get(self, name: str) -> bytes | None:
        """See MediaStorage."""
        place = self._folder / checked(name)
        return await _guarded(lambda: _read(place))

    async def exists(self, name: str) -> bool:
        """See MediaStorage."""
        place = self._folder / checked(name)
        return await _guarded(place.is_file)

    async def delete(self, name: str) -> None:
        """See MediaStorage."""
        place = self._folder / checked(name)
        await _guarded(lambda: place.unlink(missing_ok=True))


async def _guarded(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StorageUnavailable(
            f"the folder of VESTLUS_MEDIA_URL cannot be used: {error.strerror}"
        ) from error


def _read(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return None


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    # Two writers of the same file write the same bytes, each into a file of its own.
    unfinished = place.with_name(f"{place.name}.{secrets.token_hex(8)}.part")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    """Without this a new name may be gone after a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
