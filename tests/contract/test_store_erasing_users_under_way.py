"""A user erased while something of theirs is under way, on both stores."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.contract.erasing_support import (
    ID,
    OTHER,
    SECRET,
    USER,
    came,
    erased,
    ids_of,
    traces,
    whom,
)
from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    answered,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    path,
    recorded,
    rival,
    store,
    texts,
    turn,
    walk,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.errors import ConversationGone, ConversationPreserved
from vestlus.store.ledger import SendState
from vestlus.store.names import inbox_lease
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult, TransitionResult

__all__ = ["rival", "store"]


async def test_a_mark_set_at_the_same_moment_refuses_the_erasure_or_finds_nobody(
    store: Store, rival: Store
) -> None:
    inbox = await hold(store)
    for number in range(12):
        user = f"{USER}{number}"
        id_ = conversation_id(ACCOUNT, user)
        await recorded(store, inbox, message(user, text=SECRET))
        marked, done = await asyncio.gather(
            rival.preserve(id_, reason="Vaidlus 7", by="mari"),
            erased(store, user),
            return_exceptions=True,
        )
        assert marked is isinstance(done, ConversationPreserved), (marked, done)
        assert bool(await traces(store, user)) is marked
        assert (await store.preservation(id_) is not None) is marked


async def test_what_was_written_before_is_dropped_and_what_comes_later_begins_anew(
    store: Store,
) -> None:
    inbox = await hold(store)
    await answered(store, inbox, f"{SECRET} vastus", user=USER)
    old_version = (await conversation(store, USER)).version
    await erased(store, USER)

    now = await store.now_ms()
    queued = message(USER, text=SECRET, timestamp_ms=now - 60_000)
    listed = replace(queued, key="another key", timestamp_ms=now - 3_600_000)
    assert await came(store, inbox, queued, listed) == []
    assert await traces(store, USER, SECRET) == []

    fresh = message(USER, text="Tere jälle", timestamp_ms=now + 1_000)
    stranger = message(OTHER, text="Mina ka", timestamp_ms=1)
    assert len(await came(store, inbox, queued, fresh, stranger)) == 2
    row = await conversation(store, USER)
    assert await ids_of(store, USER) == ["Tere jälle"]
    assert (row.history, row.summary, row.usage.in_day) == ((), "", 0)
    assert row.version > old_version
    await answered(store, inbox, "Tere!", user=USER)
    assert "Tere!" in await texts(store, USER)


async def test_a_turn_under_way_commits_nothing_though_the_user_came_back(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER, text=SECRET))
    under_way = turn(inbox, await conversation(store, USER))
    alarm = replace(under_way, answered=())

    await erased(store, USER)
    assert await store.commit_turns([under_way], 9) == [CommitResult.CONFLICT]
    with pytest.raises(ConversationGone):
        await store.postpone(inbox, ID, wake_ms=1, failures=1)
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))

    assert await store.commit_turns([under_way, alarm], 9) == [CommitResult.CONFLICT] * 2
    summary = await store.keep_summary(inbox, ID, summary=SECRET, summarised=9, version=0)
    assert not summary
    assert await traces(store, SECRET) == []


async def test_a_send_under_way_makes_no_further_step(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    sends = [
        (await answered(store, inbox, SECRET, user=USER))[0],
        (await answered(store, inbox, SECRET, user=USER))[0],
    ]
    await walk(store, outbox, path(sends[0], SendState.SENDING))

    await erased(store, USER)

    steps = [
        path(sends[0], SendState.SENDING, SendState.LOOKING, SendState.UNKNOWN)[-1],
        path(sends[1], SendState.SENDING)[0],
    ]
    assert await store.transition(outbox, steps) == [TransitionResult.STALE] * 2
    assert await store.unfinished(OUTBOX, limit=9) == ()
    assert await store.dead_letters(limit=9) == ()


async def test_echoes_of_what_was_under_way_and_all_readings_are_dropped(store: Store) -> None:
    inbox = await hold(store)
    await answered(store, inbox, "Tere!", user=USER)
    await erased(store, USER)
    now = await store.now_ms()
    late = now + 10 * 60_000

    events = [
        echo(USER, text=SECRET, timestamp_ms=now + 20_000),
        message(USER, kind=EventKind.READ, text=None, timestamp_ms=late),
    ]
    assert await came(store, inbox, *events) == []
    assert await traces(store, USER) == []
    persons = echo(USER, text="Siin Mari", timestamp_ms=late)
    assert len(await came(store, inbox, persons)) == 1


async def test_whoever_records_at_the_same_moment_comes_wholly_before_or_after(
    store: Store, rival: Store
) -> None:
    name = inbox_lease(whom(USER).partition)
    inbox = await hold(store, name)
    old = [message(USER, text=SECRET, timestamp_ms=1) for _ in range(40)]

    async def arrive() -> None:
        for event in old:
            await came(rival, inbox, event)

    arriving = asyncio.create_task(arrive())
    while not await store.load([ID], 1):
        await asyncio.sleep(0)
    await erased(store, USER)
    await arriving

    assert await traces(store, USER, SECRET) == []
