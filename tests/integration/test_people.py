"""People and the bot share conversations: the host on a real bus and a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tests.contract.erasing_support import traces
from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.measures import measured
from tests.integration.slow_erasing import slow_erasing
from tests.integration.test_hosting import ACCOUNT, FAST, TOPOLOGY, World, message, world
from vestlus.assistant.port import Question
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.history import Role
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.operating import Act, operator_event
from vestlus.conversation.phrases import Phrase, say
from vestlus.conversation.reply import Concern, PicturePart, Reply, TextPart
from vestlus.conversation.turn import BurstPolicy, FailurePolicy
from vestlus.errors import AssistantInvalid
from vestlus.hosting.answers import WANTS_DATA, WANTS_ERASURE
from vestlus.settings_account import Account
from vestlus.store.erasing import BY_USER, ErasureState, Way
from vestlus.store.ledger import SendState
from vestlus.store.names import outbox_lease
from vestlus.store.rows import (
    ConversationRow,
    Kind,
    Lease,
    Member,
    MemberKind,
    Origin,
    SendRow,
    Silence,
    Transition,
    TransitionResult,
)

__all__ = ["world"]

CONVERSATION = conversation_id(ACCOUNT, "u")

#: Somebody whose messages come through the same partition as those of "u".
OTHER = next(
    user
    for user in map(str, count())
    if partition_of(ACCOUNT, user, TOPOLOGY.inbox) == partition_of(ACCOUNT, "u", TOPOLOGY.inbox)
)


def account(**fields: Any) -> Account:  # noqa: ANN401 - settings of any type
    made = {"disclosure": False, "language": "et", **fields}
    return Account(id=ACCOUNT, access_token=SecretStr("t"), **made)


def echo(text: str | None, mid: str | None = None, *, user: str = "u") -> Event:
    mid = mid or uuid4().hex
    return replace(
        message(user, text or ""),
        kind=EventKind.ECHO,
        mid=mid,
        key=event_key(EventKind.ECHO, ACCOUNT, mid),
        text=text,
    )


def about(kind: EventKind, mid: str, **fields: Any) -> Event:  # noqa: ANN401 - any field
    key = event_key(kind, ACCOUNT, mid, action=uuid4().hex)
    return replace(message("u", "x"), kind=kind, mid=mid, key=key, **({"text": None} | fields))


async def act(world: World, what: Act, *, text: str | None = None, turn: int | None = None) -> None:
    await world.deliver(
        operator_event(
            what,
            account=ACCOUNT,
            user="u",
            identity=uuid4().hex,
            at_ms=system_clock(),
            text=text,
            turn=turn,
        )
    )


async def row(world: World) -> ConversationRow:
    return (await world.store.load([CONVERSATION], 100))[CONVERSATION]


async def until(condition: Callable[[], Any], *, seconds: float = 15) -> None:
    """Waits until an awaitable condition gives something true."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def passed_by(world: World, *, writes: str = "Tere ka!", said: int = 2) -> None:
    """Somebody writes after the user, and is answered: by then the user would have been."""
    await world.write(OTHER, writes)
    await world.said(OTHER, said)


def asked_by_the_user(assistant: ScriptedAssistant) -> list[Question]:
    return [question for question in assistant.asked if question.user == "u"]


async def silent(world: World, why: Silence) -> None:
    async def is_so() -> bool:
        rows = await world.store.load([CONVERSATION], 1)
        return CONVERSATION in rows and rows[CONVERSATION].silence is why

    await until(is_so)


async def publisher(world: World) -> Lease:
    member = Member("p/publisher-0", MemberKind.PUBLISHER, uuid4().hex, "h", 2)
    name = outbox_lease(0)
    return (await world.store.acquire([name], member, 60))[name]


async def claim(world: World, lease: Lease, send: SendRow) -> TransitionResult:
    step = Transition(
        id=send.id, before=SendState.PENDING, after=SendState.SENDING, at_ms=system_clock()
    )
    return (await world.store.transition(lease, [step]))[0]


async def finish(world: World, lease: Lease, send: SendRow, mid: str) -> None:
    step = Transition(
        id=send.id,
        before=SendState.SENDING,
        after=SendState.SENT,
        at_ms=system_clock(),
        sent_mid=mid,
    )
    assert await world.store.transition(lease, [step]) == [TransitionResult.DONE]


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


@pytest.mark.parametrize("text", ["Soovin rääkida inimesega", "I want to talk to a human"])
async def test_who_asks_for_a_person_is_told_and_listed_and_no_model_is_asked(
    world: World, text: str
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", text)
    await world.said("u", 2)
    assert assistant.asked == []
    assert (await row(world)).silence is Silence.HANDOVER

    async def told() -> bool:
        return bool(world.handed_over and world.handed_over[0].note)

    await until(told)


async def test_a_model_that_asks_for_a_person_is_believed(world: World) -> None:
    reply = Reply(
        parts=(TextPart("Kutsun kolleegi."),),
        handover=True,
        note="Tahab raha tagasi.",
        language="et",
    )
    assistant = ScriptedAssistant(lambda _: reply)
    await world.host(assistant, account=account())
    await world.write("u", "Tahan raha tagasi!")
    await world.said("u", 2)
    (waiting,) = await world.store.conversations(limit=5, waiting=True)
    assert waiting.note == "Tahab raha tagasi."
    await world.write("u", "Halloo?")
    await passed_by(world)
    assert len(asked_by_the_user(assistant)) == 1
    assert [one.event.text for one in (await row(world)).pending] == ["Halloo?"]


async def test_stop_is_confirmed_and_everything_after_it_ignored_until_start(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "STOP")
    await world.said("u", 2)
    await world.write("u", "Kas keegi kuuleb?")
    await world.said("u", 3)
    assert assistant.asked == []
    await world.write("u", "START")
    await world.said("u", 5)
    await world.write("u", "Mis kell te avate?")
    await world.said("u", 7)
    assert len(assistant.asked) == 1


async def test_delete_my_data_is_asked_about_once_and_then_done(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "Minu saladus")
    await world.said("u", 2)
    await world.write("u", "kustuta minu andmed")
    assert (await world.said("u", 4))[-1] == say(Phrase.DELETE_ASK, "et")
    await world.write("u", "Jah!")

    async def gone() -> bool:
        return CONVERSATION not in await world.store.load([CONVERSATION], 1)

    await until(gone)
    (erasure,) = await world.privacy.erasures()
    assert (erasure.way, erasure.by, erasure.state) == (Way.CHAT, BY_USER, ErasureState.ERASED)
    (last,) = await world.sends("u")
    assert say(Phrase.DELETED, "et") in last.text
    assert f"https://vestlus.test/data-deletion/{erasure.code}" in last.text
    assert await traces(world.store, "saladus") == []

    await world.write("u", "Tere jälle")
    assert (await world.said("u", 2))[0] == "Tere jälle"
    assert assistant.asked[-1].history == ()


async def test_a_preserved_conversation_is_not_erased_by_its_user_and_a_person_sees_to_it(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account())
    await world.write("u", "Minu saladus")
    await world.said("u", 2)
    assert await world.store.preserve(CONVERSATION, reason="Vaidlus 7", by="mari")
    await world.write("u", "kustuta minu andmed")
    await world.said("u", 4)
    await world.write("u", "jah")

    last = (await world.said("u", 6))[-1]
    (erasure,) = await world.privacy.erasures()
    assert (erasure.way, erasure.by, erasure.state) == (Way.CHAT, BY_USER, ErasureState.OPEN)
    assert erasure.counts == {}
    code = f"https://vestlus.test/data-deletion/{erasure.code}"
    assert last == f"{say(Phrase.DELETE_LATER, 'et')}\n{code}"
    assert (await row(world)).note == f"{WANTS_ERASURE} ({erasure.code}): jah"
    assert [(one.conversation, one.note) for one in world.handed_over] == [
        (CONVERSATION, (await row(world)).note)
    ]
    assert "Minu saladus" in [one.text for one in (await row(world)).history]
    assert len(assistant.asked) == 1

    await world.store.release_conversation(CONVERSATION)
    await world.write("u", "Palun kustuta minu andmed")
    await world.said("u", 8)
    await world.write("u", "Jah!")

    async def gone() -> bool:
        return CONVERSATION not in await world.store.load([CONVERSATION], 1)

    await until(gone)
    assert await traces(world.store, "saladus") == []


async def test_a_yes_to_something_else_erases_nothing(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "kustuta minu andmed")
    await world.said("u", 2)
    await world.write("u", "Mis kell te avate?")
    await world.said("u", 4)
    await world.write("u", "jah")
    await world.said("u", 6)
    await world.write("u", "Palun kustuta minu andmed")
    await world.said("u", 8)
    await world.deliver(echo("Kas teil on veel küsimusi?"))
    await silent(world, Silence.PERSON)
    await world.write("u", "Jah, palun")
    await passed_by(world)
    assert len((await row(world)).pending) == 1
    assert await world.privacy.erasures() == ()


async def test_an_erasure_whose_turn_is_stopped_meanwhile_is_done_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = slow_erasing(monkeypatch)
    labels = {"account": ACCOUNT, "outcome": "erased"}
    before = measured("vestlus_turns_total", **labels)
    host = await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "kustuta minu andmed")
    await world.said("u", 2)
    await world.write("u", "Jah!")
    async with asyncio.timeout(15):
        await begun.wait()
    for name in list(world.leases):
        await host.let_go(name, 0)
    assert host.counts().erased == 0
    go.set()
    await until(lambda: _true(host.counts().erased == 1))
    assert measured("vestlus_turns_total", **labels) == before + 1
    (erasure,) = await world.privacy.erasures()
    assert erasure.state is ErasureState.ERASED
    [entry] = await world.store.audit_entries(action="user.erase")
    assert (entry.person, entry.way, entry.outcome) == ("the user", "chat", "done")
    assert entry.target == erasure.code


async def test_a_turn_under_way_when_its_user_is_erased_says_nothing(world: World) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    host = await world.host(assistant, account=account())
    await world.write("u", "Minu saladus")
    await until(lambda: _true(bool(assistant.asked)))

    await world.privacy.erase(ACCOUNT, "u", by="mari", way=Way.CLI)
    await until(lambda: _true(host.counts().thinking == 0))
    assistant.gate.set()

    await passed_by(world)
    assert host.conversations.live == 1, "only the passer-by is in memory"
    assert await traces(world.store, "saladus") == []
    assert await world.sends("u") == []


async def _true(value: bool) -> bool:  # noqa: FBT001 - a condition
    return value


async def test_a_wish_for_ones_data_goes_to_people(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account())
    await world.write("u", "Palun saatke mulle minu andmed")
    await world.said("u", 2)
    assert (await row(world)).note.startswith(WANTS_DATA)
    assert [one.conversation for one in world.handed_over] == [CONVERSATION]


async def test_nobody_but_the_user_ends_a_stop(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant, account=account(pause_minutes=0.005))
    await world.write("u", "STOP")
    await world.said("u", 2)
    await world.deliver(echo("Siin Mari, kas kõik on korras?"))
    await act(world, Act.HAND_BACK)
    await world.write("u", "Ei, jätke mind rahule.")
    # A person's pause that begins later is over, as that one would be.
    await world.deliver(echo("Siin Mari.", user=OTHER))
    await passed_by(world, said=3)
    assert asked_by_the_user(assistant) == []
    assert (await row(world)).silence is Silence.STOPPED


async def test_an_apology_is_not_made_twice(world: World) -> None:
    def fails(_: Question) -> str:
        raise AssistantInvalid("malformed_reply")

    await world.host(ScriptedAssistant(fails), account=account(pause_minutes=0.005))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    await world.write("u", "Halloo?")
    await world.said("u", 3)
    await passed_by(world)
    assert len(await world.history("u")) == 3
    waiting = await world.store.conversations(limit=5, waiting=True)
    assert {one.user for one in waiting} == {"u", OTHER}


async def test_a_draft_waits_for_a_yes(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    assert await world.sends("u") == []
    (draft,) = await world.store.drafts(limit=5)
    await act(world, Act.APPROVE, turn=draft.turn)
    await until(lambda: world.sends("u"))
    (send,) = await world.sends("u")
    assert send.text == "Tere!"


async def test_a_draft_is_sent_in_the_words_of_who_approves_it(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (draft,) = await world.store.drafts(limit=5)
    await act(world, Act.APPROVE, turn=draft.turn, text="Tere tulemast!")
    await until(lambda: world.sends("u"))
    (send,) = await world.sends("u")
    assert send.text == "Tere tulemast!"
    assert await world.history("u") == ["Tere!", "Tere tulemast!"]


async def test_a_rejected_draft_was_never_said(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (draft,) = await world.store.drafts(limit=5)
    await act(world, Act.REJECT, turn=draft.turn)

    async def gone() -> bool:
        return not await world.store.drafts(limit=5)

    await until(gone)
    assert await world.history("u") == ["Tere!"]


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


@pytest.mark.parametrize(
    ("concern", "waits"),
    [
        (Concern.EMERGENCY, True),
        (Concern.UNSAFE_MESSAGES, False),
        (Concern.UNSAFE_ANSWER, True),
        (Concern.NOT_MODERATED, True),
    ],
)
async def test_a_concern_is_answered_by_a_fixed_text_and_people_where_it_needs_them(
    world: World, concern: Concern, *, waits: bool
) -> None:
    reply = Reply(parts=(), concern=concern)
    await world.host(ScriptedAssistant(lambda _: reply), account=account())
    await world.write("u", "…")
    (_, said) = await world.said("u", 2)
    assert said
    assert bool(await world.store.conversations(limit=5, waiting=True)) is waits


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


async def test_working_hours_are_told_when_nobody_is_there(world: World) -> None:
    nobody = account(working_hours=("Mon 03:00-03:01",), timezone="UTC")
    await world.host(ScriptedAssistant(), account=nobody)
    await world.write("u", "Soovin rääkida inimesega")
    (_, said) = await world.said("u", 2)
    assert "3" in said


async def test_no_wish_of_a_burst_is_lost_in_another(world: World) -> None:
    slow = replace(FAST, burst=BurstPolicy(longest_ms=600))
    await world.host(ScriptedAssistant(), account=account(), policies=slow)
    await world.write("u", "Minu saladus", "kustuta minu andmed", "STOP")
    await silent(world, Silence.STOPPED)
    # The confirmation of the stop cancels the question, and so asks it again.
    assert say(Phrase.DELETE_ASK, "et") in (await world.history("u"))[-1]
    await world.write("u", "jah")

    async def gone() -> bool:
        return CONVERSATION not in await world.store.load([CONVERSATION], 1)

    await until(gone)


async def test_danger_is_answered_and_shown_to_people_whatever_else_is_said(world: World) -> None:
    slow = replace(FAST, burst=BurstPolicy(longest_ms=600))
    host = await world.host(ScriptedAssistant(), account=account(), policies=slow)
    await world.write("u", "I want to kill myself", "STOP")
    await silent(world, Silence.STOPPED)
    assert host.counts().handed_over == 1
    (waiting,) = await world.store.conversations(limit=5, waiting=True)
    assert waiting.user == "u"


async def test_danger_while_a_person_has_the_conversation_is_shown_to_people(
    world: World,
) -> None:
    host = await world.host(ScriptedAssistant(), account=account())
    await world.deliver(echo("Siin Mari."))
    await silent(world, Silence.PERSON)
    await world.write("u", "I want to kill myself")

    async def shown() -> bool:
        waiting = await world.store.conversations(limit=5, waiting=True)
        return bool(waiting) and host.counts().handed_over == 1

    await until(shown)
    assert await world.sends("u") == []
    assert (await row(world)).silence is Silence.PERSON


async def test_what_needs_no_model_waits_for_none(world: World) -> None:
    def fails(_: Question) -> str:
        raise AssistantInvalid("malformed_reply")

    patient = replace(FAST, failure=FailurePolicy(most=9, first_wait_ms=60_000))
    await world.host(ScriptedAssistant(fails), account=account(), policies=patient)
    await world.write("u", "Tere!")

    async def put_off() -> bool:
        rows = await world.store.load([CONVERSATION], 1)
        return CONVERSATION in rows and rows[CONVERSATION].failures == 1

    await until(put_off)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)


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


async def test_who_starts_again_with_a_question_is_not_ignored_when_the_model_fails(
    world: World,
) -> None:
    def fails(_: Question) -> str:
        raise AssistantInvalid("malformed_reply")

    slow = replace(FAST, burst=BurstPolicy(longest_ms=400))
    await world.host(ScriptedAssistant(fails), account=account(), policies=slow)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await world.write("u", "START", "Mis kell te avate?")
    await silent(world, Silence.HANDOVER)


async def test_after_stop_nothing_that_was_decided_before_is_sent(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (draft,) = await world.store.drafts(limit=5)
    await world.write("u", "STOP")
    await silent(world, Silence.STOPPED)
    await act(world, Act.APPROVE, turn=draft.turn)
    # It comes after the approval, and shows when it was heeded.
    await world.write("u", "START")
    await silent(world, Silence.NONE)
    assert await world.store.drafts(limit=5) == ()
    assert "Tere!" not in [one.text for one in await world.sends("u")]


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


async def test_a_persons_echo_does_not_swallow_a_wish(world: World) -> None:
    slow = replace(FAST, burst=BurstPolicy(longest_ms=500))
    await world.host(ScriptedAssistant(), account=account(), policies=slow)
    await world.write("u", "STOP")
    await world.deliver(echo("Siin Mari."))
    await silent(world, Silence.STOPPED)
