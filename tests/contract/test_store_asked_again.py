"""What a cancelled answer was to answer is asked again, and what went with it is not remembered."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.store_support import (
    answered,
    changed,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    new,
    path,
    recorded,
    store,
    texts,
    turn,
    walk,
)
from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    Change,
    CommitResult,
    EventState,
    Lease,
    NewSend,
    Settled,
)

__all__ = ["store"]

PENDING, SENDING, SENT = SendState.PENDING, SendState.SENDING, SendState.SENT

TAKE_OVER = Change(cancel_sends=True)
REPLY = HistoryMessage(Role.OPERATOR, "Mina vastan.", 9, "reply")
PERSONS = Change(cancel_sends=True, answers_all=True, history=(REPLY,))


async def asked_and_answered(
    store: Store, lease: Lease, text: str, *parts: str, **fields: object
) -> tuple[Event, list[NewSend]]:
    """A question with this text, and the sends of its answer."""
    asked = message(text=text)
    sends = await answered(
        store,
        lease,
        *(parts or ("Vastus.",)),
        asked=asked,
        answers=(asked.mid,),
        **fields,  # type: ignore[arg-type]
    )
    return asked, sends


async def waiting(store: Store) -> list[str | None]:
    """The texts of what is unanswered."""
    return [one.event.text for one in (await conversation(store)).pending]


async def test_what_a_takeover_leaves_unanswered_waits_again(store: Store) -> None:
    lease = await hold(store)
    await asked_and_answered(store, lease, "Mis kell?", "Üheksa.", "Või kümme.")
    await asked_and_answered(store, lease, "Kus?", draft=True)

    await changed(store, lease, TAKE_OVER)

    assert await waiting(store) == ["Mis kell?", "Kus?"]
    assert await texts(store) == []
    await answered(store, lease, "Üheksa, Tartus.")
    assert await texts(store) == ["Mis kell?", "Kus?", "Tere!", "Üheksa, Tartus."]
    assert await waiting(store) == []


async def test_what_was_answered_in_part_is_not_asked_again(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    _, (first, _) = await asked_and_answered(store, inbox, "Mis kell?", "Üheksa.", "Või kümme.")
    await walk(store, outbox, path(first, SENDING, SENT))

    await changed(store, inbox, TAKE_OVER)

    assert await waiting(store) == []
    assert await texts(store) == ["Mis kell?", "Üheksa.\n\nVõi kümme."]


async def test_a_message_that_was_taken_back_is_not_asked_again(store: Store) -> None:
    inbox = await hold(store)
    gone, _ = await asked_and_answered(store, inbox, "Salajane")
    await changed(store, inbox, Change(removed_mid=gone.mid))
    await changed(store, inbox, TAKE_OVER)
    assert await waiting(store) == []


async def test_without_a_mid_or_of_another_conversation_nothing_is_asked_again(
    store: Store,
) -> None:
    lease = await hold(store)
    jaans = message("jaan", text="Jaani oma")
    await answered(store, lease, "Jaanile", user="jaan", asked=jaans)
    answers = (str(jaans.mid), "unheard of", "\x00")
    await answered(store, lease, "Üks.", asked=replace(message(), mid=None), answers=answers)

    await changed(store, lease, TAKE_OVER)

    assert await waiting(store) == []
    assert await texts(store) == ["Tere!"]
    assert (await conversation(store, "jaan")).pending == ()


async def test_whoever_answers_everything_has_answered_what_was_asked_before(store: Store) -> None:
    lease = await hold(store)
    await asked_and_answered(store, lease, "Mis kell?")

    await recorded(store, lease, new(echo(), PERSONS))

    assert await waiting(store) == []
    assert await texts(store) == ["Mis kell?", "Mina vastan."]


async def test_what_was_asked_after_a_persons_echo_that_settles_later_is_asked_again(
    store: Store,
) -> None:
    lease = await hold(store)
    await asked_and_answered(store, lease, "Enne")
    unclear = new(echo(), Change(rethink=False), state=EventState.UNDETERMINED)
    (undetermined,) = await recorded(store, lease, unclear)
    await asked_and_answered(store, lease, "Pärast")

    settled = Settled(
        seq=undetermined.seq, conversation=(await conversation(store)).id, change=PERSONS
    )
    await store.settle(lease, [settled], 50)

    assert await waiting(store) == ["Pärast"]
    assert await texts(store) == ["Enne", "Mina vastan."]


async def test_a_persons_answer_does_not_carry_out_commands(store: Store) -> None:
    lease = await hold(store)
    said = ["Mis kell?", "STOP", "delete my data", "start", "Stop by tomorrow?"]
    batch = [message(text=text) for text in said]

    added = await recorded(store, lease, *batch, new(echo(), PERSONS))

    assert await waiting(store) == ["STOP", "delete my data", "start"]
    assert [one.state for one in added] == [
        EventState.ANSWERED,
        *[EventState.PENDING] * 3,
        *(EventState.ANSWERED, EventState.NOTED),
    ]
    assert await texts(store) == ["Mis kell?", "Stop by tomorrow?", "Mina vastan."]


async def test_a_change_may_leave_turns_under_way_alone(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    under_way = turn(lease, await conversation(store))

    await changed(store, lease, Change(rethink=False, history=(REPLY,)))

    assert (await conversation(store)).version == under_way.version
    assert await store.commit_turns([under_way], 1) == [CommitResult.COMMITTED]
    assert await texts(store) == ["Mina vastan."]
