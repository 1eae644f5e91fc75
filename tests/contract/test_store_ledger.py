from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    ANNA_AGAIN,
    OUTBOX,
    conversation,
    hold,
    hold_outbox,
    message,
    path,
    promise,
    recorded,
    send,
    step,
    store,
    turn,
    unfinished,
    walk,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id, outbox_partition_of
from vestlus.store.ledger import SendState
from vestlus.store.names import outbox_lease
from vestlus.store.port import Store
from vestlus.store.rows import DeadLetter, LettersWanted, TransitionResult

__all__ = ["store"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
SENT, DEAD, UNKNOWN = SendState.SENT, SendState.DEAD, SendState.UNKNOWN
DONE, STALE = TransitionResult.DONE, TransitionResult.STALE


async def test_each_user_has_one_send_at_a_time_in_order(store: Store) -> None:
    one, two, three = (send("mari", position=n) for n in (3, 1, 2))
    await promise(store, one, two, three)
    lease = await hold_outbox(store)

    seen = []
    while rows := await unfinished(store):
        assert len(rows) == 1
        seen.append(rows[0].id)
        found = next(x for x in (one, two, three) if x.id == rows[0].id)
        await walk(store, lease, path(found, SENDING, SENT))
    assert seen == [two.id, three.id, one.id]


@pytest.mark.parametrize("state", [PENDING, SENDING, LOOKING])
async def test_what_is_unfinished_holds_up_the_users_later_sends(
    store: Store, state: SendState
) -> None:
    first, second = send(position=1), send(position=2)
    await promise(store, first, second)
    steps = {PENDING: [SENDING, PENDING], SENDING: [SENDING], LOOKING: [SENDING, LOOKING]}[state]
    await walk(store, await hold_outbox(store), path(first, *steps))

    assert [(row.id, row.state) for row in await unfinished(store)] == [(first.id, state)]


@pytest.mark.parametrize("states", [[SENDING, SENT], [DEAD], [SENDING, LOOKING, UNKNOWN]])
async def test_what_is_finished_holds_up_nothing(store: Store, states: list[SendState]) -> None:
    first, second = send(position=1), send(position=2)
    await promise(store, first, second)
    await walk(store, await hold_outbox(store), path(first, *states))

    assert [row.id for row in await unfinished(store)] == [second.id]
    assert (await store.counts()).sends == {states[-1]: 1, PENDING: 1}


async def test_the_nearest_deadline_comes_first_and_the_limit_holds(store: Store) -> None:
    sends = [send(f"user-{n}", deadline_ms=d) for n, d in enumerate((30, 10, 20, 40))]
    await promise(store, *sends)

    assert [row.deadline_ms for row in await unfinished(store)] == [10, 20, 30, 40]
    assert [row.deadline_ms for row in await unfinished(store, limit=2)] == [10, 20]


async def test_rows_that_are_not_due_are_told_too(store: Store) -> None:
    await promise(store, send(due_ms=9_999_999_999_999))

    assert [row.due_ms for row in await unfinished(store)] == [9_999_999_999_999]


async def test_ids_restrict_to_their_conversations_and_give_the_first_of_each(
    store: Store,
) -> None:
    first, second = send("mari", position=1), send("mari", position=2)
    other = send("jaan")
    await promise(store, first, second, other)

    assert [row.id for row in await unfinished(store, ids=[second.id])] == [first.id]
    assert await unfinished(store, ids=[]) == ()
    assert await unfinished(store, ids=["unheard of"]) == ()


async def test_an_outbox_holds_its_own_accounts_only(store: Store) -> None:
    account = next(name for name in map(str, range(50)) if outbox_partition_of(name, 2) != OUTBOX)
    mine, theirs = send(), send(account=account)
    await promise(store, mine, theirs)

    assert [row.id for row in await unfinished(store)] == [mine.id]
    assert [row.id for row in await unfinished(store, ids=[theirs.id])] == []
    assert [row.id for row in await store.unfinished(1 - OUTBOX, limit=9)] == [theirs.id]
    lease = await hold_outbox(store)
    assert await store.transition(lease, [step(theirs, PENDING, DEAD)]) == [STALE]


async def test_accounts_that_are_left_out_take_no_place_of_the_limit(store: Store) -> None:
    names = [name for name in map(str, range(50)) if outbox_partition_of(name, 2) == OUTBOX]
    sends = [send(account=name, deadline_ms=n) for n, name in enumerate(names[:4])]
    await promise(store, *sends)

    async def accounts(**how: object) -> list[str]:
        rows = await store.unfinished(OUTBOX, **{"limit": 9, **how})  # type: ignore[arg-type]
        return [row.account for row in rows]

    assert await accounts() == names[:4]
    assert await accounts(without_accounts=()) == names[:4]
    assert await accounts(without_accounts=[names[1], "unheard of"]) == [names[0], *names[2:4]]
    assert await accounts(without_accounts=set(names[:2]), limit=1) == [names[2]]
    ids = [sends[0].id, sends[2].id, sends[3].id]
    assert await accounts(without_accounts=names[:3], ids=ids) == [names[3]]
    assert await accounts(without_accounts=names[:4], ids=ids) == []


async def test_a_new_holder_looks_at_what_was_being_sent(store: Store) -> None:
    pending, sending, looking = (send(f"user-{n}") for n in range(3))
    await promise(store, pending, sending, looking)
    await walk(
        store,
        await hold_outbox(store),
        [*path(sending, SENDING), *path(looking, SENDING, LOOKING)],
    )
    lease = (await store.acquire([outbox_lease(OUTBOX)], ANNA_AGAIN, 60))[outbox_lease(OUTBOX)]

    assert await store.recover(lease, 99) == 1
    assert await store.recover(lease, 99) == 0

    states = {row.id: row.state for row in await unfinished(store)}
    assert states == {pending.id: PENDING, sending.id: LOOKING, looking.id: LOOKING}


async def test_letters_are_added_once_and_given_newest_first(store: Store) -> None:
    letters = [
        DeadLetter(id=f"x{n}", source="inbox", reason="json", body=b"\x00\xff", at_ms=n)
        for n in range(5)
    ]
    await store.bury([*letters, letters[0]])
    await store.bury([replace(letters[1], reason="other")])
    await store.bury([])

    assert await store.dead_letters(limit=9) == tuple(reversed(letters))
    assert await store.dead_letters(limit=2) == (letters[4], letters[3])
    assert await store.dead_letters(limit=2, wanted=LettersWanted(before_ms=3)) == (
        letters[2],
        letters[1],
    )


async def test_echoes_that_no_row_claims_are_told_oldest_first(store: Store) -> None:
    inbox = await hold(store)
    new = send("mari")
    await promise(store, new)
    echo = message("mari", kind=EventKind.ECHO)
    echoes = [
        replace(echo, key=f"e{n}", mid=f"echo-{n}", timestamp_ms=t, text=f"text {n}")
        for n, t in enumerate((300, 100, 200, 99))
    ]
    await recorded(store, inbox, *echoes, message("mari"), message("jaan", kind=EventKind.ECHO))
    await recorded(store, inbox, replace(echo, key="no mid", mid=None))
    steps = path(new, SENDING, SENT, sent_mid="echo-2")
    await walk(store, await hold_outbox(store), steps)

    found = await store.unclaimed_echoes(conversation_id(ACCOUNT, "mari"), 100, of="another")

    assert [(row.mid, row.text, row.timestamp_ms) for row in found] == [
        ("echo-1", "text 1", 100),
        ("echo-0", "text 0", 300),
    ]
    assert {row.recorded_ms for row in found} == {10}


async def test_a_turn_after_another_keeps_the_order_of_positions(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    parts = [send(position=n) for n in range(5)]
    row = await conversation(store)
    await store.commit_turns([turn(lease, row, sends=parts)], 1)

    assert [row.position for row in await unfinished(store)] == [0]
