from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.contract.store_support import (
    ACCOUNT,
    BERT,
    conversation,
    hold,
    message,
    recorded,
    rival,
    said,
    send,
    store,
    turn,
    unfinished,
)
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult

__all__ = ["rival", "store"]

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
