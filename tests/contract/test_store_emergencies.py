"""What somebody in danger is told is sent, though they say stop before it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.store_support import (
    answered,
    changed,
    conversation,
    hold,
    hold_outbox,
    message,
    path,
    recorded,
    send,
    step,
    store,
    texts,
    turn,
    unfinished,
    walk,
)
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    EMERGENCY_FROM,
    MOST_SENDS,
    After,
    Change,
    CommitResult,
    ConversationRow,
    Lease,
    NewSend,
    Silence,
    TransitionResult,
    TurnCommit,
    stopped_until_ms,
)

__all__ = ["store"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
SENT = SendState.SENT
SILENCED = TransitionResult.SILENCED

HELP = "Helista 112."


def help_turn(lease: Lease, row: ConversationRow) -> TurnCommit:
    """A turn that tells somebody in danger what they can do."""
    place = EMERGENCY_FROM
    told = send(
        id=f"{row.id}.{row.version}.{place}",
        position=row.version * MOST_SENDS + place,
        text=HELP,
        turn=row.version,
    )
    return turn(lease, row, history=[HistoryMessage(Role.ASSISTANT, HELP, 2)], sends=[told])


def stop_turn(lease: Lease, row: ConversationRow) -> TurnCommit:
    """A turn that confirms a stop."""
    confirmed = send(
        id=f"{row.id}.{row.version}.0",
        position=row.version * MOST_SENDS,
        text="Selge.",
        turn=row.version,
    )
    after = After(silence=Silence.STOPPED, silent_until_ms=stopped_until_ms(0), cancel_sends=True)
    said = [HistoryMessage(Role.ASSISTANT, "Selge.", 3)]
    return turn(lease, row, history=said, sends=[confirmed], after=after)


async def helped(store: Store, lease: Lease) -> NewSend:
    """Somebody in danger has been told; the row of the ledger."""
    await recorded(store, lease, message())
    one = help_turn(lease, await conversation(store))
    assert await store.commit_turns([one], 20) == [CommitResult.COMMITTED]
    return one.sends[0]


async def stopped(store: Store, lease: Lease) -> NewSend:
    """They have said stop; the confirmation."""
    await recorded(store, lease, message())
    stop = stop_turn(lease, await conversation(store))
    assert await store.commit_turns([stop], 21) == [CommitResult.COMMITTED]
    return stop.sends[0]


async def test_a_stop_leaves_what_somebody_in_danger_is_told_and_cancels_the_rest(
    store: Store,
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await answered(store, inbox, "Avame kell 9.")
    told = await helped(store, inbox)
    await answered(store, inbox, "Ja sulgeme kell 17.")

    confirmed = await stopped(store, inbox)

    assert (await store.counts()).sends == {"cancelled": 2, "pending": 2}
    assert await texts(store) == ["Tere!", HELP, "Tere!", "Selge."]
    assert [one.text for one in await unfinished(store)] == [HELP]
    await walk(store, outbox, [*path(told, SENDING, SENT), *path(confirmed, SENDING, SENT)])


async def test_a_stop_in_the_same_transaction_leaves_it_too(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await recorded(store, inbox, message(), message())
    row = await conversation(store)
    one, other = ((pending,) for pending in row.pending)
    later = replace(row, version=row.version + 1, pending=other)
    pair = [help_turn(inbox, replace(row, pending=one)), stop_turn(inbox, later)]

    assert await store.commit_turns(pair, 20) == [CommitResult.COMMITTED] * 2

    assert await texts(store) == [HELP, "Selge."]
    await walk(store, outbox, path(pair[0].sends[0], SENDING, SENT))


@pytest.mark.parametrize("states", [[SENDING], [SENDING, LOOKING]])
async def test_what_was_begun_before_the_stop_is_begun_again(
    store: Store, states: list[SendState]
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (before,) = await answered(store, inbox, "Avame kell 9.", user="user")
    await walk(store, outbox, path(before, SENDING))
    told = await helped(store, inbox)
    await walk(store, outbox, path(told, *states))
    await stopped(store, inbox)

    await walk(store, outbox, [step(told, states[-1], PENDING)])
    await walk(store, outbox, path(told, SENDING, SENT))

    # What was decided before it is not begun again.
    await walk(store, outbox, [step(before, SENDING, PENDING)])
    assert await store.transition(outbox, path(before, SENDING)) == [SILENCED]


async def test_a_person_who_has_the_conversation_cancels_it_as_everything_else(
    store: Store,
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await helped(store, inbox)
    await stopped(store, inbox)

    await changed(store, inbox, Change(cancel_sends=True))

    assert (await store.counts()).sends == {"cancelled": 2}
    told = await helped(store, inbox)
    await walk(store, outbox, path(told, SENDING))
    await changed(store, inbox, Change(cancel_sends=True))
    await stopped(store, inbox)
    await walk(store, outbox, [step(told, SENDING, PENDING)])
    # The stop that came after the person lets nothing through that the person held back.
    assert await store.transition(outbox, path(told, SENDING)) == [SILENCED]
