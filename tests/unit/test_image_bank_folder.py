"""The bank after a folder was loaded, and after people changed it by hand."""

from __future__ import annotations

import io
from datetime import date

import pytest
from PIL import Image

from image_bank.catalogue import Picture, Source
from image_bank.errors import CatalogueRefused
from image_bank.folder import Loaded
from tests.fakes.bank import picture_file
from tests.unit.image_bank_place import MAP, NOW_MS, SIGN, Place, place

__all__ = ["place"]


async def test_a_folder_is_loaded_as_its_catalogue_says(place: Place) -> None:
    loaded = await place.load(MAP + SIGN)

    assert loaded == Loaded(added=("map", "sign"), changed=(), removed=(), unchanged=())
    pictures = await place.pictures()
    found = pictures["map"]
    assert found == Picture(
        id="map",
        file=found.file,
        media_type="image/png",
        size=len(place.storage.files[found.file]),
        width=400,
        height=400,
        shows="Where we are",
        alt="A map",
        tags=("map", "address"),
        language="et",
        rights="ours",
        ai_generated=True,
        in_dms=True,
        in_posts=False,
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
        accounts=("17841400000000001",),
        post_file=None,
        source=Source.FOLDER,
        added_ms=NOW_MS,
        origin=found.origin,
    )
    posted = pictures["sign"].post_file
    assert posted is not None
    with Image.open(io.BytesIO(place.storage.files[posted])) as image:
        assert image.size == (900, 472)
    assert await place.files_are_those_of_the_catalogue()


async def test_loading_again_changes_nothing_and_makes_nothing_anew(place: Place) -> None:
    await place.load(MAP + SIGN)
    entries, changes, puts = dict(place.bank.entries), place.bank.changes, place.storage.puts
    place.now_ms += 1000

    loaded = await place.load(MAP + SIGN)

    assert loaded == Loaded(added=(), changed=(), removed=(), unchanged=("map", "sign"))
    assert (place.bank.entries, place.bank.changes) == (entries, changes)
    assert place.storage.puts == puts


async def test_a_file_that_is_gone_from_the_storage_is_put_there_again(place: Place) -> None:
    await place.load(MAP + SIGN)
    files = dict(place.storage.files)
    place.storage.files.clear()
    loaded = await place.load(MAP + SIGN)
    assert place.storage.files == files
    assert loaded.unchanged == ("map", "sign")


async def test_changed_words_change_the_entry_and_not_the_file(place: Place) -> None:
    await place.load(MAP)
    puts = place.storage.puts
    place.now_ms += 1000
    loaded = await place.load(MAP.replace("Where we are", "Where to find us"))
    assert loaded.changed == ("map",)
    assert place.storage.puts == puts
    picture = (await place.pictures())["map"]
    assert (picture.shows, picture.added_ms) == ("Where to find us", NOW_MS)


async def test_a_changed_file_takes_the_place_of_the_old_one(place: Place) -> None:
    await place.load(MAP)
    (place.folder / "map.png").write_bytes(picture_file(500, 500, colour="maroon"))
    loaded = await place.load(MAP)
    assert loaded.changed == ("map",)
    assert (await place.pictures())["map"].width == 500
    assert await place.files_are_those_of_the_catalogue()


async def test_what_is_gone_from_the_folder_leaves_the_bank_and_what_was_added_by_hand_stays(
    place: Place,
) -> None:
    await place.load(MAP + SIGN)
    await place.add("by-hand", picture_file(colour="gold"))
    loaded = await place.load(SIGN)
    assert loaded == Loaded(added=(), changed=(), removed=("map",), unchanged=("sign",))
    assert set(await place.pictures()) == {"by-hand", "sign"}
    assert await place.files_are_those_of_the_catalogue()


async def test_a_file_that_two_pictures_share_stays_until_both_are_gone(place: Place) -> None:
    await place.load(MAP)
    shared = (await place.add("copy")).file
    assert shared == (await place.pictures())["map"].file
    await place.load("")
    assert shared in place.storage.files
    await place.remove("copy")
    assert place.storage.files == {}


async def test_entries_of_a_later_version_are_neither_replaced_nor_robbed_of_files(
    place: Place,
) -> None:
    await place.load(SIGN)
    sign = (await place.pictures())["sign"]
    place.bank.entries["map"] = f'{{"version": 2, "likeness": "{sign.file}"}}'
    problems = await place.problems(MAP + SIGN)
    assert problems == ("map: is in the bank in a form that cannot be read",)
    await place.load("")
    assert set(place.bank.entries) == {"map"}
    assert set(place.storage.files) == {sign.file}


async def test_one_id_is_added_by_hand_once_unless_it_is_to_be_replaced(place: Place) -> None:
    first = await place.add("sign")
    with pytest.raises(CatalogueRefused, match="--replace"):
        await place.add("sign", picture_file(colour="gold"))
    assert (await place.pictures())["sign"] == first
    place.now_ms += 1000
    second = await place.add("sign", picture_file(colour="gold"), replacing=True)
    assert (second.added_ms, second.file == first.file) == (NOW_MS, False)
    assert await place.files_are_those_of_the_catalogue()


async def test_what_comes_from_the_folder_is_changed_there_only(place: Place) -> None:
    await place.load(SIGN)
    with pytest.raises(CatalogueRefused, match=r"sign: comes from the folder"):
        await place.add("sign", replacing=True)
    with pytest.raises(CatalogueRefused, match=r"sign: comes from the folder"):
        await place.remove("sign", folder_in_use=True)
    assert set(await place.pictures()) == {"sign"}
    await place.remove("sign")
    assert place.bank.entries == {}


async def test_nothing_is_removed_when_one_of_several_is_not_there(place: Place) -> None:
    await place.add("sign")
    with pytest.raises(CatalogueRefused, match="none: is not in the bank"):
        await place.remove("sign", "none")
    assert set(await place.pictures()) == {"sign"}


async def test_an_entry_that_cannot_be_read_can_be_removed(place: Place) -> None:
    place.bank.entries["odd"] = "not JSON"
    await place.remove("odd")
    assert place.bank.entries == {}
