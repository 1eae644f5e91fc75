"""``vestlus posts``: what is planned, refused, printed, and the exit status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from image_bank.catalogue import Picture, encode
from vestlus.bus.port import Topology
from vestlus.cli.posts import NoSuchPost, PostRefused, posts
from vestlus.errors import VestlusError
from vestlus.store.open import open_store

Run = Callable[..., str]
ACCOUNT = "17841400000000001"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in a folder of its own and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    for name in ("VESTLUS_CONFIG", "VESTLUS_MEDIA_URL", "VESTLUS_IMAGE_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("VESTLUS_DATABASE_URL", f"sqlite:///{tmp_path / 'var' / 's.sqlite'}")
    asyncio.run(fill(tmp_path / "var" / "s.sqlite"))

    def command(*arguments: str, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            posts(list(arguments))
        assert (ended.value.code or 0) == status
        return capsys.readouterr().out

    return command


async def fill(database: Path) -> None:
    """Put pictures into a bank: two for posts, one not."""
    entries = {
        name: encode(
            Picture(
                id=name,
                file=f"{name}.png",
                media_type="image/png",
                size=1,
                width=400,
                height=400,
                shows="Where we are",
                in_posts=name != "private",
                ai_generated=name == "drawn",
                post_file=f"{name}.jpg",
            )
        )
        for name in ("map", "plan", "private", "drawn")
    }
    database.parent.mkdir()
    topology = Topology()
    async with open_store(
        f"sqlite:///{database}", partitions=topology.inbox, outbox_partitions=topology.outbox
    ) as store:
        await store.put_pictures(entries, 1)


def refused(kind: type[VestlusError], *arguments: str) -> str:
    with pytest.raises(kind) as refusal:
        posts(list(arguments), result_action="return_value")
    return str(refusal.value)


def publish(run: Run, *more: str) -> str:
    return run("publish-now", "--picture", "map", "--account", ACCOUNT, *more)


def test_a_post_is_planned_listed_shown_and_cancelled(run: Run) -> None:
    planned = json.loads(publish(run, "--caption", "Saal on avatud.", "--ai-generated", "--json"))
    assert planned.pop("added") is True
    assert (planned["state"], planned["kind"], planned["account"]) == (
        "planned",
        "picture",
        ACCOUNT,
    )
    assert (planned["pictures"], planned["ai_generated"]) == (["map"], True)
    assert json.loads(run("list", "--json")) == [planned]
    assert json.loads(run("show", planned["id"], "--json")) == planned | {"containers": 0}
    assert "Saal on avatud." in run("list", "--account", ACCOUNT)
    assert "state:         planned\n" in run("show", planned["id"])
    assert run("list", "--account", "other") == "There are no posts.\n"
    assert run("cancel", planned["id"]) == f"{planned['id']}: cancelled\n"
    assert "too late" in refused(PostRefused, "cancel", planned["id"])


def test_of_one_key_there_is_one_post(run: Run) -> None:
    first = json.loads(publish(run, "--key", "avamine", "--json"))
    second = json.loads(publish(run, "--key", "avamine", "--caption", "Teine", "--json"))
    assert (first["added"], second["added"]) == (True, False)
    assert first["id"] == second["id"]
    assert "already" in publish(run, "--key", "avamine")
    assert len(json.loads(run("list", "--json"))) == 1


def test_several_pictures_are_a_carousel_and_a_story_is_said(run: Run) -> None:
    two = json.loads(publish(run, "--picture", "plan", "--json"))
    assert (two["kind"], two["pictures"]) == ("carousel", ["map", "plan"])
    assert json.loads(publish(run, "--story", "--json"))["kind"] == "story"


def test_what_ai_made_is_disclosed(run: Run) -> None:
    for picture, disclosed in (("map", False), ("drawn", True)):
        row = json.loads(run("publish-now", "--account", ACCOUNT, "--picture", picture, "--json"))
        assert row["ai_generated"] is disclosed


def test_what_instagram_would_not_take_is_refused_in_words(run: Run) -> None:
    refusals: list[tuple[tuple[str, ...], str]] = [
        (("--picture", "unheard"), "unheard: is not in the bank"),
        (("--picture", "private"), "private: is not for posts"),
        (("--picture", "map", "--caption", "õ" * 2201), "2200 characters"),
        (("--picture", "map", "--caption", "#a " * 31), "30 hashtags"),
        (("--picture", "map", "--story", "--caption", "x"), "a story has none"),
        (("--picture", "map", "--picture", "plan", "--story"), "takes 1 to 1"),
        (("--picture", "map") * 11, "takes 1 to 10"),
        (("--picture", "map", "--within-hours", "0"), "above 0"),
        (("--picture", "map", "--within-hours", "nan"), "above 0"),
        (("--picture", "map", "--within-hours", "inf"), "at most 168"),
    ]
    for arguments, said in refusals:
        assert said in refused(PostRefused, "publish-now", "--account", ACCOUNT, *arguments)
    assert json.loads(run("list", "--json")) == []


def test_an_account_that_is_not_configured_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--account" in refused(PostRefused, "publish-now", "--picture", "map")
    monkeypatch.setenv("VESTLUS_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setenv("VESTLUS_ACCESS_TOKEN", "token")
    said = refused(PostRefused, "publish-now", "--picture", "map", "--account", "17841400000000002")
    assert "is not configured" in said
    assert json.loads(run("publish-now", "--picture", "map", "--json"))["account"] == ACCOUNT


def test_a_post_that_there_is_not_is_said(run: Run) -> None:
    assert "vestlus posts list" in refused(NoSuchPost, "show", "unheard")
    assert "vestlus posts list" in refused(NoSuchPost, "cancel", "unheard")
    assert run("list") == "There are no posts.\n"
