"""``vestlus conversations``: what is handed in, what is refused, and what is said of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue, Topology
from vestlus.cli.conversations import (
    NoSuchConversation,
    ReplyRefused,
    UserStopped,
    app,
)
from vestlus.cli.conversations_privacy import NotConfirmed, NotWritten, Preserved
from vestlus.cli.conversations_recover import RecoveryRefused
from vestlus.cli.demo_settings import with_kept_key
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import (
    conversation_id,
    outbox_partition_of,
    partition_of,
)
from vestlus.conversation.operating import Act
from vestlus.desk.conversations import NoSuchDraft
from vestlus.desk.moments import LAST_MS
from vestlus.desk.user_data import NobodyMeant
from vestlus.errors import SettingsError
from vestlus.messages import SearchRequest, decode_inbox, decode_outbox
from vestlus.settings import Mode, Settings, load_settings
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import (
    FOREVER_MS,
    Change,
    EventState,
    Member,
    MemberKind,
    NewEvent,
    Silence,
    stopped_until_ms,
)

ACCOUNT = "17841400000000001"
USER = "user"
ID = conversation_id(ACCOUNT, USER)
HOUR_MS = 3_600_000
STOPPED = Change(silence=Silence.STOPPED, silent_until_ms=FOREVER_MS)
MEMBER = Member("anna", MemberKind.CONVERSATION, "1", "host", 1)

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command on a service of its own and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "BUS_URL", "DATABASE_URL", "PARTITIONS"):
        monkeypatch.delenv(f"VESTLUS_{name}", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))

    def command(*arguments: str) -> str:
        with capture_logs():  # which the entry point sends to standard error
            app(list(arguments), result_action="return_value")
        return capsys.readouterr().out

    return command


def service() -> tuple[Settings, Topology]:
    settings = load_settings(mode=Mode.OPERATE)
    return settings, Topology(inbox=settings.partitions)


def written(hours_ago: float, change: Change | None = None, *, silent: bool = False) -> None:
    """The user wrote so long ago, unless silent, and then the change was made."""

    async def write() -> None:
        settings, topology = service()
        store = open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        )
        name = inbox_lease(partition_of(ACCOUNT, USER, topology.inbox))
        at_ms = system_clock() - round(hours_ago * HOUR_MS)
        async with store:
            lease = (await store.acquire([name], MEMBER, 60.0))[name]
            said = NewEvent(event(EventKind.MESSAGE, at_ms), EventState.PENDING)
            changed = NewEvent(event(EventKind.OPERATOR, at_ms), EventState.NOTED, change)
            await store.record([(lease, [changed] if silent else [said, changed])], at_ms)

    asyncio.run(write())


def event(kind: EventKind, at_ms: int) -> Event:
    mid = uuid4().hex
    return Event(
        key=event_key(kind, ACCOUNT, mid),
        kind=kind,
        account=ACCOUNT,
        user=USER,
        conversation=ID,
        mid=mid,
        timestamp_ms=at_ms,
        text="Tere!",
    )


def handed_in() -> list[tuple[str | None, str | None]]:
    """Act and text of everything that waits in the user's partition of the inbox."""

    async def read() -> list[tuple[str | None, str | None]]:
        settings, topology = service()
        partition = partition_of(ACCOUNT, USER, topology.inbox)
        async with open_bus(settings.bus, topology) as bus:
            if not await bus.depth(Queue.INBOX, partition):
                return []
            subscription = await bus.subscribe(Queue.INBOX, partition)
            messages = [decode_inbox(one.body) for one in await subscription.receive(100)]
            await subscription.close()
        return [(one.action, one.text) for message in messages for one in message.events]

    return asyncio.run(read())


def test_a_reply_within_a_day_is_handed_in(run: Run) -> None:
    written(hours_ago=23.9)
    assert run("reply", ID, "Tere, siin Mari.") == "Handed in: it is sent within seconds.\n"
    assert handed_in() == [(Act.REPLY, "Tere, siin Mari.")]


@pytest.mark.parametrize("hours_ago", [24.01, 7 * 24 - 0.1])
def test_a_later_reply_is_handed_in_and_said_to_be_a_human_agents(
    run: Run, hours_ago: float
) -> None:
    written(hours_ago)
    said = run("reply", ID, "Tere!")
    assert said.startswith("Handed in: it is sent within seconds, as a human agent's")
    assert handed_in() == [(Act.REPLY, "Tere!")]


def test_a_reply_after_seven_days_is_refused(run: Run) -> None:
    written(hours_ago=7 * 24 + 0.01)
    with pytest.raises(ReplyRefused, match="for 7 days after that"):
        run("reply", ID, "Tere!")
    assert handed_in() == []


def test_a_reply_to_who_has_never_written_is_refused(run: Run) -> None:
    written(hours_ago=1, silent=True)
    with pytest.raises(ReplyRefused, match="has never written"):
        run("reply", ID, "Tere!")
    assert handed_in() == []


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_a_blank_reply_is_refused(run: Run, text: str) -> None:
    written(hours_ago=1)
    with pytest.raises(ReplyRefused, match="the text is blank"):
        run("reply", ID, text)
    assert handed_in() == []


def test_a_reply_to_nobody_is_refused(run: Run) -> None:
    with pytest.raises(NoSuchConversation, match="conversations list"):
        run("reply", ID, "Tere!")


def test_a_user_is_handed_back_to_the_bot(run: Run) -> None:
    written(1, Change(silence=Silence.PERSON, silent_until_ms=FOREVER_MS))
    assert run("hand-back", ID) == "The bot answers this user again.\n"
    assert handed_in() == [(Act.HAND_BACK, None)]


def test_who_asked_for_no_answers_is_not_handed_back(run: Run) -> None:
    written(1, STOPPED)
    with pytest.raises(UserStopped, match="nothing changes until the user writes start"):
        run("hand-back", ID)
    assert handed_in() == []


def test_an_emergency_of_who_asked_for_no_answers_can_be_marked_as_seen_to(run: Run) -> None:
    waiting = Change(silence=Silence.STOPPED, silent_until_ms=FOREVER_MS, waiting_ms=1_000)
    written(1, waiting)
    said = run("hand-back", ID)
    assert said.startswith("The user asked for no answers: that does not change")
    assert "no longer waits for a person" in said
    assert handed_in() == [(Act.HAND_BACK, None)]


def test_who_took_a_conversation_over_after_a_stop_can_hand_it_back(run: Run) -> None:
    theirs = Change(silence=Silence.STOPPED, silent_until_ms=stopped_until_ms(LAST_MS))
    written(1, theirs)
    said = run("hand-back", ID)
    assert said.startswith("The user asked for no answers: that does not change")
    assert handed_in() == [(Act.HAND_BACK, None)]


def test_what_is_not_found_is_said_by_what_was_looked_for(run: Run) -> None:
    assert run("list") == "There are no conversations yet.\n"
    assert run("list", "--waiting") == "No conversation waits.\n"
    assert run("list", "--closing", "2") == "Nothing is about to be missed.\n"
    written(hours_ago=1)
    assert run("list", "--closing", "2") == "Nothing is about to be missed.\n"
    assert run("list").startswith(ID)


def test_what_is_about_to_be_missed_is_listed(run: Run) -> None:
    written(hours_ago=23)
    assert run("list", "--closing", "2").startswith(ID)


def test_a_look_for_missed_messages_is_asked_of_each_account_s_publisher(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setenv("VESTLUS_ACCESS_TOKEN", "token")
    before = system_clock()
    assert run("recover", "--hours", "12").startswith(f"{ACCOUNT}: handed in")

    async def rung() -> SearchRequest:
        settings, topology = service()
        outbox = outbox_partition_of(ACCOUNT, topology.outbox)
        async with open_bus(settings.bus, topology) as bus:
            subscription = await bus.subscribe(Queue.OUTBOX, outbox)
            (delivery,) = await subscription.receive(10)
            await subscription.close()
        (request,) = decode_outbox(delivery.body).searches
        return request

    request = asyncio.run(rung())
    assert request.account == ACCOUNT
    assert 0 <= request.since_ms - (before - 12 * HOUR_MS) < 60_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hours", "0"), "more than 0 and at most 168"),
        (("--hours", "169"), "more than 0 and at most 168"),
        (("--account", "nobody"), "there is no such account"),
        ((), "there is no such account in the settings; there are: none"),
    ],
)
def test_a_look_that_cannot_be_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(RecoveryRefused, match=said):
        run("recover", *arguments)


KEY = "a key for tests, as long as it has to be"


def test_what_is_held_is_exported_to_a_file_of_ones_own(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", KEY)
    written(hours_ago=1)
    told = json.loads(run("export", ID))
    assert told["user"] == USER
    assert told["received"][0]["payload"]["text"] == "Tere!"

    file = tmp_path / "export.json"
    out = run("export", "--account", ACCOUNT, "--user", USER, "--output", str(file))
    assert out == f"Written to {file}.\n"
    assert json.loads(file.read_text("utf-8"))["received"] == told["received"]
    assert file.stat().st_mode & 0o077 == 0


def test_an_export_is_ones_own_whatever_was_there_before(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", KEY)
    written(hours_ago=1)
    file, link = tmp_path / "export.json", tmp_path / "link.json"
    file.write_text("older", "utf-8")
    file.chmod(0o644)
    run("export", ID, "--output", str(file))
    assert json.loads(file.read_text("utf-8"))["user"] == USER
    assert file.stat().st_mode & 0o077 == 0

    link.symlink_to(file)
    for refused in (link, tmp_path, tmp_path / "nowhere" / "export.json"):
        with pytest.raises(NotWritten, match=f"--output {refused}: "):
            run("export", ID, "--output", str(refused))
    assert {one.name for one in tmp_path.glob("*.json*")} == {"export.json", "link.json"}


def test_erasing_wants_a_yes_and_leaves_a_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", KEY)
    written(hours_ago=1)
    with pytest.raises(NotConfirmed):
        run("erase", ID)
    assert run("show", ID)

    done = json.loads(run("erase", ID, "--yes", "--json"))

    assert done["state"] == "erased"
    assert done["rows"]["conversation"] == 1
    with pytest.raises(NoSuchConversation):
        run("show", ID)
    with pytest.raises(NobodyMeant):
        run("export", "--account", ACCOUNT, "--user", USER)
    assert [one["code"] for one in json.loads(run("erasures", "--json"))] == [done["code"]]
    assert done["code"] in run("erasures")
    with pytest.raises(NobodyMeant):
        run("erasures", "--close", done["code"])
    again = run("erase", "--account", ACCOUNT, "--user", USER, "--yes")
    assert again.startswith("Erased: 0 rows. Confirmation code: ")


def test_a_preserved_conversation_is_erased_by_who_says_so_and_its_id_is_in_no_entry(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", KEY)
    written(hours_ago=1)
    run("preserve", ID, "--reason", "Vaidlus 7")
    with pytest.raises(Preserved, match="--even-preserved erases it all the same"):
        run("erase", ID, "--yes")
    assert run("show", ID)

    done = json.loads(run("erase", ID, "--yes", "--even-preserved", "--json"))

    assert done["rows"]["preservation"] == 1

    async def entries() -> list[tuple[str, str, str]]:
        settings, topology = service()
        async with open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        ) as store:
            found = await store.audit_entries(action="user.")
        return [(one.way, one.target, one.outcome) for one in found]

    assert asyncio.run(entries()) == [("command", done["code"], "done")]


@pytest.mark.parametrize(
    "arguments", [(), ("--account", "1"), (ID, "--account", "1"), ("unknown",)]
)
def test_it_must_be_clear_whose_data_are_meant(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", KEY)
    with pytest.raises(NobodyMeant):
        run("erase", *arguments, "--yes")


def test_without_the_services_key_nobody_is_erased(run: Run) -> None:
    written(hours_ago=1)
    with pytest.raises(SettingsError, match="VESTLUS_ENCRYPTION_KEY"):
        run("erase", ID, "--yes")
    assert run("show", ID)


def test_beside_a_demo_its_own_kept_key_is_used(run: Run, tmp_path: Path) -> None:
    written(hours_ago=1)
    demo = load_settings(mode=Mode.DEMO)
    first = with_kept_key(demo)
    again = with_kept_key(load_settings(mode=Mode.DEMO))
    assert first.encryption_key == again.encryption_key == demo.encryption_key
    assert (tmp_path / "var" / "demo.key").stat().st_mode & 0o077 == 0
    assert "Erased" in run("erase", ID, "--yes")


def test_conversations_are_found_marked_as_read_and_listed_as_the_console_does(run: Run) -> None:
    written(hours_ago=1)
    assert run("find", "TERE").startswith(ID)
    assert run("find", "midagi muud").startswith("Looked back to ")
    assert run("list", "--only", "unread").startswith(ID)
    assert run("read", ID) == "Marked as read.\n"
    assert run("list", "--only", "unread") == "No such conversation.\n"
    with pytest.raises(NoSuchConversation):
        run("read", "none")


def test_what_is_no_draft_is_neither_approved_nor_rejected(run: Run) -> None:
    written(hours_ago=1)
    for arguments in (("approve", ID, "1"), ("reject", ID, "1")):
        with pytest.raises(NoSuchDraft, match="no such draft waits"):
            run(*arguments)
    assert handed_in() == []
