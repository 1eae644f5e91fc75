"""Small pictures of the bank's files, made when they are first looked at and kept in memory."""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from typing import Final

from PIL import Image

from image_bank.errors import StorageUnavailable
from image_bank.storage import MediaStorage, checked

#: Pixels of the longer side: twice what a card of the gallery is wide.
SIDE: Final = 480
#: Bytes of all that is kept: some 1,500 of them.
MOST_BYTES: Final = 48_000_000
_QUALITY: Final = 78
#: Made at a time: each takes a core for some 50 ms and up to 13 MB.
_AT_ONCE: Final = 2

MEDIA_TYPE: Final = "image/jpeg"


class Thumbnails:
    """Those of one process. Files never change, so what was made once holds for good."""

    def __init__(self, storage: MediaStorage, *, most_bytes: int = MOST_BYTES) -> None:
        self._storage = storage
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes | None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def of(self, file: str) -> bytes | None:
        """The small picture of a file, a JPEG; ``None`` where there is no such file.

        However many ask at once, it is made once. Raises ValueError for what is no name of a file
        of the bank, and StorageUnavailable.
        """
        known = self._kept.get(checked(file))
        if known is not None:
            self._kept.move_to_end(file)
            return known
        making = self._making.get(file)
        if making is None:
            making = asyncio.create_task(self._made(file), name=f"thumbnail of {file}")
            self._making[file] = making
            making.add_done_callback(lambda _: self._making.pop(file))
        # Who leaves does not take it away from others who wait for it.
        return await asyncio.shield(making)

    async def _made(self, file: str) -> bytes | None:
        async with self._places:
            data = await self._storage.get(file)
            if data is None:
                return None
            small = await asyncio.to_thread(_small, data)
        self._keep(file, small)
        return small

    def _keep(self, file: str, small: bytes) -> None:
        self._kept[file] = small
        self._size += len(small)
        while self._size > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)


def _small(data: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            image.draft("RGB", (SIDE, SIDE))
            image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, progressive=True)
    except OSError as error:
        # The bank made the file itself, so that the storage has another one under its name.
        raise StorageUnavailable("a file is damaged") from error
    return buffer.getvalue()
