"""The port of the files' storage. Files are named by their content and never change."""

from __future__ import annotations

import hashlib
import re
from typing import Final, Protocol

#: Media type → ending of a file's name. Direct messages take no others (Send API, "image").
ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg"}
_MEDIA_TYPES: Final = {ending: media_type for media_type, ending in ENDINGS.items()}
_NAME: Final = re.compile(r"[0-9a-f]{64}\.(?:png|jpg)", re.ASCII)


class MediaStorage(Protocol):
    """Keeps files. Every method raises StorageUnavailable when the storage does not do its work,
    and ValueError for a name that is none of :func:`file_name`'s.
    """

    async def put(self, name: str, data: bytes) -> None:
        """Keeps a file, durably, before it returns. One of the same name is written anew."""
        ...

    async def get(self, name: str) -> bytes | None:
        """The file, or ``None`` where there is none."""
        ...

    async def exists(self, name: str) -> bool:
        """Whether the file is there."""
        ...

    async def delete(self, name: str) -> None:
        """Removes the file, if it is there."""
        ...


def file_name(data: bytes, media_type: str) -> str:
    """The name of a file with this content: SHA-256 in hex and the ending of its media type."""
    return f"{hashlib.sha256(data).hexdigest()}.{ENDINGS[media_type]}"


def media_type_of(name: str) -> str:
    """The media type of a file's name. Raises ValueError for anything but such a name."""
    return _MEDIA_TYPES[checked(name).rpartition(".")[2]]


def is_intact(name: str, data: bytes) -> bool:
    """Whether this is the content that the file was named for."""
    return hashlib.sha256(data).hexdigest() == checked(name).partition(".")[0]


def checked(name: str) -> str:
    """The name itself. Raises ValueError for what could lead out of a folder, or anything else
    that is no name of ours.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError("is no name of a file of the bank")
    return name
