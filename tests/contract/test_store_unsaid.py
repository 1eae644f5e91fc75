"""What the user will never see is not remembered as said, shown or disclosed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    hold,
    hold_outbox,
    message,
    path,
    recorded,
    step,
    store,
    texts,
    turn,
    unfinished,
    walk,
)
from tests.contract.test_store_asked_again import TAKE_OVER, asked_and_answered, waiting
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    After,
    Change,
    CommitResult,
    Kind,
    Lease,
    NewSend,
)

__all__ = ["store"]

PENDING, SENDING, SENT = SendState.PENDING, SendState.SENDING, SendState.SENT
DEAD = SendState.DEAD


async def remembers(store: Store, lease: Lease, *pictures: str) -> None:
    """A turn notes that it disclosed itself, and which pictures were sent."""
    after = After(disclosed_ms=7, pictures=pictures)
    commit = turn(lease, await conversation(store), after=after)
    assert await store.commit_turns([commit], 1) == [CommitResult.COMMITTED]


@pytest.mark.parametrize("states", [[DEAD], [SENDING, DEAD]])
async def test_what_died_unseen_is_unsaid(store: Store, states: list[SendState]) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    first, second = await answered(store, inbox, "Üks.", "Kaks.")
    version = (await conversation(store)).version

    await walk(store, outbox, path(first, *states))
    assert await texts(store) == ["Tere!", "Üks.\n\nKaks."]
    assert (await conversation(store)).version == version
    await walk(store, outbox, path(second, *states))

    assert await texts(store) == ["Tere!"]
    assert (await conversation(store)).version == version + 1
    assert len(await store.dead_letters(limit=9)) == 2


async def test_what_died_after_a_part_was_seen_stays_said(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    first, second = await answered(store, inbox, "Üks.", "Kaks.")

    await walk(store, outbox, [*path(first, SENDING, SENT), *path(second, SENDING, DEAD)])

    assert await texts(store) == ["Tere!", "Üks.\n\nKaks."]


@pytest.mark.parametrize("way", ["taken over", "rejected", "dead", "stopped"])
async def test_what_is_unsaid_counts_as_neither_disclosed_nor_shown(store: Store, way: str) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (seen,) = await answered(store, inbox, "", kind=Kind.PICTURES, pictures=("maja", "kaart"))
    await walk(store, outbox, path(seen, SENDING, SENT))
    is_draft = way == "rejected"
    (lost,) = await answered(
        store, inbox, "", kind=Kind.PICTURES, pictures=("uks", "maja"), draft=is_draft
    )
    await remembers(store, inbox, "maja", "kaart", "uks")

    match way:
        case "taken over":
            await changed(store, inbox, TAKE_OVER)
        case "rejected":
            await changed(store, inbox, Change(rejected_turn=lost.turn))
        case "dead":
            await walk(store, outbox, path(lost, SENDING, DEAD))
        case _:
            stop = turn(inbox, await conversation(store), after=After(cancel_sends=True))
            assert await store.commit_turns([stop], 1) == [CommitResult.COMMITTED]

    row = await conversation(store)
    assert (row.disclosed_ms, row.pictures) == (0, ("maja", "kaart"))


async def test_what_unsays_nothing_leaves_what_was_disclosed_and_shown(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (seen,) = await answered(store, inbox, "Tere!")
    await walk(store, outbox, path(seen, SENDING, SENT))
    await remembers(store, inbox, "maja")

    await changed(store, inbox, TAKE_OVER)

    row = await conversation(store)
    assert (row.disclosed_ms, row.pictures) == (7, ("maja",))


async def test_a_turn_may_stop_what_earlier_ones_decided_and_say_so(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    _, (begun,) = await asked_and_answered(store, inbox, "Esimene?", "Esimene.")
    await walk(store, outbox, path(begun, SENDING))
    await asked_and_answered(store, inbox, "Teine?", "Teine.")
    await asked_and_answered(store, inbox, "Kolmas?", "Kolmas.", draft=True)
    await answered(store, inbox, "Jaanile", user="jaan")

    after = After(cancel_sends=True, disclosed_ms=9, pictures=("maja",))
    (confirmation,) = await stopped(store, inbox, after)

    assert await texts(store) == ["Esimene?", "Esimene.", "Teine?", "Kolmas?"]
    assert await waiting(store) == []
    row = await conversation(store)
    assert (row.disclosed_ms, row.pictures) == (9, ("maja",))
    assert (await store.counts()).sends == {"sending": 1, "pending": 2, "cancelled": 2}
    await walk(store, outbox, [step(begun, SENDING, PENDING, due_ms=1)])
    again = step(begun, PENDING, SENDING)
    assert [one.name for one in await store.transition(outbox, [again])] == ["SILENCED"]
    await walk(store, outbox, path(confirmation, SENDING, SENT))


async def stopped(store: Store, lease: Lease, after: After) -> list[NewSend]:
    """A user says stop, and a turn confirms it; its sends."""
    await recorded(store, lease, message(text="STOP"))
    row = await conversation(store)
    (confirmation,) = sends = [_confirmation(row.id, row.version)]
    commit = turn(lease, row, sends=[confirmation], after=after)
    assert await store.commit_turns([commit], 20) == [CommitResult.COMMITTED]
    return sends


def _confirmation(conversation_id: str, version: int) -> NewSend:
    return NewSend(
        id=f"{conversation_id}.{version}.0",
        account=ACCOUNT,
        user="user",
        conversation=conversation_id,
        position=version * 1000,
        text="Hea küll.",
        answers=(),
        due_ms=5,
        deadline_ms=1_000,
        turn=version,
    )


async def test_a_stop_cancels_what_a_turn_of_its_own_group_decided(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    row = await conversation(store)
    said = HistoryMessage(Role.ASSISTANT, "Esimene.", 2)
    first = turn(
        lease,
        row,
        history=[said],
        sends=[_confirmation(row.id, row.version)],
        after=After(disclosed_ms=5, pictures=("maja",)),
    )
    later = replace(row, version=row.version + 1, pending=())
    confirmation = _confirmation(row.id, later.version)
    stop = turn(lease, later, sends=[confirmation], after=After(cancel_sends=True))

    assert await store.commit_turns([first, stop], 1) == [CommitResult.COMMITTED] * 2

    assert await texts(store) == []
    row = await conversation(store)
    assert (row.disclosed_ms, row.pictures, row.version) == (0, (), 2)
    assert [one.turn for one in await unfinished(store)] == [1]
    assert (await store.counts()).sends == {"pending": 1, "cancelled": 1}
