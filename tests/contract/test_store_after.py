"""What a turn makes of its conversation's state, and what it erases on demand."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.store_support import (
    ACCOUNT,
    changed,
    conversation,
    hold,
    message,
    recorded,
    send,
    store,
    turn,
    unfinished,
)
from vestlus.conversation.allowance import Usage
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    FOREVER_MS,
    After,
    Change,
    CommitResult,
    ConversationRow,
    Kind,
    Silence,
)

__all__ = ["store"]

COMMITTED = CommitResult.COMMITTED
ID = conversation_id(ACCOUNT, "user")

USAGE = Usage(9, 1, 8, 2, 10)
EVERYTHING = After(
    language="et",
    silence=Silence.HANDOVER,
    silent_until_ms=FOREVER_MS,
    waiting_ms=5,
    note="Arve\x00",
    answered_ms=6,
    disclosed_ms=7,
    apology_ms=8,
    pictures=("maja", "kaart"),
    usage=USAGE,
)


def state(row: ConversationRow) -> tuple[object, ...]:
    """What a turn may change beside history and sends."""
    silence = (row.silence, row.silent_until_ms, row.waiting_ms, row.note)
    times = (row.answered_ms, row.disclosed_ms, row.apology_ms)
    return (row.language, *silence, *times, row.pictures, row.usage)


async def test_a_turn_says_how_its_conversation_stands_afterwards(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message(), message("jaan"))
    before = await conversation(store, "jaan")

    commit = turn(lease, await conversation(store), after=EVERYTHING)
    assert await store.commit_turns([commit], 1) == [COMMITTED]

    assert state(await conversation(store)) == (
        *("et", Silence.HANDOVER, FOREVER_MS, 5, "Arve\ufffd"),
        *(6, 7, 8, ("maja", "kaart"), USAGE),
    )
    assert await conversation(store, "jaan") == before


async def test_what_a_turn_does_not_name_stays(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    await store.commit_turns([turn(lease, await conversation(store), after=EVERYTHING)], 1)
    before = state(await conversation(store))

    await store.commit_turns([turn(lease, await conversation(store))], 2)
    assert state(await conversation(store)) == before
    ended = After(silence=Silence.NONE, waiting_ms=0, note="", pictures=())
    await store.commit_turns([turn(lease, await conversation(store), after=ended)], 3)

    assert state(await conversation(store)) == (
        *("et", Silence.NONE, 0, 0, ""),
        *(6, 7, 8, (), USAGE),
    )


async def test_turns_of_a_group_change_their_own_conversations(store: Store) -> None:
    lease = await hold(store)
    users = [f"user-{n}" for n in range(5)]
    await recorded(store, lease, *(message(user) for user in users))
    turns = [
        turn(
            lease,
            await conversation(store, user),
            after=After(note=user) if place % 2 else After(answered_ms=place + 1),
        )
        for place, user in enumerate(users)
    ]
    later = replace(turns[1], version=1, answered=(), after=After(language="ru"))
    lost = replace(turns[2], version=9, after=After(note="not committed"))

    results = await store.commit_turns([*turns, later, lost], 1)

    assert results == [*[COMMITTED] * 6, CommitResult.CONFLICT]
    rows = [await conversation(store, user) for user in users]
    assert [row.note for row in rows] == ["", "user-1", "", "user-3", ""]
    assert [row.answered_ms for row in rows] == [1, 0, 3, 0, 5]
    assert [row.language for row in rows] == ["", "ru", "", "", ""]


async def test_a_hand_back_makes_the_next_answer_say_again_what_it_is(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    commit = turn(lease, await conversation(store), after=After(disclosed_ms=7))
    await store.commit_turns([commit], 1)

    await changed(store, lease, Change(note="x"))
    assert (await conversation(store)).disclosed_ms == 7
    await changed(store, lease, Change(disclose_again=True))

    assert (await conversation(store)).disclosed_ms == 0


async def test_a_send_of_a_turn_has_all_that_was_decided(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    shown = send(kind=Kind.PICTURES, pictures=("a", "b"), text="", turn=4)
    drafted = send(draft=True, position=2)
    await store.commit_turns([turn(lease, await conversation(store), sends=[shown, drafted])], 1)

    (row,) = await unfinished(store)

    assert (row.id, row.kind, row.pictures, row.text, row.turn) == (
        *(shown.id, Kind.PICTURES),
        *(("a", "b"), "", 4),
    )
    assert [draft.id for draft in await store.drafts(limit=9)] == [drafted.id]
    assert row.state is SendState.PENDING


async def test_a_turn_without_sends_and_history_is_a_turn(store: Store) -> None:
    lease = await hold(store)
    stopped = message(kind=EventKind.POSTBACK)
    await recorded(store, lease, stopped)

    commit = turn(lease, await conversation(store), after=After(silence=Silence.STOPPED))
    assert await store.commit_turns([commit], 1) == [COMMITTED]

    row = await conversation(store)
    assert (row.version, row.silence, row.pending) == (1, Silence.STOPPED, ())
