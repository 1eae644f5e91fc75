"""What is said of a picture changes without its file; small pictures are made once."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import date

import pytest
from PIL import Image

from image_bank.catalogue import Picture, Source, decode, encode
from image_bank.describing import describe_anew, edition_of, retire
from image_bank.description import describe
from image_bank.errors import CatalogueRefused, PictureRefused, StorageUnavailable
from image_bank.keeping import add_by_hand
from image_bank.standing import Standing, standing_of
from image_bank.thumbnails import SIDE, Thumbnails
from tests.fakes.bank import MemoryBank, MemoryStorage, picture_file

TODAY = date(2026, 12, 1)


async def added(
    bank: MemoryBank, storage: MemoryStorage, *, size: tuple[int, int] = (400, 400), **said: object
) -> Picture:
    return await add_by_hand(
        "map",
        describe("map", {"shows": "Where we are", **said}),
        picture_file(*size),
        bank=bank,
        storage=storage,
        clock=lambda: 5,
    )


async def said_anew(
    bank: MemoryBank, storage: MemoryStorage, edition: str | None = None, **said: object
) -> Picture:
    return await describe_anew(
        "map",
        describe("map", {"shows": "Where we are now", **said}),
        bank=bank,
        storage=storage,
        clock=lambda: 6,
        edition=edition,
    )


async def test_words_are_replaced_and_the_files_stay() -> None:
    bank, storage = MemoryBank(), MemoryStorage()
    before = await added(bank, storage, tags="old")
    after = await said_anew(bank, storage, edition_of(before), tags="map, address", rights="ours")
    assert (after.shows, after.tags, after.rights) == (
        "Where we are now",
        ("map", "address"),
        "ours",
    )
    assert after.files == before.files
    assert after.added_ms == before.added_ms
    assert decode(bank.entries["map"]) == after
    assert storage.puts == len(before.files)


async def test_a_picture_that_may_be_posted_now_gets_a_file_for_that() -> None:
    bank, storage = MemoryBank(), MemoryStorage()
    strip = await added(bank, storage, size=(1000, 330), in_posts=False)
    assert strip.post_file is None
    with pytest.raises(CatalogueRefused, match="does not post") as refused:
        await said_anew(bank, storage)
    assert refused.value.reason == "proportions"
    posted = await said_anew(bank, storage, post="pad")
    assert posted.post_file in storage.files
    with Image.open(io.BytesIO(storage.files[posted.post_file or ""])) as image:
        assert image.width <= 1.91 * image.height


async def test_who_saw_an_older_edition_changes_nothing() -> None:
    bank, storage = MemoryBank(), MemoryStorage()
    seen = edition_of(await added(bank, storage))
    now = await said_anew(bank, storage, seen, rights="theirs")
    with pytest.raises(CatalogueRefused) as refused:
        await said_anew(bank, storage, seen, rights="mine")
    assert refused.value.reason == "changed"
    assert decode(bank.entries["map"]) == now


async def test_what_the_folder_keeps_or_is_not_there_is_refused() -> None:
    bank, storage = MemoryBank(), MemoryStorage()
    with pytest.raises(CatalogueRefused) as refused:
        await said_anew(bank, storage)
    assert refused.value.reason == "gone"
    picture = await added(bank, storage)
    bank.entries["map"] = encode(replace(picture, source=Source.FOLDER))
    for work in (said_anew(bank, storage), retire("map", TODAY, bank=bank, clock=lambda: 7)):
        with pytest.raises(CatalogueRefused) as refused:
            await work
        assert refused.value.reason == "folder"


async def test_a_retired_picture_ended_yesterday_and_may_be_used_again() -> None:
    bank, storage = MemoryBank(), MemoryStorage()
    await added(bank, storage, valid_from="2026-12-24", valid_until="2027-01-01")
    retired = await retire("map", TODAY, bank=bank, clock=lambda: 7)
    assert (retired.valid_from, retired.valid_until) == (None, date(2026, 11, 30))
    assert standing_of(retired, TODAY) is Standing.ENDED
    assert await retire("map", date(2027, 1, 1), bank=bank, clock=lambda: 8) == retired
    assert standing_of(await said_anew(bank, storage), TODAY) is Standing.VALID


@pytest.mark.parametrize(
    ("valid", "standing"),
    [
        ({}, Standing.VALID),
        ({"valid_until": "2026-12-31"}, Standing.ENDING),
        ({"valid_until": "2027-01-01"}, Standing.VALID),
        ({"valid_until": "2026-12-01"}, Standing.ENDING),
        ({"valid_until": "2026-11-30"}, Standing.ENDED),
        ({"valid_from": "2026-12-02"}, Standing.TO_COME),
    ],
)
async def test_how_a_picture_stands_today(valid: dict[str, str], standing: Standing) -> None:
    picture = await _described(dict(valid))
    assert standing_of(picture, TODAY) is standing


async def test_a_thumbnail_is_made_once_however_many_ask() -> None:
    storage = Counting()
    picture = await added(MemoryBank(), storage, size=(1600, 1000))
    thumbnails = Thumbnails(storage)
    some = await asyncio.gather(*(thumbnails.of(picture.file) for _ in range(10)))
    assert storage.gets == 1
    assert len(set(some)) == 1
    with Image.open(io.BytesIO(some[0] or b"")) as image:
        assert (image.format, image.size) == ("JPEG", (SIDE, SIDE * 5 // 8))


async def test_thumbnails_take_no_more_memory_than_they_may() -> None:
    storage = Counting()
    names = []
    for colour in ("red", "green", "blue"):
        bank = MemoryBank()
        data = picture_file(400, 400, colour=colour)
        one = await add_by_hand(
            "map",
            describe("map", {"shows": "x"}),
            data,
            bank=bank,
            storage=storage,
            clock=lambda: 5,
        )
        names.append(one.file)
    thumbnails = Thumbnails(storage, most_bytes=len(await Thumbnails(storage).of(names[0]) or b""))
    storage.gets = 0
    for name in (*names, names[0]):
        await thumbnails.of(name)
    assert storage.gets == 4


async def test_what_is_no_file_of_the_bank_has_no_thumbnail() -> None:
    thumbnails = Thumbnails(MemoryStorage())
    assert await thumbnails.of(f"{'0' * 64}.png") is None
    with pytest.raises(ValueError, match="no name"):
        await thumbnails.of("../secret")
    damaged = MemoryStorage()
    damaged.files[f"{'0' * 64}.png"] = b"<svg onload=alert(1)>"
    with pytest.raises(StorageUnavailable):
        await Thumbnails(damaged).of(f"{'0' * 64}.png")


def test_a_refusal_says_why_in_a_word_too() -> None:
    assert (str(PictureRefused("is empty", "empty")), PictureRefused("x").reason) == (
        "is empty",
        "unusable",
    )


async def _described(said: dict[str, object]) -> Picture:
    return await add_by_hand(
        "map",
        describe("map", {"shows": "x", **said}),
        picture_file(),
        bank=MemoryBank(),
        storage=MemoryStorage(),
        clock=lambda: 5,
    )


class Counting(MemoryStorage):
    """Counts what is read."""

    gets = 0

    async def get(self, name: str) -> bytes | None:
        self.gets += 1
        return await super().get(name)
