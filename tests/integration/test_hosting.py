"""What a user writes is answered, once and with what was said before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count as numbers

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, TOPOLOGY, World, message, world
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import partition_of
from vestlus.errors import BusUnavailable
from vestlus.messages import decode_outbox, encode, inbox_message

__all__ = ["world"]


async def test_a_message_is_recorded_answered_and_rung_at_the_publishers(world: World) -> None:
    bell = await world.bus.subscribe(Queue.OUTBOX, 0)
    await world.host(ScriptedAssistant())
    await world.write("u", "Tere!")
    assert await world.said("u", 2) == ["Tere!", "Tere!"]
    (row,) = await world.sends("u")
    assert (row.text, row.answers) == ("Tere!", ("mid-u-Tere!",))
    (delivery,) = await bell.receive(10)
    (send,) = decode_outbox(delivery.body).sends
    assert (send.ledger_id, send.account, send.user) == (row.id, ACCOUNT, "u")
    assert (send.conversation, send.answers) == (row.conversation, row.answers)
    await bell.close()


async def test_the_same_message_delivered_three_times_is_answered_once(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant)
    once = message("u", "Tere!")
    for _ in range(3):
        await world.deliver(once)
    await world.said("u", 2)
    await world.write("u", "Ja teine.")
    assert await world.said("u", 4) == ["Tere!", "Tere!", "Ja teine.", "Ja teine."]


async def test_the_next_question_comes_with_what_was_said_before(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant)
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]


async def test_something_newer_restarts_the_answer_and_both_are_answered_together(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    host = await world.host(assistant)
    await world.write("u", "Esimene.")
    await assistant.was_asked(1)
    await world.write("u", "Teine.")
    await assistant.was_asked(2)
    assistant.gate.set()
    assert await world.said("u", 3) == ["Esimene.", "Teine.", "Esimene.; Teine."]
    assert assistant.cancelled == 1
    assert host.counts().restarted == 1


async def test_a_chatterbox_is_answered_after_three_restarts(world: World) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    await world.host(assistant)
    for count in range(1, 5):
        await world.write("u", f"{count}")
        await assistant.was_asked(count)
    await world.write("u", "5")
    recorded = message("u", "5")
    async with asyncio.timeout(10):
        while not await world.store.users_of(ACCOUNT, [str(recorded.mid)]):
            await asyncio.sleep(0.02)
    assistant.gate.set()
    history = await world.said("u", 7)
    assert history == ["1", "2", "3", "4", "1; 2; 3; 4", "5", "5"]


async def test_users_are_answered_in_parallel(world: World) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    await world.host(assistant)
    for user in ("a", "b", "c"):
        await world.write(user, "Tere!")
    await assistant.was_asked(3)
    assistant.gate.set()
    for user in ("a", "b", "c"):
        assert await world.said(user, 2) == ["Tere!", "Tere!"]


async def test_events_that_call_for_no_answer_are_recorded_and_not_answered(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant)
    await world.write("u", "meeldis", kind=EventKind.REACTION)
    await world.write("u", "nähtud", kind=EventKind.READ)
    await world.write("u", "Tere!")
    await world.said("u", 3)
    assert len(assistant.asked) == 1
    counts = await world.store.counts()
    assert counts.events["reaction/noted"] == 1
    assert counts.events["read/noted"] == 1


def read_by_somebody(known: Event) -> bytes:
    """The note that a message was read, in which Meta left the user out."""
    nameless = replace(
        known,
        key=event_key(EventKind.READ, ACCOUNT, str(known.mid), timestamp_ms=5),
        kind=EventKind.READ,
        user=None,
        conversation=None,
        text=None,
    )
    return encode(inbox_message((nameless,), at_ms=system_clock()))


async def test_a_read_without_a_user_finds_its_way_by_the_message(world: World) -> None:
    await world.host(ScriptedAssistant())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    for partition in range(TOPOLOGY.inbox):
        body = read_by_somebody(message("u", "Tere!"))
        await world.bus.publish(Queue.INBOX, partition, [body])
    async with asyncio.timeout(15):
        while (await world.store.counts()).events.get("read/noted", 0) < 1:
            await asyncio.sleep(0.02)


async def test_a_read_that_cannot_be_passed_on_stops_nobody_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (
        next(user for user in map(str, numbers()) if partition_of(ACCOUNT, user, 2) == number)
        for number in range(TOPOLOGY.inbox)
    )
    await world.host(ScriptedAssistant())
    recorded = message(there, "Tere!")
    await world.deliver(recorded)
    await world.said(there, 2)
    publish = world.bus.publish

    async def full(queue: Queue, *_: object) -> None:
        raise BusUnavailable(f"the broker takes nothing for {queue}")

    monkeypatch.setattr(world.bus, "publish", full)
    await publish(Queue.INBOX, 0, [read_by_somebody(recorded)])
    body = encode(inbox_message((message(here, "Tere!"),), at_ms=system_clock()))
    await publish(Queue.INBOX, 0, [body])
    assert await world.said(here, 2) == ["Tere!", "Tere!"]


async def test_long_answers_become_several_sends_in_order(world: World) -> None:
    text = " ".join(f"Lause number {index}." for index in range(200))
    await world.host(ScriptedAssistant(lambda _: text))
    await world.write("u", "Räägi pikalt.")
    await world.said("u", 2)
    (row,) = await world.sends("u")
    assert row.text.startswith("Lause number 0.")
    assert len(row.text.encode()) <= 1000
