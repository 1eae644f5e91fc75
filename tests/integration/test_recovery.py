"""Missed webhooks are found and answered, and dead letters replayed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.recovery_support import TOPOLOGY, Stage, opened_stage, said
from tests.integration.simulator_harness import FIRST
from vestlus.bus.open import open_bus
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.store.names import inbox_lease
from vestlus.store.rows import DeadLetter, LetterState, Silence

HOUR_MS = 3_600_000


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Everything but the host and the publisher runs."""
    async with (
        open_bus(f"sqlite:///{tmp_path / 'bus.sqlite'}", TOPOLOGY) as bus,
        opened_stage(tmp_path, bus) as opened,
    ):
        yield opened


async def test_what_was_missed_in_an_outage_is_answered_once_and_in_order(stage: Stage) -> None:
    began_ms = system_clock()
    wrote = await stage.outage(
        *(said(user, f"{user} {word}.") for word in ("üks", "kaks") for user in ("a", "b", "c")),
        said("d", "Pilt", attachments=[{"type": "image", "url": "https://example.org/x.png"}]),
    )
    await stage.over()
    await stage.host()
    await stage.publish(until_ms=began_ms)

    for user in ("a", "b", "c"):
        assert await stage.got(user, 1) == [f"{user} üks.; {user} kaks."]
    (picture,) = await stage.got("d", 1)
    assert picture.startswith("Pilt")
    await stage.searched()

    # The webhook of one of them comes after all, and a person has everything looked for again.
    late = {
        "sender": {"id": "a"},
        "recipient": {"id": FIRST},
        "timestamp": system_clock(),
        "message": {"mid": wrote[0]["mid"], "text": "a üks."},
    }
    payload = {
        "object": "instagram",
        "entry": [{"id": FIRST, "time": system_clock(), "messaging": [late]}],
    }
    await stage.client.control("raw-webhook", {"payload": payload})
    await stage.client.control("messages", said("a", "kolm."))
    assert await stage.got("a", 2) == ["a üks.; a kaks.", "kolm."]
    stats = await stage.client.get("/control/stats")
    assert stats["graph_over_limit"] == {}
    assert await stage.store.dead_letters(limit=9) == ()


async def test_what_a_person_answered_in_an_outage_stays_answered(stage: Stage) -> None:
    began_ms = system_clock()
    await stage.outage(said("a", "Kas olete avatud?"))
    await stage.client.control("personal-answer", said("a", "Jah, siin Mari."))
    await stage.over()
    await stage.host()
    await stage.publish(until_ms=began_ms)
    await stage.searched()

    async def silent() -> bool:
        rows = await stage.store.load([conversation_id(FIRST, "a")], 9)
        return any(row.silence is Silence.PERSON for row in rows.values())

    await stage.until(silent)
    row = await stage.row("a")
    assert [one.text for one in row.history] == ["Kas olete avatud?", "Jah, siin Mari."]
    assert row.pending == ()
    await stage.client.control("messages", said("a", "Aitäh!"))
    await stage.until(lambda: _waits(stage))
    assert await stage.client.sent("a") == ["Jah, siin Mari."]
    assert stage.assistant.asked == []


async def _waits(stage: Stage) -> bool:
    return bool((await stage.row("a")).pending)


async def test_what_is_too_old_is_shown_and_not_answered(stage: Stage) -> None:
    now = system_clock()
    await stage.outage(
        said("a", "Kas olete avatud?", timestamp_ms=now - 7 * HOUR_MS),
        said("b", "Aga täna?", timestamp_ms=now - 5 * HOUR_MS),
    )
    await stage.over()
    await stage.host()
    await stage.publish(until_ms=now - 8 * HOUR_MS)

    assert await stage.got("b", 1) == ["Aga täna?"]
    (waiting,) = await stage.store.conversations(limit=9, waiting=True)
    assert waiting.user == "a"
    assert waiting.note.startswith("missed_message (")
    assert abs(waiting.user_ms - (now - 7 * HOUR_MS)) < 1000
    assert await stage.client.sent("a") == []


async def test_our_own_answers_are_not_taken_for_a_persons(stage: Stage) -> None:
    """Echoes are lost too: what was sent is known by its id."""
    began_ms = system_clock()
    await stage.client.control("webhooks", {"echoes": False})
    await stage.host()
    await stage.publish(until_ms=began_ms)
    await stage.client.control("messages", said("a", "Tere."))
    assert await stage.got("a", 1) == ["Tere."]
    await stage.searched()
    await asyncio.sleep(1.6)
    await stage.publish(until_ms=began_ms)
    await stage.searched()
    await stage.client.control("messages", said("a", "Veel."))
    assert await stage.got("a", 2) == ["Tere.", "Veel."]
    assert (await stage.row("a")).silence is Silence.NONE


async def test_a_send_that_ended_unknown_is_replayed_behind_what_came_meanwhile(
    stage: Stage,
) -> None:
    lost = {"kind": "refuse", "next": 1, "contains": "Esimene."}
    blind = {"kind": "server_error", "next": 1000, "op": "conversations"}
    await stage.client.control("faults", {"rules": [lost, blind]})
    await stage.host()
    await stage.publish()
    await stage.client.control("messages", said("a", "Esimene."))

    async def letters() -> tuple[DeadLetter, ...]:
        return await stage.store.dead_letters(limit=9)

    await stage.until(letters)
    (letter,) = await letters()
    assert (letter.doubtful, letter.reason) == (True, "look_failed")
    assert [one.what for one in letter.history][:3] == ["decided", "sending", "looking"]
    await stage.client.control("messages", said("a", "Teine."))
    assert await stage.got("a", 1) == ["Teine."]

    await stage.replay(letter)
    await asyncio.gather(*(stage.replay(letter, although=True) for _ in range(3)))
    assert await stage.got("a", 2) == ["Teine.", "Esimene."]
    await stage.client.control("messages", said("a", "Kolmas."))
    assert await stage.got("a", 3) == ["Teine.", "Esimene.", "Kolmas."]
    (done,) = await letters()
    assert (done.state, done.replays) == (LetterState.REPLAYED, 1)
    assert [one.what for one in done.history[-2:]] == ["replay_refused", "replayed"]


async def test_a_message_that_was_given_up_is_answered_after_a_replay(stage: Stage) -> None:
    await stage.host()
    await stage.publish()
    stage.assistant.gate.clear()
    await stage.client.control("messages", said("a", "Kas kuulete?"))
    await stage.assistant.was_asked(1)
    lease = stage.inbox[inbox_lease(partition_of(FIRST, "a", TOPOLOGY.inbox))]
    given_up = stage.store.give_up(
        lease, conversation_id(FIRST, "a"), reason="kills_its_process", now_ms=system_clock()
    )
    assert await given_up == 1
    stage.assistant.gate.set()
    await stage.client.control("messages", said("a", "Halloo."))
    assert await stage.got("a", 1) == ["Halloo."]

    (letter,) = await stage.store.dead_letters(limit=9)
    await stage.replay(letter)

    assert await stage.got("a", 2) == ["Halloo.", "Kas kuulete?"]
