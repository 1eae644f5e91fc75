"""What is wrong with a folder's pictures, or will be, is said; of the starter bank nothing is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from image_bank import starter_folder
from image_bank.catalogue import decode, may_post, may_send
from image_bank.checking import normalise
from image_bank.errors import CatalogueRefused
from image_bank.examining import Severity, examine
from image_bank.folder import load_folder
from tests.fakes.bank import MemoryBank, MemoryStorage, picture_file
from tests.unit.image_bank_place import MAP, NOW_MS, SIGN, Place, place

__all__ = ["place"]

TODAY = date(2026, 11, 22)


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
