from __future__ import annotations

from dataclasses import replace

from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    hold,
    hold_outbox,
    path,
    promise,
    send,
    step,
    store,
    unfinished,
    walk,
)
from vestlus.conversation.identity import outbox_partition_of
from vestlus.store.ledger import SendState
from vestlus.store.names import outbox_lease
from vestlus.store.port import Store
from vestlus.store.rows import TransitionResult

__all__ = ["store"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
SENT, DEAD, UNKNOWN = SendState.SENT, SendState.DEAD, SendState.UNKNOWN
DONE, STALE = TransitionResult.DONE, TransitionResult.STALE


async def test_steps_count_attempts_and_resends_and_note_times(store: Store) -> None:
    new = send()
    await promise(store, new)
    lease = await hold_outbox(store)

    await walk(store, lease, [step(new, PENDING, SENDING, at_ms=100)])
    await walk(store, lease, [step(new, SENDING, LOOKING, due_ms=160)])
    (row,) = await unfinished(store)
    assert (row.attempts, row.attempted_ms, row.resends, row.due_ms) == (1, 100, 0, 160)
    await walk(store, lease, [step(new, LOOKING, PENDING, due_ms=200)])
    await walk(store, lease, [step(new, PENDING, SENDING, at_ms=210)])
    await walk(store, lease, [step(new, SENDING, PENDING, due_ms=400)])

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


async def test_steps_of_several_partitions_share_a_transaction_and_nothing_else(
    store: Store,
) -> None:
    theirs_of = next(n for n in map(str, range(50)) if outbox_partition_of(n, 2) != OUTBOX)
    mine, theirs = send(), send(account=theirs_of)
    await promise(store, mine, theirs)
    lease = await hold_outbox(store)
    other = await hold(store, outbox_lease(1 - OUTBOX))
    gone = replace(other, epoch=other.epoch - 1)
    begin = [step(mine, PENDING, SENDING)]
    begin_theirs = [step(theirs, PENDING, SENDING)]

    assert await store.transitions([(lease, begin_theirs), (gone, begin_theirs)]) == [
        [STALE],
        [TransitionResult.LEASE_LOST],
    ]
    both = [(lease, [*begin, *begin]), (other, begin_theirs)]
    assert await store.transitions(both) == [[DONE, STALE], [DONE]]
    assert await store.transitions([(lease, []), (other, [])]) == [[], []]

    heads = await store.heads({OUTBOX: [mine.id, theirs.id], 1 - OUTBOX: [theirs.id]})
    assert {outbox: [row.id for row in rows] for outbox, rows in heads.items()} == {
        OUTBOX: [mine.id],
        1 - OUTBOX: [theirs.id],
    }
    assert await store.heads({OUTBOX: ["unheard of"]}) == {}
    assert await store.heads({}) == {}


async def test_many_rows_are_changed_together(store: Store) -> None:
    sends = [send(f"user-{n}") for n in range(70)]
    await promise(store, *sends)
    lease = await hold_outbox(store)
    await walk(store, lease, [step(new, PENDING, SENDING, at_ms=7) for new in sends])
    rows = await unfinished(store)
    assert {(row.state, row.attempted_ms) for row in rows} == {(SENDING, 7)}
    assert len(rows) == len(sends)


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
