"""Echoes of which it cannot be told at once whose they are."""

from __future__ import annotations

import asyncio

from tests.contract.store_support import (
    ACCOUNT,
    ANNA_AGAIN,
    INBOX,
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
    rival,
    said,
    step,
    store,
    texts,
    walk,
)
from vestlus.conversation.events import Event
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    Change,
    EventState,
    Lease,
    NewEvent,
    NewSend,
    RecentSend,
    Settled,
    Silence,
    TransitionResult,
)

__all__ = ["rival", "store"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
SENT = SendState.SENT
ID = conversation_id(ACCOUNT, "user")
UNTIL_MS = 10_000


def unclear(event: Event) -> NewEvent:
    """The echo as it is recorded when it may be of a send under way."""
    return new(event, Change(held_until_ms=UNTIL_MS), state=EventState.UNDETERMINED)


async def recent(store: Store, since_ms: int = 0, user: str = "user") -> list[RecentSend]:
    """What was sent to a user since then."""
    id_ = conversation_id(ACCOUNT, user)
    return list((await store.recent_sends([id_], since_ms)).get(id_, ()))


async def may_begin(store: Store, outbox: Lease, send: NewSend) -> bool:
    """Whether a request for the row may begin; it is given back at once."""
    (result,) = await store.transition(outbox, [step(send, PENDING, SENDING, at_ms=50)])
    if result is TransitionResult.DONE:
        await walk(store, outbox, [step(send, SENDING, PENDING)])
    return result is TransitionResult.DONE


async def test_undetermined_echoes_are_told_oldest_first_and_hold_the_bot(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    other = await hold(store, "inbox.2")
    (waits,) = await answered(store, inbox, "Tere!")
    echoes = [echo(mid=f"e-{n}", text=str(n)) for n in range(3)]

    added = await recorded(store, inbox, *(unclear(one) for one in echoes), echo())

    assert [one.state for one in added] == [*[EventState.UNDETERMINED] * 3, EventState.NOTED]
    assert await store.undetermined(inbox) == tuple(added[:3])
    assert await store.undetermined(other) == ()
    assert (await store.counts()).events["echo/undetermined"] == 3
    assert not await may_begin(store, outbox, waits)


async def test_a_hold_ends_when_the_last_echo_is_settled(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (waits,) = await answered(store, inbox, "Tere!")
    (jaans,) = await answered(store, inbox, "Tere!", user="jaan")
    first, second, third = await recorded(
        store, inbox, unclear(echo()), unclear(echo()), unclear(echo("jaan"))
    )

    await store.settle(inbox, [Settled(seq=first.seq, conversation=ID)], 1)
    assert not await may_begin(store, outbox, waits)
    await store.settle(inbox, [Settled(seq=second.seq, conversation=ID)], 2)

    assert await may_begin(store, outbox, waits)
    assert not await may_begin(store, outbox, jaans)
    assert [one.seq for one in await store.undetermined(inbox)] == [third.seq]
    assert (await store.counts()).events["echo/noted"] == 2


async def test_an_echo_that_turns_out_to_be_ours_is_noted_with_its_send(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (one,) = await answered(store, inbox, "Tere!")
    await walk(store, outbox, path(one, SENDING))
    (held,) = await recorded(store, inbox, unclear(echo(mid="e-1")))
    version = (await conversation(store)).version
    ours = Settled(seq=held.seq, conversation=ID, echo_of=one.id, mid="e-1")

    await store.settle(inbox, [ours], 1)

    assert [row.echo_mid for row in await recent(store)] == ["e-1"]
    assert (await conversation(store)).version == version
    assert await texts(store) == ["Tere!", "Tere!"]


async def test_an_echo_that_turns_out_to_be_a_persons_silences_the_bot(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (one,) = await answered(store, inbox, "Automaat", asked=message(text="Esimene"))
    await recorded(store, inbox, message(text="Teine"))
    (held,) = await recorded(store, inbox, unclear(echo()))
    await recorded(store, inbox, message(text="Kolmas"))
    change = Change(
        silence=Silence.PERSON,
        silent_until_ms=99,
        cancel_sends=True,
        answers_all=True,
        history=(said("Inimene"),),
    )
    persons = Settled(seq=held.seq, conversation=ID, change=change)

    await store.settle(inbox, [persons, persons], 5)
    await store.settle(inbox, [persons], 6)

    row = await conversation(store)
    assert (row.silence, row.silent_until_ms) == (Silence.PERSON, 99)
    assert await texts(store) == ["Esimene", "Teine", "Inimene"]
    assert [item.event.text for item in row.pending] == ["Kolmas"]
    assert await store.undetermined(inbox) == ()
    assert not await may_begin(store, outbox, one)


async def test_what_is_settled_already_or_was_never_unclear_changes_nothing(store: Store) -> None:
    inbox = await hold(store)
    (plain,) = await recorded(store, inbox, message())
    (unclear_one,) = await recorded(store, inbox, unclear(echo("jaan")))
    before = await conversation(store), await conversation(store, "jaan")
    change = Change(note="wrong")

    await store.settle(inbox, [], 1)
    for seq, owner in ((plain.seq, ID), (unclear_one.seq, ID), (999_999, ID), (1, "nobody")):
        await store.settle(inbox, [Settled(seq=seq, conversation=owner, change=change)], 1)

    assert (await conversation(store), await conversation(store, "jaan")) == before
    assert [one.seq for one in await store.undetermined(inbox)] == [unclear_one.seq]


async def test_an_echo_is_settled_once_however_many_settle_it(store: Store, rival: Store) -> None:
    inbox = await hold(store)
    (held,) = await recorded(store, inbox, unclear(echo()))
    version = (await conversation(store)).version
    persons = Settled(seq=held.seq, conversation=ID, change=Change(history=(said("Inimene"),)))

    await asyncio.gather(*(one.settle(inbox, [persons], 1) for one in (store, rival) * 3))

    assert await texts(store) == ["Inimene"]
    assert (await conversation(store)).version == version + 1


async def test_what_is_undetermined_outlives_its_holder(store: Store, rival: Store) -> None:
    inbox = await hold(store)
    (held,) = await recorded(store, inbox, unclear(echo()))
    await changed(store, inbox, Change(note="n"))

    again = await hold(rival, INBOX, ANNA_AGAIN)

    assert [one.seq for one in await rival.undetermined(again)] == [held.seq]
