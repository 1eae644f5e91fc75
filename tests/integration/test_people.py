"""People take a conversation over from the bot, by an echo or a command, and hand it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import World, world
from tests.integration.people_support import (
    account,
    act,
    asked_by_the_user,
    claim,
    echo,
    finish,
    passed_by,
    publisher,
    row,
    silent,
    until,
)
from vestlus.conversation.history import Role
from vestlus.conversation.operating import Act
from vestlus.conversation.reply import Reply, TextPart
from vestlus.errors import StoreUnavailable
from vestlus.store.rows import (
    Lease,
    NewEvent,
    Origin,
    RecordedEvent,
    SendRow,
    Silence,
    TransitionResult,
)

__all__ = ["world"]


async def test_a_persons_echo_in_the_middle_of_a_turn_silences_the_bot(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    assistant.gate.clear()
    await world.write("u", "Kas tuba on vaba?")
    await assistant.was_asked(1)
    await world.deliver(echo("Tere, siin Mari: on vaba."))
    await silent(world, Silence.PERSON)
    assistant.gate.set()
    await world.write("u", "Aitäh!")
    await passed_by(world)
    assert len(asked_by_the_user(assistant)) == 1
    assert [one.event.text for one in (await row(world)).pending] == ["Aitäh!"]
    assert await world.sends("u") == []
    assert await world.history("u") == ["Kas tuba on vaba?", "Tere, siin Mari: on vaba."]


async def test_handed_back_the_bot_answers_what_waits_and_knows_what_the_person_wrote(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.deliver(echo("Tere, siin Mari."))
    await silent(world, Silence.PERSON)
    await world.write("u", "Mis kell te avate?")
    await act(world, Act.HAND_BACK)
    await assistant.was_asked(1)
    (question,) = assistant.asked
    assert [(one.role, one.text) for one in question.history] == [
        (Role.OPERATOR, "Tere, siin Mari.")
    ]
    assert [one.text for one in question.messages] == ["Mis kell te avate?"]
    await world.said("u", 3)


async def test_an_answer_that_is_written_but_not_sent_is_cancelled_by_a_persons_echo(
    world: World,
) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (send,) = await world.sends("u")
    await world.deliver(echo("Mina vastan ise."))
    await silent(world, Silence.PERSON)
    assert await world.sends("u") == []
    assert await claim(world, await publisher(world), send) is TransitionResult.STALE
    # It was never said, and no later prompt must believe that it was.
    assert await world.history("u") == ["Tere!", "Mina vastan ise."]


async def test_the_bot_comes_back_by_itself_when_the_pause_is_over(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account(pause_minutes=0.02))
    await world.deliver(echo("Mina vastan."))
    await silent(world, Silence.PERSON)
    await world.write("u", "Ja veel üks küsimus?")
    await world.said("u", 3)
    assert len(assistant.asked) == 1


async def test_the_pause_outlives_its_owner(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(pause_minutes=0.03))
    await world.deliver(echo("Mina vastan."))
    await silent(world, Silence.PERSON)
    await world.write("u", "Ja veel?")
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account(pause_minutes=0.03))
    await world.said("u", 3)
    assert (await row(world)).takeovers == 0


async def test_an_echo_of_unknown_words_waits_while_a_send_is_under_way_and_holds_the_next(
    world: World,
) -> None:
    two = Reply(parts=(TextPart("Esimene."), TextPart("Teine.")))
    await world.host(ScriptedAssistant(lambda _: two), account=account())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    lease = await publisher(world)
    (first,) = await world.sends("u")
    assert await claim(world, lease, first) is TransitionResult.DONE
    await world.deliver(echo("Instagram muutis seda", mid="mid-of-first"))

    async def held() -> bool:
        counts = await world.store.counts()
        return counts.events.get("echo/undetermined", 0) == 1

    await until(held)
    assert (await row(world)).silence is Silence.NONE
    await finish(world, lease, first, "mid-of-first")
    (second,) = await world.sends("u")
    await until(lambda: _claimed(world, lease, second))
    assert (await row(world)).silence is Silence.NONE


async def _claimed(world: World, lease: Lease, send: SendRow) -> bool:
    result = await claim(world, lease, send)
    assert result in (TransitionResult.HELD, TransitionResult.DONE)
    return result is TransitionResult.DONE


async def test_an_undetermined_echo_that_proves_to_be_a_persons_silences_the_bot(
    world: World,
) -> None:
    two = Reply(parts=(TextPart("Esimene."), TextPart("Teine.")))
    await world.host(ScriptedAssistant(lambda _: two), account=account())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    lease = await publisher(world)
    (first,) = await world.sends("u")
    await claim(world, lease, first)
    await world.deliver(echo("Siin Mari, mina vastan."))
    await until(lambda: _is_held(world))
    (_, second) = [first, replace(first, id=first.id[:-1] + "1")]
    assert await claim(world, lease, second) is TransitionResult.HELD
    await finish(world, lease, first, "another-mid")
    await silent(world, Silence.PERSON)
    assert await claim(world, lease, second) is not TransitionResult.DONE


async def _is_held(world: World) -> bool:
    counts = await world.store.counts()
    return counts.events.get("echo/undetermined", 0) == 1


async def test_a_new_owner_goes_on_with_an_undetermined_echo(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    lease = await publisher(world)
    (send,) = await world.sends("u")
    await claim(world, lease, send)
    await world.deliver(echo("Siin Mari."))
    await until(lambda: _is_held(world))
    await world.host(ScriptedAssistant(), account=account())
    await finish(world, lease, send, "another-mid")
    await silent(world, Silence.PERSON)


async def test_an_echo_whose_recording_was_not_heard_of_is_judged_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    lease = await publisher(world)
    (send,) = await world.sends("u")
    await claim(world, lease, send)
    record = world.store.record
    broken: list[bool] = []

    async def recorded_and_broken(
        batches: Sequence[tuple[Lease, Sequence[NewEvent]]], now_ms: int
    ) -> list[list[RecordedEvent] | None]:
        found = await record(batches, now_ms)
        if not broken:
            broken.append(True)
            raise StoreUnavailable("the connection broke during the commit")
        return found

    monkeypatch.setattr(world.store, "record", recorded_and_broken)
    await world.deliver(echo("Siin Mari."))
    await until(lambda: _is_held(world))
    await finish(world, lease, send, "another-mid")
    await silent(world, Silence.PERSON)


async def test_an_operators_reply_is_a_persons_row_and_silences_the_bot(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    await act(world, Act.REPLY, text="Siin Mari. Kuidas saan aidata?")
    await silent(world, Silence.PERSON)
    (send,) = await world.sends("u")
    assert (send.text, send.origin) == ("Siin Mari. Kuidas saan aidata?", Origin.PERSON)
    assert await claim(world, await publisher(world), send) is TransitionResult.DONE


async def test_taking_over_and_handing_back_forgets_no_question(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "Mis kell te avate?")
    await world.said("u", 2)
    await act(world, Act.TAKE_OVER)
    await silent(world, Silence.PERSON)
    await act(world, Act.HAND_BACK)
    await assistant.was_asked(2)
    assert [one.text for one in assistant.asked[1].messages] == ["Mis kell te avate?"]
    assert await world.said("u", 2) == ["Mis kell te avate?", "Mis kell te avate?"]
