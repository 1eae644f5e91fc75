from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    ANNA_AGAIN,
    BERT,
    conversation,
    hold,
    message,
    recorded,
    rival,
    said,
    send,
    store,
    store_url,
    turn,
    unfinished,
)
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.errors import StoreError
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult, EventState

__all__ = ["rival", "store", "store_url"]

COMMITTED, CONFLICT = CommitResult.COMMITTED, CommitResult.CONFLICT


async def test_a_turn_answers_its_events_and_adds_its_history_and_sends(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message(), message())
    row = await conversation(store)
    history = [
        HistoryMessage(Role.USER, "Mis kell?", 1, "mid-1"),
        HistoryMessage(Role.ASSISTANT, "Kell üheksa.", 2),
    ]
    answer = send(traceparent="00-ab-cd-01")

    assert await store.commit_turns([turn(lease, row, history=history, sends=[answer])], 7) == [
        COMMITTED
    ]

    after = await conversation(store)
    assert (after.version, after.history, after.pending) == (row.version + 1, tuple(history), ())
    (written,) = await unfinished(store)
    assert (written.id, written.text, written.answers) == (answer.id, answer.text, answer.answers)
    assert (written.account, written.user, written.traceparent) == (ACCOUNT, "user", "00-ab-cd-01")
    assert (written.due_ms, written.deadline_ms, written.position) == (5, 1_000, 1)
    assert (written.attempts, written.resends, written.attempted_ms) == (0, 0, 0)
    assert (await store.counts()).events == {"message/answered": 2}


async def test_the_same_turn_again_is_a_conflict_and_changes_nothing(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    once = turn(lease, await conversation(store), history=[said("Tere")], sends=[send()])

    assert await store.commit_turns([once, once], 1) == [COMMITTED, CONFLICT]
    after = await conversation(store)
    assert await store.commit_turns([once], 1) == [CONFLICT]

    assert await conversation(store) == after
    assert len(await unfinished(store)) == 1


async def test_turns_that_follow_each_other_commit_in_one_group(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message(), message())
    row = await conversation(store)
    first = replace(turn(lease, row, history=[said("1")]), answered=(row.pending[0].seq,))
    second = replace(first, version=1, answered=(row.pending[1].seq,), history=(said("2"),))

    assert await store.commit_turns([first, second], 1) == [COMMITTED, COMMITTED]

    after = await conversation(store)
    assert [item.text for item in after.history] == ["1", "2"]
    assert (after.version, after.pending) == (2, ())


async def test_a_conflict_leaves_nothing_while_others_of_the_group_commit(store: Store) -> None:
    lease = await hold(store)
    users = [f"user-{n}" for n in range(6)]
    await recorded(store, lease, *(message(user) for user in users))
    turns = [
        turn(lease, await conversation(store, user), history=[said(user)], sends=[send(user)])
        for user in users
    ]
    other = turns[5].answered
    turns[1] = replace(turns[1], version=9)
    turns[2] = replace(turns[2], answered=(*turns[2].answered, 999_999))
    turns[3] = replace(turns[3], answered=(*turns[3].answered, *other))
    turns[4] = replace(turns[4], conversation=conversation_id(ACCOUNT, "nobody"))

    results = await store.commit_turns(turns, 1)

    assert results == [COMMITTED, CONFLICT, CONFLICT, CONFLICT, CONFLICT, COMMITTED]
    for user in users[1:5]:
        row = await conversation(store, user)
        assert (row.version, row.history, len(row.pending)) == (0, (), 1)
    assert {row.user for row in await unfinished(store)} == {"user-0", "user-5"}


async def test_values_that_are_refused_stop_their_own_turn_only(store: Store) -> None:
    lease = await hold(store)
    users = ["mari", "jaan", "tiiu"]
    await recorded(store, lease, *(message(user) for user in users))
    turns = [turn(lease, await conversation(store, u), history=[said(u)]) for u in users]
    nothing = HistoryMessage(Role.USER, None, 1)  # type: ignore[arg-type]
    turns[1] = replace(turns[1], history=(said("before"), nothing), sends=(send("jaan"),))

    results = await store.commit_turns(turns, 1)

    assert results == [COMMITTED, CommitResult.REFUSED, COMMITTED]
    row = await conversation(store, "jaan")
    assert (row.version, row.history, len(row.pending)) == (0, (), 1)
    assert await unfinished(store) == ()


async def test_what_a_database_cannot_hold_in_a_text_is_replaced(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    row = await conversation(store)
    texts = [said("a\x00b\ud83dc \\u0000")]

    assert await store.commit_turns([turn(lease, row, history=texts)], 1) == [COMMITTED]
    assert (await conversation(store)).history == (said("a\ufffdb\ufffdc \\u0000"),)


async def test_a_send_that_is_written_already_is_left_alone(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    first = send(text="first")
    await store.commit_turns([turn(lease, await conversation(store), sends=[first])], 1)
    await recorded(store, lease, message())
    again = turn(lease, await conversation(store), sends=[replace(first, text="second")])

    assert await store.commit_turns([again], 1) == [COMMITTED]
    assert [row.text for row in await unfinished(store)] == ["first"]


async def test_a_turn_may_answer_nothing(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    row = await conversation(store)

    assert await store.commit_turns([replace(turn(lease, row), answered=())], 1) == [COMMITTED]
    assert len((await conversation(store)).pending) == 1
    assert await store.commit_turns([], 1) == []


async def test_of_rival_turns_of_one_conversation_one_commits(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    row = await conversation(store)
    rivals = [turn(lease, row, history=[said(str(n))]) for n in range(8)]

    results = await asyncio.gather(*(store.commit_turns([one], 1) for one in rivals))

    assert sorted(result for (result,) in results) == [COMMITTED, *[CONFLICT] * 7]
    after = await conversation(store)
    assert (after.version, len(after.history)) == (1, 1)


async def test_overlapping_groups_commit_every_turn_once(store: Store) -> None:
    lease = await hold(store)
    users = [f"user-{n}" for n in range(12)]
    await recorded(store, lease, *(message(user) for user in users))
    turns = [turn(lease, await conversation(store, u), history=[said(u)]) for u in users]
    groups = [turns, turns[::-1], turns[6:] + turns[:6], turns[::2] + turns[1::2]]

    results = await asyncio.gather(*(store.commit_turns(group, 1) for group in groups))

    assert [result for group in results for result in group].count(COMMITTED) == len(users)
    for user in users:
        assert (await conversation(store, user)).history == (said(user),)


async def test_the_newest_messages_are_loaded_in_order_and_no_more(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari"), message("jaan"))
    for start in range(0, 30, 3):
        batch = [said(f"{start + n}", start + n) for n in range(3)]
        row = await conversation(store, "mari")
        await store.commit_turns([turn(lease, row, history=batch)], 1)
    row = await conversation(store, "jaan")
    await store.commit_turns([turn(lease, row, history=[said("only")])], 1)

    ids = [conversation_id(ACCOUNT, user) for user in ("mari", "jaan")]
    rows = await store.load(ids, 5)

    assert [item.text for item in rows[ids[0]].history] == ["25", "26", "27", "28", "29"]
    assert [item.text for item in rows[ids[1]].history] == ["only"]
    assert (await conversation(store, "mari", history=0)).history == ()
    assert len((await conversation(store, "mari", history=500)).history) == 30


async def test_a_takeover_names_the_unanswered_of_its_partition_oldest_first(store: Store) -> None:
    one, two = await hold(store, "inbox.1"), await hold(store, "inbox.2")
    await recorded(store, one, message("mari"), message("jaan"), message("mari"), message("tiiu"))
    await recorded(store, two, message("peeter"))
    await recorded(store, one, message("jaan"))
    await store.commit_turns([turn(one, await conversation(store, "tiiu"))], 1)

    expected = tuple(conversation_id(ACCOUNT, user) for user in ("mari", "jaan"))
    assert await store.take_over(one) == expected
    again = await hold(store, "inbox.1", ANNA_AGAIN)
    assert await store.take_over(again) == expected

    assert (await conversation(store, "mari")).takeovers == 2
    assert (await conversation(store, "tiiu")).takeovers == 0
    assert (await conversation(store, "peeter")).takeovers == 0
    assert await store.take_over(await hold(store, "inbox.3")) == ()


async def test_a_committed_turn_starts_all_counts_anew(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    id_ = conversation_id(ACCOUNT, "user")
    await store.take_over(lease)
    await store.postpone(lease, id_, wake_ms=5_000, failures=3)
    assert [await store.probe(lease, id_) for _ in range(2)] == [1, 2]
    row = await conversation(store)
    assert (row.failures, row.wake_ms, row.takeovers, row.probes) == (3, 5_000, 1, 2)
    assert row.version == 0

    await store.commit_turns([turn(lease, row)], 1)

    row = await conversation(store)
    assert (row.failures, row.wake_ms, row.takeovers, row.probes) == (0, 0, 0, 0)


async def test_an_unknown_conversation_is_neither_postponed_nor_probed(store: Store) -> None:
    lease = await hold(store)

    with pytest.raises(StoreError):
        await store.postpone(lease, "nobody", wake_ms=1, failures=1)
    with pytest.raises(StoreError):
        await store.probe(lease, "nobody")
    assert await store.give_up(lease, "nobody", reason="poison", now_ms=1) == 0


async def test_giving_up_buries_the_unanswered_and_starts_anew(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    await store.commit_turns([turn(lease, await conversation(store))], 1)
    events = [message(text="Appi!"), message()]
    await recorded(store, lease, *events, message("jaan"))
    id_ = conversation_id(ACCOUNT, "user")
    await store.postpone(lease, id_, wake_ms=5_000, failures=3)
    stale = turn(lease, await conversation(store), history=[said("late")])

    assert await store.give_up(lease, id_, reason="poison", now_ms=77) == 2
    assert await store.give_up(lease, id_, reason="poison", now_ms=78) == 0

    row = await conversation(store)
    assert (row.pending, row.failures, row.wake_ms) == ((), 0, 0)
    assert await store.commit_turns([stale], 1) == [CONFLICT]
    letters = await store.dead_letters(limit=10)
    assert {letter.id for letter in letters} == {f"event:{event.key}" for event in events}
    assert all((x.reason, x.at_ms, x.conversation) == ("poison", 77, id_) for x in letters)
    assert all((x.account, x.user, x.source) == (ACCOUNT, "user", "inbox_event") for x in letters)
    assert any("Appi!" in letter.body.decode() for letter in letters)
    assert len((await conversation(store, "jaan")).pending) == 1
    counts = await store.counts()
    assert counts.events[f"message/{EventState.DEAD}"] == 2
    assert counts.dead_letters == 2


async def test_turns_of_a_lost_lease_change_nothing_beside_turns_of_a_held_one(
    store: Store, rival: Store
) -> None:
    lost, held = await hold(store, "inbox.1", seconds=0), await hold(store, "inbox.2")
    await recorded(store, lost, message("mari"))
    await recorded(store, held, message("jaan"))
    turns = [
        turn(lost, await conversation(store, "mari"), sends=[send("mari")]),
        turn(held, await conversation(store, "jaan"), sends=[send("jaan")]),
    ]
    await hold(rival, "inbox.1", BERT)

    assert await store.commit_turns(turns, 1) == [CommitResult.LEASE_LOST, COMMITTED]
    assert (await conversation(store, "mari")).version == 0
    assert [row.user for row in await unfinished(store)] == ["jaan"]
