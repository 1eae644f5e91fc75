"""What the model is told of a conversation, and what is made of its answer."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import FAST, World, message, world
from tests.integration.people_support import (
    about,
    account,
    act,
    claim,
    echo,
    finish,
    publisher,
    row,
    silent,
    until,
)
from vestlus.clock import system_clock
from vestlus.conversation.events import EventKind
from vestlus.conversation.operating import Act
from vestlus.conversation.reply import PicturePart, Reply, TextPart
from vestlus.conversation.turn import BurstPolicy
from vestlus.store.rows import Kind, Silence

__all__ = ["world"]


async def test_text_and_pictures_become_messages_in_order_pictures_together(world: World) -> None:
    reply = Reply(
        parts=(TextPart("Siin:"), PicturePart("a"), PicturePart("b"), TextPart("Head vaatamist!"))
    )
    await world.host(ScriptedAssistant(lambda _: reply), account=account())
    await world.write("u", "Pilte palun")
    await world.said("u", 2)
    lease = await publisher(world)
    seen = []
    for n in range(3):
        (send,) = await world.sends("u")
        seen.append((send.kind, send.text, send.pictures))
        await claim(world, lease, send)
        await finish(world, lease, send, f"mid-{n}")
    assert seen == [
        (Kind.TEXT, "Siin:", ()),
        (Kind.PICTURES, "", ("a", "b")),
        (Kind.TEXT, "Head vaatamist!", ()),
    ]
    assert (await row(world)).pictures == ("a", "b")


async def test_what_was_sent_is_told_to_the_assistant_the_next_time(world: World) -> None:
    assistant = ScriptedAssistant(lambda _: Reply(parts=(PicturePart("a"),), language="ru"))
    await world.host(assistant, account=account())
    await world.write("u", "Pilt")
    await world.said("u", 2)
    await world.write("u", "Veel")
    await world.said("u", 4)
    assert assistant.asked[1].pictures_sent == ("a",)
    assert assistant.asked[1].language == "ru"


async def test_the_disclosure_stands_before_the_first_answer_and_again_after_a_person(
    world: World,
) -> None:
    own = account(disclosure=True, name="Muuseum", disclosure_texts={"et": "Olen robot."})
    await world.host(ScriptedAssistant(lambda _: Reply(parts=(TextPart("Jah."),))), account=own)
    await world.write("u", "Üks")
    await world.said("u", 2)
    await world.write("u", "Kaks")
    assert (await world.said("u", 4))[1::2] == ["Olen robot.\n\nJah.", "Jah."]
    await world.deliver(echo("Mari siin."))
    await silent(world, Silence.PERSON)
    await act(world, Act.HAND_BACK)
    await world.write("u", "Kolm")
    # What was not sent when the person came was cancelled, and never said.
    assert await world.said("u", 5) == ["Üks", "Kaks", "Mari siin.", "Kolm", "Olen robot.\n\nJah."]


async def test_an_unsent_message_is_neither_answered_nor_shown_to_the_model(world: World) -> None:
    assistant = ScriptedAssistant()
    slow = replace(FAST, burst=BurstPolicy(longest_ms=900))
    await world.host(assistant, account=account(), policies=slow)
    await world.write("u", "Minu kood on 1234", "Mis kell te avate")
    await world.deliver(about(EventKind.UNSEND, "mid-u-Minu kood on 1234"))
    await world.said("u", 2)
    assert [one.text for one in assistant.asked[-1].messages] == ["Mis kell te avate"]
    assert "1234" not in str(await world.history("u"))


async def test_an_unsent_message_is_gone_from_what_was_said_before(world: World) -> None:
    assistant = ScriptedAssistant(lambda _: "Selge.")
    await world.host(assistant, account=account())
    await world.write("u", "Minu kood on 1234")
    await world.said("u", 2)
    await world.deliver(about(EventKind.UNSEND, "mid-u-Minu kood on 1234"))

    async def gone() -> bool:
        return await world.history("u") == ["Selge."]

    await until(gone)
    await world.write("u", "Tere?")
    await world.said("u", 3)
    assert "1234" not in str(assistant.asked[-1])


async def test_the_new_text_of_an_edited_message_counts(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    assistant.gate.clear()
    await world.write("u", "kell kümme")
    await assistant.was_asked(1)
    await world.deliver(about(EventKind.EDIT, "mid-u-kell kümme", text="kell üksteist", number=1))
    await assistant.was_asked(2)
    assistant.gate.set()
    assert await world.said("u", 2) == ["kell üksteist", "kell üksteist"]


async def test_a_reaction_and_what_a_message_replies_to_are_told_to_the_model(
    world: World,
) -> None:
    assistant = ScriptedAssistant(lambda _: "Oleme avatud 9-17.")
    await world.host(assistant, account=account())
    await world.write("u", "Mis kell te avate?")
    await world.said("u", 2)
    lease = await publisher(world)
    (send,) = await world.sends("u")
    await claim(world, lease, send)
    await finish(world, lease, send, "mid-out")
    await world.deliver(about(EventKind.REACTION, "mid-out", action="react", emoji="❤️"))
    await world.said("u", 3)
    await world.deliver(replace(message("u", "Ka laupäeval?"), reply_to_mid="mid-out"))
    await world.said("u", 5)
    question = assistant.asked[-1]
    assert question.history[-1].text == "[reacted with ❤️ to: “Oleme avatud 9-17.”]"
    assert question.messages[0].text == "Ka laupäeval?\n[replying to: “Oleme avatud 9-17.”]"


async def test_a_long_conversation_carries_a_summary(world: World) -> None:
    assistant = ScriptedAssistant(lambda _: "Jah.")
    host = await world.host(assistant, account=account())
    for n in range(16):
        await world.write("u", f"Küsimus {n}")
        await world.said("u", 2 * n + 2)

    async def summed_up() -> bool:
        return host.counts().summarised > 0

    await until(summed_up)
    await world.write("u", "Ja veel?")
    await world.said("u", 34)
    assert assistant.asked[-1].summary == "15 more"
    (past,) = assistant.summed_up
    assert past.messages[0].text == "Küsimus 0"


async def test_reactions_do_not_put_an_answer_off(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    assistant.gate.clear()
    await world.write("u", "Tere!")
    await assistant.was_asked(1)
    for n in range(6):
        await world.deliver(about(EventKind.REACTION, f"m{n}", action="react", emoji="❤️"))

    async def noted() -> bool:
        return len(await world.history("u")) == 6

    await until(noted)
    assistant.gate.set()
    await world.said("u", 8)
    assert len(assistant.asked) == 1


async def test_what_can_not_be_answered_in_time_is_given_up_without_asking(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    late = replace(message("u", "Ammu"), timestamp_ms=system_clock() - 25 * 60 * 60 * 1000)
    await world.deliver(late)

    async def buried() -> bool:
        return bool(await world.store.dead_letters(limit=5))

    await until(buried)
    (letter,) = await world.store.dead_letters(limit=5)
    assert letter.reason == "window_closed"
    assert assistant.asked == []
