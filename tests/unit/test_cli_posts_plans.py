"""``vestlus posts schedule`` and its kin: what is scheduled, refused, shown, and taken out."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from image_bank.catalogue import Picture, encode
from tests.contract.plan_support import DRAFT, claimed, hold_scheduler, post_of, step
from vestlus.bus.port import Topology
from vestlus.cli.not_started import NotStartedError
from vestlus.cli.posts import PostRefused, posts
from vestlus.cli.preflight import check_adapters
from vestlus.errors import VestlusError
from vestlus.planning.definitions import row_of
from vestlus.planning.desk import KeptByFile, NameTaken, NoSuchSchedule
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.open import open_store
from vestlus.store.plan_rows import Keeper
from vestlus.store.port import Store

Run = Callable[..., str]
ACCOUNT = "17841400000000001"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a store with a picture for posts."""
    path = tmp_path_factory.mktemp("filled") / "s.sqlite"
    on_store(f"sqlite:///{path}", fill)
    return path


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'var' / 's.sqlite'}"


@pytest.fixture
def run(
    database: str,
    filled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a function that runs a command in a folder of its own and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    for name in ("VESTLUS_CONFIG", "VESTLUS_MEDIA_URL", "VESTLUS_IMAGE_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("VESTLUS_DATABASE_URL", database)
    monkeypatch.setenv("VESTLUS_ACCOUNT_ID", ACCOUNT)
    (tmp_path / "var").mkdir()
    shutil.copy(filled, tmp_path / "var" / "s.sqlite")

    def command(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            posts(list(arguments))
        assert (ended.value.code or 0) == 0
        return capsys.readouterr().out

    return command


def on_store(database: str, work: Callable[[Store], Any]) -> None:
    async def main() -> None:
        topology = Topology()
        async with open_store(
            database, partitions=topology.inbox, outbox_partitions=topology.outbox
        ) as store:
            await work(store)

    asyncio.run(main())


async def fill(store: Store) -> None:
    """Put a picture for posts into the bank."""
    picture = Picture(
        id="map",
        file="map.png",
        media_type="image/png",
        size=1,
        width=400,
        height=400,
        shows="Where we are",
        in_posts=True,
        post_file="map.jpg",
        tags=("sea",),
    )
    await store.put_pictures({"map": encode(picture)}, 1)


def refused(kind: type[VestlusError], *arguments: str) -> str:
    with pytest.raises(kind) as refusal:
        posts(list(arguments), result_action="return_value")
    return str(refusal.value)


def add(run: Run, name: str = "news", *more: str) -> dict[str, Any]:
    words = ["schedule", name, "--cron", "0 9 * * *", "--picture", "map", *more, "--json"]
    added: dict[str, Any] = json.loads(run(*words))
    return added


def test_a_picture_is_to_be_remembered_no_longer_than_posts_are_kept(run: Run) -> None:
    words = ("schedule", "far", "--cron", "0 9 * * *", "--tag", "sea", "--not-again-days")
    said = refused(PostRefused, *words, "401")
    assert "--not-again-days: is 401, and posts of the account are kept 400 days" in said
    assert run(*words, "400").startswith("far:")


def test_a_schedule_is_added_listed_paused_and_taken_out(run: Run) -> None:
    added = add(run, "news", "--caption", "Tere hommikust!", "--no-approve")
    assert (added["name"], added["kept_by"], added["account"]) == ("news", "hand", ACCOUNT)
    assert added["definition"] == {
        "name": "news",
        "account": ACCOUNT,
        "cron": "0 9 * * *",
        "timezone": "Europe/Tallinn",
        "pictures": ["map"],
        "caption": "Tere hommikust!",
        "approve": False,
    }
    assert "T09:00:00+0" in added["next"]["at"]
    (listed,) = json.loads(run("schedules", "--json"))
    assert listed["definition"] == added["definition"]
    assert run("pause", "news") == "news: paused\n"
    assert "paused" in run("schedules")
    assert "scheduled, paused" in run("next")
    assert run("resume", "news") == "news: goes on\n"
    assert json.loads(run("schedules", "--json"))[0]["paused"] is False
    assert run("unschedule", "news") == "news: taken out\n"
    assert "no schedules" in run("schedules")
    assert "Nothing is planned" in run("next")


def test_what_will_go_out_is_shown_by_the_accounts_clock_and_utc(run: Run) -> None:
    add(run, "news", "--timezone", "Asia/Kathmandu", "--caption", "Tere")
    run("publish-now", "--picture", "map", "--caption", "Kohe", "--json")
    found = json.loads(run("next", "--days", "3", "--json"))
    assert [one["source"] for one in found] == ["hand", *["schedule"] * 3]
    assert [one["state"] for one in found] == ["planned", *["scheduled"] * 3]
    assert found[0]["id"]
    assert found[0]["caption"] == "Kohe"
    for one in found[1:]:
        assert one["name"] == "news"
        assert one["timezone"] == "Europe/Tallinn"
        # 09:00 by the clocks of Kathmandu, 5 h 45 min before UTC, in the zone of the account.
        assert one["utc"].endswith("T03:15:00Z")
        assert one["at"][-14:] in ("05:15:00+02:00", "06:15:00+03:00")
    assert len(json.loads(run("next", "--days", "3", "--limit", "2", "--json"))) == 2
    assert json.loads(run("next", "--account", "1", "--json")) == []
    assert "map Kohe" in run("next")


def test_everything_wrong_is_told_with_the_options_names(run: Run) -> None:
    said = refused(
        PostRefused,
        *("schedule", "Uudised", "--at", "2026-13-01T09:00", "--cron", "0 9 * *"),
        *("--without", "2026-12-24", "--without", "soon", "--caption", "{{ total }}"),
        *("--timezone", "Mars/Base", "--count", "12", "--picture", "map"),
    )
    assert said.splitlines() == [
        "NAME: must be 1 to 64 small letters, digits, - and _",
        "--count: must be at most 10",
        "--caption: knows event, now and account, and not total",
        "--at: is a day or a time that there is not",
        "--cron: '0 9 * *' must have five fields: minute, hour, day of month, month, day of week",
        "--timezone: must be an IANA time zone such as Europe/Tallinn",
        "--without 2: must be a date such as 2026-12-24",
    ]


def test_what_can_only_be_known_here_is_told_too(run: Run) -> None:
    said = refused(
        PostRefused,
        *("schedule", "old", "--at", "2020-01-01T09:00", "--picture", "unheard", "--account", "9"),
    )
    assert said.splitlines()[:2] == [
        "--account: is not the id of an account that is set up",
        "--at: is never due any more: all its times are over",
    ]
    assert "unheard: is not in the bank" in said.splitlines()[2]
    for option, words, told in (
        ("--caption", "{{ event.title }}", "--caption: names the field 'title'"),
        ("--caption", "õ" * 2201, "--caption: Instagram takes 2200 characters"),
        ("--prompt", "{{ event.title }}", "--prompt: names the field 'title'"),
    ):
        add = ("schedule", "x", "--cron", "0 9 * * *", "--picture", "map", option, words)
        assert refused(PostRefused, *add).startswith(told)
    untagged = ("schedule", "x", "--cron", "0 9 * * *", "--tag", "moon")
    assert "--tag: the bank has 0 pictures" in refused(PostRefused, *untagged)
    assert "must have either at or cron" in refused(
        PostRefused, "schedule", "x", "--picture", "map"
    )
    assert "above 0" in refused(PostRefused, "next", "--days", "0")
    assert "no schedules" in run("schedules")


def test_a_name_is_taken_by_another_schedule_and_by_one_of_the_file(
    run: Run, tmp_path: Path
) -> None:
    add(run)
    again = ("schedule", "news", "--cron", "0 9 * * *", "--picture", "map")
    assert "of this name already" in refused(NameTaken, *again)
    (tmp_path / "vestlus.toml").write_text(
        '[[schedules]]\nname = "filed"\ncron = "0 9 * * *"\npictures = ["map"]\n'
    )
    filed = ("schedule", "filed", "--cron", "0 9 * * *", "--picture", "map")
    assert "of this name already" in refused(NameTaken, *filed)


def test_a_schedule_of_the_file_is_paused_here_and_taken_out_there(run: Run, database: str) -> None:
    schedule = Schedule(name="filed", cron="0 9 * * *", pictures=("map",))
    row = row_of(schedule, Account(id=ACCOUNT), Keeper.FILE, 1)
    on_store(database, lambda store: store.add_schedule(row))
    assert run("pause", "filed") == "filed: paused\n"
    assert "vestlus.toml" in refused(KeptByFile, "unschedule", "filed")


def test_what_a_schedule_has_planned_is_cancelled_by_its_id(run: Run, database: str) -> None:
    kept: dict[str, str] = {}

    async def claim(store: Store) -> None:
        lease = await hold_scheduler(store)
        first, second = await claimed(store, lease), await claimed(store, lease, "teine")
        ready = await step(store, lease, second, OccurrenceState.READY, draft=DRAFT)
        handed = await step(store, lease, ready, OccurrenceState.HANDED, post=post_of(ready))
        kept.update(open=first.id, handed=handed.id)

    on_store(database, claim)
    assert f"{kept['open']}" in run("next")
    cancelled = json.loads(run("cancel", kept["open"], "--json"))
    assert (cancelled["id"], cancelled["state"]) == (kept["open"], "cancelled")
    assert "is cancelled" in refused(PostRefused, "cancel", kept["open"])
    assert f"cancel post-{kept['handed']}" in refused(PostRefused, "cancel", kept["handed"])
    assert run("cancel", f"post-{kept['handed']}") == f"post-{kept['handed']}: cancelled\n"


def test_a_service_with_a_name_that_somebody_took_does_not_start(
    run: Run, tmp_path: Path, database: str
) -> None:
    add(run)
    filed = {"name": "news", "cron": "0 9 * * *", "pictures": ("map",)}
    settings = Settings.model_validate(
        {"data_dir": tmp_path / "var", "database_url": database, "schedules": (filed,)}
    )
    with pytest.raises(NotStartedError, match="vestlus posts unschedule news"):
        asyncio.run(check_adapters(settings))


def test_what_of_the_file_could_not_be_posted_is_told_at_the_start(
    run: Run, tmp_path: Path, database: str
) -> None:
    over = {"name": "over", "at": "2020-01-01T09:00", "pictures": ("gone",)}
    filed = {"name": "filed", "cron": "0 9 * * *", "pictures": ("unheard", "map")}
    rule = {"name": "rule", "event": "flood", "tags": ("moon",)}
    settings = Settings.model_validate(
        {
            "data_dir": tmp_path / "var",
            "database_url": database,
            "accounts": ({"id": ACCOUNT},),
            "schedules": (over, filed),
            "event_rules": (rule,),
        }
    ).with_accounts_of_plans()
    with capture_logs() as logs:
        asyncio.run(check_adapters(settings))
    told = {one["plan"]: one["problem"] for one in logs if one["event"] == "cannot_be_posted"}
    assert told.keys() == {"filed", "rule"}
    assert told["filed"].startswith("unheard: ")
    assert told["rule"].startswith("tags: ")


def test_a_schedule_that_there_is_not_is_said(run: Run) -> None:
    for command in ("unschedule", "pause", "resume"):
        assert "vestlus posts schedules" in refused(NoSuchSchedule, command, "unheard")


def test_a_definition_that_cannot_be_read_is_told_and_the_others_are_shown(
    run: Run, database: str
) -> None:
    add(run)
    schedule = Schedule(name="later", cron="0 9 * * *", pictures=("map",))
    row = row_of(schedule, Account(id=ACCOUNT), Keeper.HAND, 1)
    newer = row.__class__(
        name=row.name,
        keeper=row.keeper,
        account=row.account,
        definition='{"version": 9}',
        look_ms=1,
    )
    on_store(database, lambda store: store.add_schedule(newer))
    for command in ("schedules", "next"):
        said = run(command)
        assert "later: its definition has version 9" in said
        assert "news" in said
