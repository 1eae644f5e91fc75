"""The store's catalogue in memory, and pictures to fill it with."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping

from PIL import Image

from vestlus.errors import StoreUnavailable


class MemoryBank:
    """See ``vestlus.store.port.Bank``. ``away`` makes every method fail; ``reads`` counts."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.changes = 0
        self.reads = 0
        self.looks = 0
        self.away = False
        self._vectors: dict[tuple[str, str], bytes] = {}

    async def catalogue(self) -> dict[str, str]:
        self._answer()
        self.reads += 1
        return dict(self.entries)

    async def catalogue_stamp(self) -> str:
        self._answer()
        self.looks += 1
        return str(self.changes)

    async def put_pictures(self, entries: Mapping[str, str], now_ms: int) -> None:  # noqa: ARG002 - the port's
        self._answer()
        self.entries.update(entries)
        self.changes += 1

    async def remove_pictures(self, ids: Collection[str], now_ms: int) -> frozenset[str]:  # noqa: ARG002
        self._answer()
        there = frozenset(ids) & self.entries.keys()
        for key in there:
            del self.entries[key]
        self.changes += 1
        return there

    async def embeddings(self, model: str, digests: Collection[str]) -> dict[str, bytes]:
        self._answer()
        return {one: self._vectors[model, one] for one in digests if (model, one) in self._vectors}

    async def put_embeddings(self, model: str, vectors: Mapping[str, bytes]) -> None:
        self._answer()
        for digest, vector in vectors.items():
            self._vectors.setdefault((model, digest), vector)

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable


class MemoryStorage:
    """See ``image_bank.storage.MediaStorage``."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.puts = 0

    async def put(self, name: str, data: bytes) -> None:
        self.files[name] = data
        self.puts += 1

    async def get(self, name: str) -> bytes | None:
        return self.files.get(name)

    async def exists(self, name: str) -> bool:
        return name in self.files

    async def delete(self, name: str) -> None:
        self.files.pop(name, None)


def picture_file(
    width: int = 400,
    height: int = 400,
    form: str = "PNG",
    *,
    colour: str = "teal",
    mode: str = "RGB",
) -> bytes:
    """Return a file with a picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).convert(mode).save(buffer, form)
    return buffer.getvalue()
