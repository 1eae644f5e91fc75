"""The bank after a folder was loaded, and after people changed it by hand."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from image_bank import starter_folder
from image_bank.catalogue import Picture, Source, decode, may_post, may_send
from image_bank.checking import normalise
from image_bank.description import Description
from image_bank.errors import CatalogueRefused
from image_bank.examining import Severity, examine
from image_bank.folder import Loaded, load_folder
from image_bank.keeping import add_by_hand, read_catalogue, remove
from tests.fakes.bank import MemoryBank, MemoryStorage, picture_file

NOW_MS = 1_780_000_000_000
TODAY = date(2026, 11, 22)

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


async def test_every_problem_of_every_entry_is_said_at_once_and_nothing_is_changed(
    place: Place,
) -> None:
    await place.load(SIGN)
    await place.add("by-hand")
    (place.folder / "broken.png").write_bytes(picture_file()[:200])
    (place.folder / "strip.png").write_bytes(picture_file(1000, 200))
    problems = await place.problems(
        """
        colour = "red"
        [[pictures]]
        id = "Nice Picture"
        file = "none.png"
        [[pictures]]
        shows = "No name, no file"
        [[pictures]]
        id = "outside"
        file = "../outside.png"
        shows = "Elsewhere"
        tag = "misspelt"
        [[pictures]]
        id = "by-hand"
        file = "map.png"
        shows = "In the bank already"
        [[pictures]]
        id = "broken"
        file = "broken.png"
        shows = "Half of it"
        [[pictures]]
        id = "strip"
        file = "strip.png"
        shows = "Too wide"
        [[pictures]]
        id = "twice"
        file = "map.png"
        shows = "One"
        [[pictures]]
        id = "twice"
        file = "map.png"
        shows = "The other"
        """
    )
    rule = "must be 1 to 64 small letters, digits and hyphens, such as opening-hours"
    unfit = (
        "has proportions that Instagram does not post (1000 x 200; from 4:5 to 1.91:1): "
        'say post = "pad" or "crop", or in_posts = false'
    )
    assert list(problems) == [
        f"{place.folder / 'catalogue.toml'}: colour is not a key of a catalogue",
        f"Nice Picture: id: {rule}",
        "Nice Picture: shows: is missing",
        "Nice Picture: file: there is no file none.png",
        f"picture 2: id: {rule}",
        "picture 2: file: is missing",
        "outside: tag: is not a key of a picture",
        "outside: file: ../outside.png is not in the folder",
        "twice: is in the catalogue more than once",
        "by-hand: was added by hand too: remove it there or here",
        "broken: is damaged or truncated",
        f"strip: {unfit}",
    ]


@pytest.mark.parametrize(
    ("catalogue", "problem"),
    [
        ("[[pictures", "cannot be read as TOML"),
        ('pictures = "map.png"', "must be tables"),
        ("pictures = [1]", "must be tables"),
        (MAP.replace('"map.png"', "7"), "map: file: must be a file's name in quotes"),
        (MAP.replace("map.png", "signs"), "map: file: there is no file signs"),
        (MAP.replace("map.png", "\\\\u0000").replace("\\\\", "\\"), "map: file: is no file's name"),
        (MAP.replace("map.png", "/etc/passwd"), "map: file: /etc/passwd is not in the folder"),
    ],
)
async def test_a_catalogue_that_cannot_be_used_is_refused(
    place: Place, catalogue: str, problem: str
) -> None:
    problems = await place.problems(catalogue)
    assert len(problems) == 1
    assert problem in problems[0]


async def test_a_link_that_leads_out_of_the_folder_is_not_followed(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "secret.png").write_bytes(picture_file())
    (place.folder / "link.png").symlink_to(tmp_path / "secret.png")
    problems = await place.problems(MAP.replace("map.png", "link.png"))
    assert problems == ("map: file: link.png is not in the folder",)


async def test_a_folder_without_a_catalogue_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogueRefused, match="there is no such file"):
        await load_folder(
            tmp_path, bank=MemoryBank(), storage=MemoryStorage(), clock=lambda: NOW_MS
        )


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


async def test_examining_finds_what_is_broken_and_what_will_need_care(place: Place) -> None:
    damaged = await place.add("damaged", picture_file(colour="gold"))
    place.storage.files[damaged.file] = b"damaged"
    missing = await place.add("missing", picture_file(colour="navy"))
    del place.storage.files[missing.file]
    place.bank.entries["odd"] = "not JSON"
    await place.load(MAP)
    findings = await examine(place.bank, place.storage, date(2026, 12, 1), ["1"])

    errors = {one.picture: one.problem for one in findings if one.severity is Severity.ERROR}
    assert set(errors) == {"damaged", "missing", "odd"}
    assert "is damaged" in errors["damaged"]
    assert "is missing" in errors["missing"]
    said = {(one.picture, one.problem) for one in findings if one.severity is Severity.WARNING}
    untold = {"has no alternative text", "does not say whose it is: rights"}
    assert said == {
        *((key, problem) for key in ("damaged", "missing") for problem in untold),
        ("map", "ends on 2026-12-31: renew the rights or replace it"),
        ("map", "is for account 17841400000000001, which is not served"),
    }


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2025, 12, 31), ["begins on 2026-01-01"]),
        (date(2026, 6, 1), []),
        (date(2026, 11, 30), []),
        (date(2026, 12, 31), ["ends on 2026-12-31: renew the rights or replace it"]),
        (date(2027, 1, 1), ["ended on 2026-12-31"]),
    ],
)
async def test_a_picture_whose_time_ends_is_told_a_month_before(
    place: Place, today: date, said: list[str]
) -> None:
    await place.load(MAP)
    found = await examine(place.bank, place.storage, today)
    assert [one.problem for one in found] == said


async def test_the_starter_bank_is_in_order_and_every_account_may_use_all_of_it() -> None:
    bank, storage = MemoryBank(), MemoryStorage()
    loaded = await load_folder(starter_folder(), bank=bank, storage=storage, clock=lambda: NOW_MS)
    assert len(loaded.added) >= 12
    assert await examine(bank, storage, TODAY) == ()
    for entry in bank.entries.values():
        picture = decode(entry)
        assert may_send(picture, "1", TODAY)
        assert may_post(picture, "1", TODAY)
        assert (picture.width, picture.height) == (1080, 1080)
        assert " / " in picture.shows  # Estonian and English
        assert picture.tags


def test_the_starter_banks_pictures_are_small_and_each_is_in_the_catalogue() -> None:
    catalogue = (starter_folder() / "catalogue.toml").read_text("utf-8")
    files = sorted(starter_folder().glob("*.png"))
    assert catalogue.count("[[pictures]]") == len(files)
    for file in files:
        assert f'file = "{file.name}"' in catalogue
        assert file.stat().st_size < 80_000
        checked = normalise(file.read_bytes(), for_posts=True, fit=None)
        assert checked.picture.media_type == "image/png"
