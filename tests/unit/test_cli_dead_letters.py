"""``vestlus dead-letters``: what is listed, handed in, refused and put away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.test_cli_conversations import (
    ACCOUNT,
    HOUR_MS,
    ID,
    MEMBER,
    STOPPED,
    USER,
    event,
    service,
)
from vestlus.burying import buried, unreadable
from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue
from vestlus.cli.dead_letters import NotDiscarded, ReplayRefused, app
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind
from vestlus.conversation.identity import partition_of
from vestlus.conversation.operating import Act
from vestlus.desk.dead_letters import NoSuchLetter
from vestlus.messages import decode_inbox, encode, inbox_message
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Change, DeadLetter, EventState, NewEvent

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command on a service of its own and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "BUS_URL", "DATABASE_URL", "PARTITIONS"):
        monkeypatch.delenv(f"VESTLUS_{name}", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))

    def command(*arguments: str) -> str:
        app(list(arguments), result_action="return_value")
        return capsys.readouterr().out

    return command


def given_up(hours_ago: float, *more: DeadLetter, change: Change | None = None) -> str:
    """A user wrote so long ago, was given up, and these are dead too; that letter's id."""

    async def write() -> str:
        settings, topology = service()
        store = open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        )
        name = inbox_lease(partition_of(ACCOUNT, USER, topology.inbox))
        at_ms = system_clock() - round(hours_ago * HOUR_MS)
        said = event(EventKind.MESSAGE, at_ms)
        async with store:
            lease = (await store.acquire([name], MEMBER, 60.0))[name]
            changed = NewEvent(event(EventKind.OPERATOR, at_ms), EventState.NOTED, change)
            new = [NewEvent(said, EventState.PENDING), changed]
            await store.record([(lease, new)], at_ms)
            await store.give_up(lease, ID, reason="kills_its_process", now_ms=at_ms + 1)
            await store.bury(more)
        return f"event:{said.key}"

    return asyncio.run(write())


def handed_in() -> list[Event]:
    """Everything that waits in the user's partition of the inbox."""

    async def read() -> list[Event]:
        settings, topology = service()
        partition = partition_of(ACCOUNT, USER, topology.inbox)
        async with open_bus(settings.bus, topology) as bus:
            if not await bus.depth(Queue.INBOX, partition):
                return []
            subscription = await bus.subscribe(Queue.INBOX, partition)
            messages = [decode_inbox(one.body) for one in await subscription.receive(100)]
            await subscription.close()
        return [each for message in messages for each in message.events]

    return asyncio.run(read())


def delivery(*events: Event) -> DeadLetter:
    """What the broker gave up on."""
    body = encode(inbox_message(events, at_ms=events[0].timestamp_ms))
    return buried(body, source="dead", reason="delivery_limit", at_ms=5)


def test_a_replay_is_handed_in_as_an_act_of_its_conversation(run: Run) -> None:
    letter = given_up(hours_ago=1)
    assert run("list").startswith(letter)
    assert run("replay", letter, "--by", "Mari") == f"{letter}: handed in\n"
    (act,) = handed_in()
    assert (act.action, act.payload, act.text, act.number) == (Act.REPLAY, letter, "Mari", None)
    assert act.conversation == ID


def test_after_the_window_a_replay_is_refused_and_nothing_is_handed_in(run: Run) -> None:
    letter = given_up(hours_ago=24.01)
    with pytest.raises(ReplayRefused, match="window_closed: the user last wrote too long ago"):
        run("replay", letter)
    assert handed_in() == []


def test_who_asked_for_no_answers_is_left_alone(run: Run) -> None:
    letter = given_up(1, change=STOPPED)
    with pytest.raises(ReplayRefused, match="user_stopped"):
        run("replay", letter)
    assert handed_in() == []


def test_one_that_is_refused_does_not_keep_the_others_back(run: Run) -> None:
    broken = unreadable(b"\xff", source="inbox.0", reason="json", at_ms=1)
    letter = given_up(1, broken)
    with pytest.raises(ReplayRefused, match="undecodable"):
        run("replay", broken.id, letter)
    assert [one.payload for one in handed_in()] == [letter]


def test_nothing_of_a_misspelt_command_is_done(run: Run) -> None:
    letter = given_up(1)
    with pytest.raises(NoSuchLetter, match="dead-letters list"):
        run("replay", letter, "nobody's")
    with pytest.raises(NoSuchLetter):
        run("discard", letter, "nobody's")
    assert handed_in() == []
    assert run("list").startswith(letter)


def test_a_delivery_that_the_broker_gave_up_is_taken_in_again(run: Run) -> None:
    fresh = event(EventKind.MESSAGE, system_clock() - HOUR_MS)
    stale = event(EventKind.MESSAGE, system_clock() - 30 * HOUR_MS)
    lost = delivery(replace(stale, user="other", conversation="other's"), fresh)
    given_up(1, lost)
    assert run("replay", lost.id) == f"{lost.id}: handed in\n"
    assert [one.key for one in handed_in()] == [fresh.key]
    with pytest.raises(ReplayRefused, match="not_dead"):
        run("replay", lost.id)


def test_a_delivery_of_nothing_but_closed_windows_is_refused(run: Run) -> None:
    stale = event(EventKind.MESSAGE, system_clock() - 30 * HOUR_MS)
    lost = delivery(replace(stale, user="other", conversation="other's"))
    given_up(1, lost)
    with pytest.raises(ReplayRefused, match="window_closed"):
        run("replay", lost.id)
    assert handed_in() == []


def test_a_letter_is_shown_whole_with_its_history(run: Run) -> None:
    letter = given_up(1)
    shown = json.loads(run("show", letter, "--json"))
    assert shown["envelope"]["text"] == "Tere!"
    assert [one["what"] for one in shown["history"]] == ["taken_in", "dead"]
    assert (shown["reason"], shown["may_have_been_sent"]) == ("kills_its_process", False)
    assert "taken_in" in run("show", letter)
    binary = unreadable(b"\xff\x00", source="inbox.0", reason="json", at_ms=1)
    given_up(1, binary)
    assert json.loads(run("show", binary.id, "--json"))["envelope"] == {"base64": "/wA="}


def test_what_is_discarded_is_gone_and_says_who_did_it(run: Run) -> None:
    letter = given_up(1)
    assert run("discard", letter, "--by", "Mari") == f"{letter}: discarded\n"
    assert run("list") == "There are no such dead letters.\n"
    assert "discarded" in run("list", "--all")
    shown = run("show", letter)
    assert "discarded Mari" in shown
    assert "Tere!" not in shown
    with pytest.raises(NotDiscarded):
        run("discard", letter)
    with pytest.raises(ReplayRefused, match="not_dead"):
        run("replay", letter)


def test_lists_are_filtered_and_paged(run: Run) -> None:
    letter = given_up(hours_ago=2)
    old = unreadable(b"x", source="inbox.0", reason="json", at_ms=1)
    given_up(1, old)
    assert run("list", "--reason", "undecodable: json").startswith(old.id)
    assert letter not in run("list", "--older", "3")
    assert old.id not in run("list", "--newer", "3")
    assert old.id not in run("list", "--account", ACCOUNT)
    assert json.loads(run("list", "--unknown", "--json")) == []
    page = run("list", "--limit", "2")
    assert "There may be more: --behind" in page
    assert run("list", "--behind", letter).startswith(old.id)
