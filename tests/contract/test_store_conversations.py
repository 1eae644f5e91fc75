from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    ANNA_AGAIN,
    changed,
    conversation,
    hold,
    message,
    recorded,
    rival,
    said,
    store,
    turn,
)
from vestlus.clock import system_clock
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.errors import ConversationGone, LeaseLost, StoreError
from vestlus.store.port import Store
from vestlus.store.rows import Change, CommitResult, EventState, Silence

__all__ = ["rival", "store"]

COMMITTED, CONFLICT = CommitResult.COMMITTED, CommitResult.CONFLICT


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


async def test_what_was_said_is_loaded_letter_for_letter(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    history = [
        HistoryMessage(role, text, 2**53 + place, mid)
        for place, (role, text, mid) in enumerate(
            (
                (Role.USER, 'a "quoted" \\n backslash \\ and \\u0041', 'm"1\\'),
                (Role.ASSISTANT, "\x01\x1f\t\n\r\x7f\u2028 õ Ж \U0001f436 \U0010fffd", None),
                (Role.OPERATOR, '["a", null]', ""),
                (Role.USER, "", "m2"),
            )
        )
    ]
    await store.commit_turns([turn(lease, await conversation(store), history=history)], 1)

    assert (await conversation(store)).history == tuple(history)


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


async def test_a_takeover_is_not_counted_of_what_waits_for_people_or_for_its_next_try(
    store: Store,
) -> None:
    lease = await hold(store)
    later_ms = system_clock() + 3_600_000
    users = ("mari", "jaan", "tiiu", "peeter")
    await recorded(store, lease, *(message(user) for user in users))
    mari, jaan, *_ = (conversation_id(ACCOUNT, user) for user in users)
    await store.postpone(lease, mari, wake_ms=later_ms, failures=0)
    await store.postpone(lease, jaan, wake_ms=system_clock() - 1, failures=1)
    await changed(
        store, lease, Change(silence=Silence.PERSON, silent_until_ms=later_ms), user="tiiu"
    )

    assert len(await store.take_over(lease)) == 4

    rows = [await conversation(store, user) for user in users]
    assert [row.takeovers for row in rows] == [0, 1, 0, 1]


async def test_a_suspect_that_only_waits_is_none_any_more_and_nothing_else_changes(
    store: Store, rival: Store
) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    id_ = conversation_id(ACCOUNT, "user")
    await store.take_over(lease)
    await store.probe(lease, id_)
    await store.postpone(lease, id_, wake_ms=5_000, failures=3)
    before = await conversation(store)

    await store.absolve(lease, id_)

    assert await conversation(store) == replace(before, takeovers=0, probes=0)
    with pytest.raises(ConversationGone):
        await store.absolve(lease, "nobody")
    await hold(rival, member=ANNA_AGAIN)
    with pytest.raises(LeaseLost):
        await store.absolve(lease, id_)


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


async def test_of_a_flood_no_more_is_loaded_than_asked_for_the_oldest_first(store: Store) -> None:
    lease = await hold(store)
    flood = [message(timestamp_ms=100 - n) for n in range(50)]
    await recorded(store, lease, *flood, *(message("jaan") for _ in range(3)))
    ids = [conversation_id(ACCOUNT, "user"), conversation_id(ACCOUNT, "jaan")]

    rows = await store.load(ids, 5, unanswered=10)

    assert [one.event for one in rows[ids[0]].pending] == flood[:10]
    assert len(rows[ids[1]].pending) == 3
    await store.commit_turns([turn(lease, rows[ids[0]])], 1)
    rows = await store.load(ids, 5, unanswered=10)
    assert [one.event for one in rows[ids[0]].pending] == flood[10:20]
