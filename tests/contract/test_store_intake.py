from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    BERT,
    another,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    new,
    promise,
    recorded,
    rival,
    send,
    store,
    turn,
)
from vestlus.conversation.events import Attachment
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult, EventState, Transition

__all__ = ["rival", "store"]


async def test_new_events_come_back_in_order_and_known_ones_do_not(store: Store) -> None:
    lease = await hold(store)
    events = [message() for _ in range(50)]
    await recorded(store, lease, *events[10:20])

    added = await recorded(store, lease, *events)

    assert [item.event for item in added] == events[:10] + events[20:]
    assert [item.seq for item in added] == sorted({item.seq for item in added})


async def test_the_order_of_recording_is_the_order_of_the_unanswered(store: Store) -> None:
    lease = await hold(store)
    events = [message(timestamp_ms=100 - n) for n in range(30)]
    await recorded(store, lease, *events[:15])
    await recorded(store, lease, *events[15:])

    assert [item.event for item in (await conversation(store)).pending] == events


async def test_an_event_named_twice_in_a_call_is_new_once(store: Store) -> None:
    lease, event = await hold(store), message()

    batches = [(lease, [new(event), new(event)]), (lease, [new(event)])]
    first, second = await store.record(batches, now_ms=1)

    assert first is not None
    assert [item.event for item in first] == [event]
    assert second == []


async def test_an_event_is_as_it_was_after_recording(store: Store) -> None:
    lease = await hold(store)
    event = message(
        text='Mis "hind"? \\u0000 žluťoučký 🐎 \n',
        attachments=(Attachment("image", "https://x/1", "t", "m"), Attachment("audio")),
        reply_to_mid="other",
        number=3,
        is_unsupported=True,
    )
    await recorded(store, lease, event)

    assert (await conversation(store)).pending[0].event == event


async def test_what_a_database_cannot_hold_does_not_stop_the_others(store: Store) -> None:
    lease = await hold(store)
    broken = message(text="a\x00b\ud83dc", mid="m\x00", payload="\x00")
    endless = message(mid="m" * 100_000, timestamp_ms=10**30)
    plain = message()

    assert len(await recorded(store, lease, broken, endless, plain)) == 3

    pending = (await conversation(store)).pending
    assert [item.event.text for item in pending[1:]] == [endless.text, plain.text]
    assert pending[0].event.text in {"a\ufffdb\ufffdc", "a\x00b\ufffdc"}
    assert pending[1].event.mid == endless.mid


@pytest.mark.parametrize("state", EventState)
async def test_an_event_is_in_the_state_that_it_is_recorded_with(
    store: Store, state: EventState
) -> None:
    added = await recorded(store, await hold(store), new(message(), state=state))

    assert [item.state for item in added] == [state]
    assert (await store.counts()).events == {f"message/{state}": 1}
    pending = [item.state for item in (await conversation(store)).pending]
    assert pending == ([state] if state is EventState.PENDING else [])


async def test_events_without_a_user_are_kept_and_make_no_conversation(store: Store) -> None:
    lease = await hold(store)
    nobodys = replace(message(), user=None, conversation=None)

    assert len(await recorded(store, lease, nobodys)) == 1
    assert (await store.counts()).events == {f"message/{EventState.NOTED}": 1}
    assert await store.conversations(limit=9) == ()


async def test_a_conversation_begins_with_its_first_event(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari"), message("jaan"), message("mari"))

    row = await conversation(store, "mari")

    assert (row.account, row.user, row.partition) == (ACCOUNT, "mari", 1)
    assert (row.version, row.failures, row.wake_ms, row.takeovers, row.probes) == (0, 0, 0, 0, 0)
    assert (row.history, len(row.pending)) == ((), 2)
    unknown = conversation_id(ACCOUNT, "nobody")
    assert await store.load([unknown], 20) == {}
    assert await store.load([], 20) == {}


async def test_of_a_batch_whose_lease_is_lost_nothing_is_stored(store: Store, rival: Store) -> None:
    lost = await hold(store, "inbox.2", seconds=0)
    held = await hold(store, "inbox.1")
    await hold(rival, "inbox.2", BERT)
    shared, mine = message("mari"), message("mari")

    batches = [(lost, [new(shared), new(message("jaan"))]), (held, [new(shared), new(mine)])]
    answer = await store.record(batches, 1)

    assert answer[0] is None
    assert answer[1] is not None
    assert [item.event for item in answer[1]] == [shared, mine]
    assert await store.load([conversation_id(ACCOUNT, "jaan")], 20) == {}
    assert (await store.counts()).events == {"message/pending": 2}


async def test_recording_nothing_is_no_transaction(store: Store) -> None:
    lease = await hold(store)

    assert await store.record([], 1) == []
    assert await store.record([(lease, [])], 1) == [[]]


async def test_two_processes_that_record_the_same_events_store_them_once(
    store: Store, rival: Store
) -> None:
    here, there = await hold(store, "inbox.1"), await hold(rival, "inbox.2", BERT)
    events = [message(f"user-{n}") for n in range(40)]

    answers = await asyncio.gather(
        *(store.record([(here, [new(event)])], 1) for event in events),
        *(rival.record([(there, [new(event)])], 1) for event in reversed(events)),
    )

    added = [item.event.key for (batch,) in answers for item in batch or ()]
    assert sorted(added) == sorted(event.key for event in events)


async def test_unanswered_events_are_read_on_in_the_order_of_recording(store: Store) -> None:
    lease = await hold(store)
    one, two, three, four = await recorded(store, lease, *(message() for _ in range(4)))
    await recorded(store, lease, message("other"), new(echo()))
    row = await conversation(store)
    answers = replace(turn(lease, row), answered=(two.seq,))
    assert await store.commit_turns([answers], 20) == [CommitResult.COMMITTED]

    assert await store.unanswered_after(row.id, one.seq, 9) == (three, four)
    assert await store.unanswered_after(row.id, 0, 2) == (one, three)
    assert await store.unanswered_after(row.id, four.seq, 9) == ()
    assert await store.unanswered_after("nobody", 0, 9) == ()


async def test_what_was_recorded_outlives_the_process(store_url: str) -> None:
    event = message()
    async with another(store_url) as first:
        lease = await hold(first)
        await recorded(first, lease, event)
    async with another(store_url) as second:
        assert await recorded(second, lease, event) == []
        assert [item.event for item in (await conversation(second)).pending] == [event]


async def test_users_are_found_by_the_mids_of_what_came_in_and_went_out(store: Store) -> None:
    lease = await hold(store)
    await recorded(
        store,
        lease,
        message("mari", mid="in"),
        message("jaan", mid="elsewhere", account="other"),
        replace(message(mid="nobody's"), user=None, conversation=None),
    )
    answer = send("jaan")
    await promise(store, answer)
    steps = [
        Transition(id=answer.id, before=SendState.PENDING, after=SendState.SENDING, at_ms=1),
        Transition(
            id=answer.id, before=SendState.SENDING, after=SendState.SENT, at_ms=2, sent_mid="out"
        ),
    ]
    await store.transition(await hold_outbox(store), steps)

    asked = ["in", "out", "elsewhere", "nobody's", "unheard of"]
    assert await store.users_of(ACCOUNT, asked) == {"in": "mari", "out": "jaan"}
    assert await store.users_of(ACCOUNT, []) == {}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_an_event_that_the_database_refuses_becomes_a_dead_letter_and_stops_no_other(
    store: Store,
) -> None:
    lease = await hold(store)
    # No account at all, which no column takes; how a refusal comes about does not matter here.
    bad = replace(message(text="Halb."), account=cast("str", None), mid=None)
    before, after, other = message(), message(), message("jaan")

    first, second = await store.record(
        [(lease, [new(before), new(bad), new(after)]), (lease, [new(other)])], now_ms=7
    )

    assert first is not None
    assert second is not None
    assert [one.event for one in first + second] == [before, after, other]
    assert [one.event for one in (await conversation(store)).pending] == [before, after]
    (letter,) = await store.dead_letters(limit=10)
    assert (letter.reason, letter.source, letter.at_ms) == ("not_storable", "inbox_event", 7)
    assert "Halb." in letter.body.decode()
