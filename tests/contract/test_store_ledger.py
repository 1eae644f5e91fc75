from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    ANNA_AGAIN,
    OUTBOX,
    conversation,
    hold,
    hold_outbox,
    message,
    promise,
    recorded,
    send,
    store,
    store_url,
    turn,
    unfinished,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id, outbox_partition_of
from vestlus.store.ledger import SendState
from vestlus.store.names import outbox_lease
from vestlus.store.port import Store
from vestlus.store.rows import DeadLetter, Lease, NewSend, Transition, TransitionResult

__all__ = ["store", "store_url"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
SENT, DEAD, UNKNOWN = SendState.SENT, SendState.DEAD, SendState.UNKNOWN
DONE, STALE = TransitionResult.DONE, TransitionResult.STALE


def step(new: NewSend, before: SendState, after: SendState, **fields: Any) -> Transition:
    """One step of a row, with what the state after needs."""
    if after in (DEAD, UNKNOWN):
        fields.setdefault("reason", "refused")
    if after is SENT:
        fields.setdefault("sent_mid", f"mid-of-{new.id}")
    return Transition(id=new.id, before=before, after=after, **{"at_ms": 50, **fields})


def path(new: NewSend, *states: SendState, **fields: Any) -> list[Transition]:
    """A row's steps from PENDING through the states; the fields are for the last one."""
    pairs = list(zip((PENDING, *states), states, strict=False))
    steps = [step(new, before, after) for before, after in pairs[:-1]]
    return [*steps, step(new, *pairs[-1], **fields)]


async def walk(store: Store, lease: Lease, steps: list[Transition]) -> None:
    """Makes steps that must succeed."""
    assert await store.transition(lease, steps) == [DONE] * len(steps)


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
    steps = {PENDING: [PENDING], SENDING: [SENDING], LOOKING: [SENDING, LOOKING]}[state]
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
    account = next(
        name for name in map(str, range(50)) if outbox_partition_of(name, 2) != OUTBOX
    )
    mine, theirs = send(), send(account=account)
    await promise(store, mine, theirs)

    assert [row.id for row in await unfinished(store)] == [mine.id]
    assert [row.id for row in await unfinished(store, ids=[theirs.id])] == []
    assert [row.id for row in await store.unfinished(1 - OUTBOX, limit=9)] == [theirs.id]
    lease = await hold_outbox(store)
    assert await store.transition(lease, [step(theirs, PENDING, DEAD)]) == [STALE]


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


async def test_steps_count_attempts_and_resends_and_note_times(store: Store) -> None:
    new = send()
    await promise(store, new)
    lease = await hold_outbox(store)

    await walk(store, lease, [step(new, PENDING, SENDING, at_ms=100)])
    await walk(store, lease, [step(new, SENDING, LOOKING, due_ms=160)])
    (row,) = await unfinished(store)
    assert (row.attempts, row.attempted_ms, row.resends, row.due_ms) == (1, 100, 0, 160)
    await walk(store, lease, [step(new, LOOKING, LOOKING, due_ms=190)])
    await walk(store, lease, [step(new, LOOKING, PENDING, due_ms=200)])
    await walk(store, lease, [step(new, PENDING, SENDING, at_ms=210)])
    await walk(store, lease, [step(new, SENDING, PENDING, due_ms=300)])
    await walk(store, lease, [step(new, PENDING, PENDING, due_ms=400)])

    (row,) = await unfinished(store)
    assert (row.attempts, row.attempted_ms, row.resends, row.due_ms) == (2, 210, 1, 400)


async def test_a_step_of_another_state_or_an_unknown_row_is_stale(store: Store) -> None:
    new = send()
    await promise(store, new)
    lease = await hold_outbox(store)
    steps = [
        step(new, SENDING, SENT),
        step(send(), PENDING, SENDING),
        step(new, PENDING, SENDING),
        step(new, PENDING, SENDING),
    ]

    assert await store.transition(lease, steps) == [STALE, STALE, DONE, STALE]
    assert [row.attempts for row in await unfinished(store)] == [1]
    assert await store.transition(lease, []) == []


async def test_one_graph_message_proves_one_row_of_its_account(store: Store) -> None:
    sends = [send(f"user-{n}") for n in range(4)]
    await promise(store, *sends)
    lease = await hold_outbox(store)
    await walk(store, lease, [step(new, PENDING, SENDING) for new in sends])
    await walk(store, lease, [step(sends[0], SENDING, SENT, sent_mid="proof")])

    results = await store.transition(
        lease,
        [
            step(sends[1], SENDING, SENT, sent_mid="proof"),
            step(sends[2], SENDING, SENT, sent_mid="another"),
            step(sends[3], SENDING, SENT, sent_mid="another"),
            step(sends[1], SENDING, LOOKING, due_ms=1),
        ],
    )

    taken = TransitionResult.MID_TAKEN
    assert results == [taken, DONE, taken, DONE]
    assert {row.id: row.state for row in await unfinished(store)} == {
        sends[1].id: LOOKING,
        sends[3].id: SENDING,
    }
    asked = ["proof", "another", "third"]
    assert await store.claimed_mids(ACCOUNT, asked) == {"proof", "another"}
    assert await store.claimed_mids("other", asked) == frozenset()
    assert await store.claimed_mids(ACCOUNT, []) == frozenset()


async def test_accounts_may_share_a_mid(store: Store) -> None:
    other = next(
        n for n in map(str, range(50)) if outbox_partition_of(n, 2) == OUTBOX and n != ACCOUNT
    )
    sends = [send(), send(account=other)]
    await promise(store, *sends)
    lease = await hold_outbox(store)

    for new in sends:
        await walk(store, lease, path(new, SENDING, SENT, sent_mid="same"))


async def test_a_dead_row_leaves_a_letter_with_all_of_it(store: Store) -> None:
    new = send(text="Tere!")
    await promise(store, new)
    await walk(store, await hold_outbox(store), path(new, SENDING, DEAD, at_ms=70, reason="551"))

    (letter,) = await store.dead_letters(limit=9)
    assert (letter.id, letter.source) == (f"ledger:{new.id}", "ledger")
    assert (letter.reason, letter.at_ms) == ("551", 70)
    assert (letter.account, letter.user) == (ACCOUNT, "user")
    assert "Tere!" in letter.body.decode()
    assert (await store.counts()).dead_letters == 1


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
    assert await store.dead_letters(limit=2, before_ms=3) == (letters[2], letters[1])


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

    found = await store.unclaimed_echoes(conversation_id(ACCOUNT, "mari"), 100)

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
