"""``vestlus images``: what is printed, what is kept, and the exit status."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from image_bank import starter_folder
from image_bank.errors import CatalogueRefused
from tests.fakes.bank import picture_file
from vestlus.cli.images import images

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in a folder of its own and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    for name in ("VESTLUS_CONFIG", "VESTLUS_MEDIA_URL", "VESTLUS_IMAGE_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("VESTLUS_DATABASE_URL", f"sqlite:///{tmp_path / 'var' / 's.sqlite'}")
    (tmp_path / "map.jpeg").write_bytes(picture_file(form="PNG"))

    def command(*arguments: str, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            images(list(arguments))
        assert (ended.value.code or 0) == status
        return capsys.readouterr().out

    return command


def add(run: Run, key: str = "map", *more: str) -> str:
    said = ("--shows", "Where we are", "--alt", "A map", "--rights", "ours")
    return run("add", "map.jpeg", "--id", key, *said, *more)


def refused(*arguments: str) -> str:
    with pytest.raises(CatalogueRefused) as refusal:
        images(list(arguments), result_action="return_value")
    return str(refusal.value)


def test_a_picture_is_added_listed_shown_and_removed(run: Run) -> None:
    added = json.loads(add(run, "map", "--tags", "map, address", "--json"))
    assert added["media_type"] == "image/png"
    assert added["tags"] == ["map", "address"]
    assert json.loads(run("list", "--json")) == [added]
    assert json.loads(run("show", "map", "--json")) == added
    assert "Where we are" in run("list")
    shown = run("show", "map")
    assert "shows:       Where we are\n" in shown
    assert "tags:        map, address\n" in shown
    assert run("check") == "All pictures are in order.\n"
    assert run("remove", "map") == "map: removed\n"
    assert run("list") == "The bank has no such pictures.\n"


def test_a_picture_is_described_anew_retired_and_its_uses_are_told(run: Run) -> None:
    before = json.loads(add(run, "map", "--tags", "map", "--json"))
    said = ("--shows", "Where we are now", "--tags", "new")
    after = json.loads(run("describe", "map", *said, "--json"))
    assert (after["shows"], after["tags"], after["rights"]) == ("Where we are now", ["new"], "")
    assert after["file"] == before["file"]
    assert "no longer" in run("retire", "map")
    uses = json.loads(run("uses", "map", "--json"))
    assert (uses["answers"]["with_it"], uses["posts"], uses["schedules"]) == (0, [], [])
    assert run("uses", "map") == "answers:   0 of the last 0 with pictures\n"
    assert "is not in the bank" in refused("retire", "unheard")


def test_everything_that_can_be_said_of_a_picture_is_kept(run: Run) -> None:
    said = {
        "--tags": "a,b",
        "--language": "et",
        "--valid-from": "2026-01-01",
        "--valid-until": "2099-12-31",
        "--accounts": "1,2",
        "--post": "crop",
    }
    flat = [text for option in said.items() for text in option]
    added = json.loads(add(run, "map", *flat, "--no-in-dms", "--ai-generated", "--json"))
    kept = {
        "id": "map",
        "shows": "Where we are",
        "alt": "A map",
        "tags": ["a", "b"],
        "language": "et",
        "rights": "ours",
        "ai_generated": True,
        "in_dms": False,
        "in_posts": True,
        "valid_from": "2026-01-01",
        "valid_until": "2099-12-31",
        "accounts": ["1", "2"],
        "source": "hand",
    }
    assert {key: added[key] for key in kept} == kept


def test_a_list_can_be_of_one_account(run: Run) -> None:
    add(run, "for-all")
    add(run, "for-two", "--accounts", "2")
    listed: list[dict[str, Any]] = json.loads(run("list", "--account", "1", "--json"))
    assert [one["id"] for one in listed] == ["for-all"]
    listed = json.loads(run("list", "--account", "2", "--json"))
    assert [one["id"] for one in listed] == ["for-all", "for-two"]


def test_adding_again_needs_to_be_said(run: Run) -> None:
    add(run)
    again = ("add", "map.jpeg", "--id", "map", "--shows", "Another")
    assert "--replace" in refused(*again)
    run(*again, "--replace")
    assert json.loads(run("show", "map", "--json"))["shows"] == "Another"


def test_what_is_wrong_is_said_all_at_once(run: Run, tmp_path: Path) -> None:
    bad = ("--shows", " ", "--language", "Estonian!", "--valid-until", "tomorrow")
    assert refused("add", "map.jpeg", "--id", "map", *bad).splitlines() == [
        "map: shows: must not be blank",
        "map: language: must be a BCP 47 tag such as et, en-GB or zh-Hant",
        "map: valid_until: must be a day such as 2026-12-31",
    ]
    assert "small letters" in refused("add", "map.jpeg", "--id", "A Map", "--shows", "x")
    assert "cannot be read" in refused("add", "none.png", "--id", "map", "--shows", "x")
    (tmp_path / "text.png").write_text("no picture")
    assert "no picture that can be read" in refused(
        "add", "text.png", "--id", "map", "--shows", "x"
    )
    assert refused("show", "map") == "map: is not in the bank"
    assert refused("remove", "map", "other") == (
        "map: is not in the bank\nother: is not in the bank"
    )
    assert json.loads(run("list", "--json")) == []


def test_a_missing_or_damaged_file_makes_checking_fail(run: Run, tmp_path: Path) -> None:
    add(run)
    for file in (tmp_path / "var" / "media").iterdir():
        file.write_bytes(b"damaged")
    assert "error: map: the file" in run("check", status=1)
    findings = json.loads(run("check", "--json", status=1))
    assert {(one["picture"], one["severity"]) for one in findings} == {("map", "error")}


def test_warnings_make_checking_fail_only_if_asked(run: Run) -> None:
    add(run, "map", "--valid-until", "2020-12-31")
    assert run("check") == "warning: map: ended on 2020-12-31\n"
    assert run("check", "--strict", status=1) == "warning: map: ended on 2020-12-31\n"


def test_what_the_folder_in_use_says_is_not_removed_by_hand(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(run)
    store = tmp_path / "var" / "s.sqlite"
    assert store.exists()
    monkeypatch.setenv("VESTLUS_IMAGE_FOLDER", str(starter_folder()))
    assert run("remove", "map", "--json") == '{\n  "removed": [\n    "map"\n  ]\n}\n'
    add(run)
    _make_it_the_folders(store)
    assert "comes from the folder" in refused("remove", "map")


def _make_it_the_folders(store: Path) -> None:
    with sqlite3.connect(store) as connection:
        (entry,) = connection.execute("SELECT data FROM picture WHERE id = 'map'").fetchone()
        changed = entry.replace('"source": "hand"', '"source": "folder"')
        assert changed != entry
        connection.execute("UPDATE picture SET data = ? WHERE id = 'map'", (changed,))
    connection.close()
