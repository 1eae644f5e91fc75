"""What a person says of drafts by the command line, and what a post would look like."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from image_bank.catalogue import encode
from tests.contract.plan_support import claimed, hold_scheduler, read, step
from tests.fakes.drafting import bank_picture
from vestlus.bus.port import Topology
from vestlus.cli.posts import NoSuchPost, PostRefused, posts
from vestlus.clock import system_clock
from vestlus.errors import VestlusError
from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.open import open_store
from vestlus.store.plan_rows import Draft, OccurrenceRow
from vestlus.store.port import Store
from vestlus.store.post_rows import PostPicture

Run = Callable[..., str]
T = TypeVar("T")
ACCOUNT = "17841400000000001"
HOUR = 3_600_000
FILE = f"""
[[accounts]]
id = "{ACCOUNT}"
name = "Raekoda"
moderation = "off"

[[schedules]]
name = "news"
cron = "0 9 * * *"
pictures = ["hall", "park"]
caption = "{{{{ account.name }}}} {{{{ now.strftime('%H.%M') }}}}"

[[schedules]]
name = "written"
at = 2099-12-24T09:00:00
tags = ["town"]
prompt = "Kirjuta."

[[event_rules]]
name = "opening"
event = "opening"
when = "event.seats > 5"
tags = ["town"]
caption = "Avame: {{{{ event.title }}}}"
approve = true

[event_rules.payload]
type = "object"
required = ["seats"]

[[event_rules]]
name = "quiet"
event = "quiet"
pictures = ["hall"]
quiet_hours = "00:00-23:59"
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a store with two pictures in it."""
    file = tmp_path_factory.mktemp("filled") / "s.sqlite"
    on_store(f"sqlite:///{file}", fill)
    return file


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
    for name in ("VESTLUS_MEDIA_URL", "VESTLUS_IMAGE_FOLDER", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "vestlus.toml").write_text(FILE, "utf-8")
    monkeypatch.setenv("VESTLUS_CONFIG", str(tmp_path / "vestlus.toml"))
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("VESTLUS_DATABASE_URL", database)
    (tmp_path / "var" / "media").mkdir(parents=True)
    (tmp_path / "var" / "media" / "hall.jpg").write_bytes(b"jpeg")
    shutil.copy(filled, tmp_path / "var" / "s.sqlite")

    def command(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended, capture_logs():
            posts(list(arguments))
        assert (ended.value.code or 0) == 0
        return capsys.readouterr().out

    return command


def on_store(database: str, work: Callable[[Store], Awaitable[T]]) -> T:
    async def main() -> T:
        topology = Topology()
        async with open_store(
            database, partitions=topology.inbox, outbox_partitions=topology.outbox
        ) as store:
            return await work(store)

    return asyncio.run(main())


async def fill(store: Store) -> None:
    pictures = [
        bank_picture("hall", "town", post_file="hall.jpg", alt="Suur saal", shows="Raekoja saal"),
        bank_picture("park", "town", post_file="park.jpg"),
    ]
    await store.put_pictures({one.id: encode(one) for one in pictures}, 1)


def waiting(database: str, **fields: Any) -> str:  # noqa: ANN401 - any field of the occurrence
    """Make a draft that waits for a yes; return its id."""

    async def making(store: Store) -> str:
        now_ms = system_clock()
        lease = await hold_scheduler(store)
        values = {"account": ACCOUNT, "due_ms": now_ms + HOUR, "wake_ms": now_ms, **fields}
        one = await claimed(store, lease, **values)
        draft = Draft(
            caption="Tere!\nOlete oodatud.", pictures=(PostPicture("hall"),), ai_generated=True
        )
        state = OccurrenceState.WAITING
        made = await step(store, lease, one, state, at_ms=now_ms, wake_ms=now_ms, draft=draft)
        return made.id

    return on_store(database, making)


def row_of(database: str, id_: str) -> OccurrenceRow:
    return on_store(database, lambda store: read(store, id_))


def refused(kind: type[VestlusError], *arguments: str) -> str:
    with pytest.raises(kind) as refusal:
        posts(list(arguments), result_action="return_value")
    return str(refusal.value)


def test_a_draft_that_waits_is_shown_whole_and_approved_by_name(run: Run, database: str) -> None:
    assert run("drafts") == "No drafts wait for a yes.\n"
    id_ = waiting(database)
    shown = run("drafts")
    for words in (id_, "schedule hommik", "waits until", "hall", "| Tere!\n    | Olete oodatud."):
        assert words in shown
    (listed,) = json.loads(run("drafts", "--account", ACCOUNT, "--json"))
    assert (listed["state"], listed["pictures"], listed["ai_generated"]) == (
        "waiting",
        ["hall"],
        True,
    )
    assert json.loads(run("drafts", "--account", "9", "--json")) == []
    assert run("approve", id_, "--by", " Mari ").startswith(f"{id_}: approved; goes out at ")
    row = row_of(database, id_)
    assert (row.state, row.decided_by, row.caption) == (
        OccurrenceState.READY,
        "Mari",
        "Tere!\nOlete oodatud.",
    )
    assert row.decided_ms > 0
    assert "waits for no decision" in refused(PostRefused, "approve", id_, "--by", "Jaan")


def test_a_person_may_give_other_words(run: Run, database: str) -> None:
    id_ = waiting(database, due_ms=system_clock() - 1)
    said = json.loads(run("approve", id_, "--by", "Mari", "--caption", "Tulge!", "--json"))
    assert (said["state"], said["caption"], said["decided_by"]) == ("ready", "Tulge!", "Mari")
    assert row_of(database, id_).ai_generated


def test_a_draft_is_rejected_with_a_reason(run: Run, database: str) -> None:
    id_ = waiting(database)
    assert run("reject", id_, "--by", "Mari", "--why", "Vale päev") == f"{id_}: rejected\n"
    row = row_of(database, id_)
    assert (row.state, row.decided_by, row.problem) == (
        OccurrenceState.REJECTED,
        "Mari",
        "Vale päev",
    )
    assert "is rejected" in refused(PostRefused, "reject", id_, "--by", "Mari")


def test_what_waits_for_its_time_or_a_yes_goes_out_now(run: Run, database: str) -> None:
    id_ = waiting(database, due_ms=system_clock() + 30 * HOUR)
    assert run("now", id_, "--by", "Mari") == f"{id_}: goes out now\n"
    row = row_of(database, id_)
    assert (row.state, row.decided_by) == (OccurrenceState.READY, "Mari")
    assert row.due_ms <= system_clock()
    assert "too late" in refused(PostRefused, "now", id_, "--by", "Mari")
    assert "vestlus posts list" in refused(NoSuchPost, "now", "unheard", "--by", "Mari")


def test_a_yes_that_would_not_let_it_go_out_is_refused_in_words(run: Run, database: str) -> None:
    del run
    id_ = waiting(database)
    assert "a name" in refused(PostRefused, "approve", id_, "--by", " ")
    long = refused(PostRefused, "approve", id_, "--by", "Mari", "--caption", "õ" * 2201)
    assert "has 2201 characters" in long
    far = waiting(
        database,
        wall="09:00",
        due_ms=system_clock() + 30 * HOUR,
        recipe=Recipe(account=ACCOUNT, pictures=("hall",), story=True),
    )
    both = refused(PostRefused, "approve", far, "--by", "Mari", "--caption", "x")
    assert "a story has none" in both
    assert "good for 24 hours" in both
    assert row_of(database, far).state is OccurrenceState.WAITING
    # The service does not run, or it would have said so itself.
    late = waiting(database, wall="10:00", due_ms=system_clock() - 25 * HOUR)
    assert "has lapsed" in refused(PostRefused, "approve", late, "--by", "Mari")
    assert row_of(database, late).state is OccurrenceState.WAITING
    assert "vestlus posts drafts" in refused(NoSuchPost, "approve", "unheard", "--by", "Mari")


def test_the_next_post_of_a_schedule_is_previewed_and_nothing_recorded(
    run: Run, database: str, tmp_path: Path
) -> None:
    told = json.loads(run("preview", "news", "--json"))
    assert (told["caption"], told["needs_yes"], told["ai_generated"]) == (
        "Raekoda 09.00",
        False,
        False,
    )
    assert [one["id"] for one in told["pictures"]] == ["hall", "park"]
    assert told["pictures"][0]["alt"] == "Suur saal"
    assert told["pictures"][0]["link"] == (tmp_path / "var" / "media" / "hall.jpg").as_uri()
    assert told["pictures"][1]["link"] == ""
    shown = run("preview", "news")
    for words in ("schedule news", "Raekoda 09.00", "hall  9 x 9  Raekoja saal", "alt: Suur saal"):
        assert words in shown
    assert on_store(database, lambda store: store.occurrences(limit=9)) == ()


def test_a_signed_link_is_shown_where_the_files_are_elsewhere(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_MEDIA_URL", "https://store.example/media?sig=secret")
    monkeypatch.setenv("VESTLUS_PUBLIC_URL", "https://vestlus.example")
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", "k" * 32)

    async def with_real_names(store: Store) -> None:
        hall = bank_picture("hall", "town", post_file=f"{'a' * 64}.jpg")
        await store.put_pictures({"hall": encode(hall)}, 2)

    on_store(database, with_real_names)
    event = '{"seats": 6, "title": "x"}'
    (hall,) = json.loads(run("preview", "opening", "--event-data", event, "--json"))["pictures"]
    assert hall["link"].startswith("https://vestlus.example/media/")


def test_an_event_rule_is_previewed_with_an_event_s_data(run: Run, tmp_path: Path) -> None:
    told = json.loads(
        run("preview", "opening", "--event-data", '{"seats": 6, "title": "Saal"}', "--json")
    )
    assert (told["caption"], told["needs_yes"], told["applies"]) == ("Avame: Saal", True, True)
    (tmp_path / "event.json").write_text('{"seats": 1, "title": "Saal"}', "utf-8")
    shown = run("preview", "opening", "--event-data", "event.json")
    assert "condition does not hold" in shown
    assert "Waits for a person's yes" in shown


def test_a_preview_of_a_rule_waits_for_the_end_of_its_quiet_hours(run: Run) -> None:
    assert " 23:59 " in json.loads(run("preview", "quiet", "--json"))["goes_out"]


def test_what_cannot_be_previewed_says_why(run: Run) -> None:
    del run
    assert "no schedule and no event rule" in refused(NoSuchPost, "preview", "unheard")
    assert "has no event" in refused(PostRefused, "preview", "news", "--event-data", "{}")
    assert "no file" in refused(PostRefused, "preview", "opening", "--event-data", "nowhere.json")
    misfit = refused(PostRefused, "preview", "opening", "--event-data", '{"seats": 9}')
    assert "'title'" in misfit
    assert "--event-data" in refused(PostRefused, "preview", "opening")
