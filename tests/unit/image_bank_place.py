"""What the tests of a bank's folder share: a folder with a catalogue, and its bank."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_bank.catalogue import Picture
from image_bank.description import Description
from image_bank.errors import CatalogueRefused
from image_bank.folder import Loaded, load_folder
from image_bank.keeping import add_by_hand, read_catalogue, remove
from tests.fakes.bank import MemoryBank, MemoryStorage, picture_file

NOW_MS = 1_780_000_000_000

MAP = """
[[pictures]]
id = "map"
file = "map.png"
shows = "Where we are"
alt = "A map"
tags = ["map", "address"]
language = "et"
rights = "ours"
ai_generated = true
in_dms = true
in_posts = false
valid_from = 2026-01-01
valid_until = 2026-12-31
accounts = ["17841400000000001"]
"""
SIGN = """
[[pictures]]
id = "sign"
file = "signs/sign.jpg"
shows = "A sign"
post = "pad"
"""


class Place:
    """A bank, a storage and a folder, with the ways to change them."""

    def __init__(self, folder: Path) -> None:
        self.bank, self.storage, self.folder = MemoryBank(), MemoryStorage(), folder
        self.now_ms = NOW_MS
        (folder / "signs").mkdir(parents=True)
        (folder / "map.png").write_bytes(picture_file())
        (folder / "signs" / "sign.jpg").write_bytes(picture_file(900, 300, "JPEG"))

    async def load(self, catalogue: str) -> Loaded:
        (self.folder / "catalogue.toml").write_text(catalogue, "utf-8")
        return await load_folder(
            self.folder, bank=self.bank, storage=self.storage, clock=lambda: self.now_ms
        )

    async def problems(self, catalogue: str) -> tuple[str, ...]:
        """Returns the problems, having seen that nothing was changed."""
        entries, files = dict(self.bank.entries), dict(self.storage.files)
        with pytest.raises(CatalogueRefused) as refused:
            await self.load(catalogue)
        assert (self.bank.entries, self.storage.files) == (entries, files)
        return refused.value.problems

    async def add(self, key: str, data: bytes | None = None, *, replacing: bool = False) -> Picture:
        return await add_by_hand(
            key,
            Description(shows="Added by hand"),
            picture_file() if data is None else data,
            bank=self.bank,
            storage=self.storage,
            clock=lambda: self.now_ms,
            replacing=replacing,
        )

    async def remove(self, *keys: str, folder_in_use: bool = False) -> None:
        await remove(
            keys,
            bank=self.bank,
            storage=self.storage,
            clock=lambda: self.now_ms,
            folder_in_use=folder_in_use,
        )

    async def pictures(self) -> dict[str, Picture]:
        return dict((await read_catalogue(self.bank)).pictures)

    async def files_are_those_of_the_catalogue(self) -> bool:
        named = [one.files for one in (await self.pictures()).values()]
        return frozenset(self.storage.files) == frozenset[str]().union(*named)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "bank")
