"""Erasing what was said, because the user asks for it."""

from __future__ import annotations

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    new,
    path,
    recorded,
    said,
    send,
    store,
    texts,
    turn,
    unfinished,
    walk,
)
from vestlus.conversation.events import Attachment
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    After,
    Change,
    CommitResult,
    EventState,
)

__all__ = ["store"]

COMMITTED = CommitResult.COMMITTED
ID = conversation_id(ACCOUNT, "user")


async def test_erasing_leaves_nothing_of_what_was_said(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    secret = message(text="Isikukood", attachments=(Attachment("image", "https://x/1"),))
    (sent,) = await answered(store, inbox, "Sinu isikukood", asked=secret)
    await walk(store, outbox, path(sent, SendState.SENDING, SendState.SENT))
    await recorded(store, inbox, message(text="Salajane viga"))
    await store.give_up(inbox, ID, reason="poison", now_ms=1)
    (dead,) = await answered(store, inbox, "Salajane vastus")
    await walk(store, outbox, path(dead, SendState.SENDING, SendState.DEAD))
    await recorded(store, inbox, echo(text="Salajane kaja", mid="e"))
    await store.keep_summary(inbox, ID, summary="Salajane kokkuvõte", summarised=1)
    await changed(store, inbox, Change(note="Salajane märkus"))
    await answered(store, inbox, "Jaanile", user="jaan", asked=message("jaan", text="Jaan"))
    await recorded(store, inbox, message(text="Kustuta mu andmed", mid="wish"))
    farewell = send(id="farewell", text="Kustutatud.", position=9_000)
    commit = turn(
        inbox,
        await conversation(store),
        history=[said("Kustuta mu andmed"), said("Kustutatud.")],
        sends=[farewell],
        after=After(erase=True),
    )

    assert await store.commit_turns([commit], 9) == [COMMITTED]

    row = await conversation(store)
    assert (row.history, row.pending, row.summary, row.note) == ((), (), "", "")
    assert (row.messages, row.summarised) == (6, 6)
    assert await store.part_of_history(ID, 0, 100) == ()
    mids = [str(secret.mid), "e", "wish", f"mid-of-{sent.id}"]
    assert await store.texts_of(ACCOUNT, ID, mids) == {}
    for recent in (await store.recent_sends([ID], 1))[ID]:
        assert recent.text == ""
    assert {letter.body for letter in await store.dead_letters(limit=9)} == {b""}
    assert [(row.id, row.text) for row in await unfinished(store, ids=["farewell"])] == [
        ("farewell", "Kustutatud.")
    ]
    assert await texts(store, "jaan") == ["Jaan", "Jaanile"]


async def test_a_summary_under_way_does_not_bring_back_what_was_erased(store: Store) -> None:
    lease = await hold(store)
    await answered(store, lease, "Tere!")
    await recorded(store, lease, message())
    commit = turn(lease, await conversation(store), after=After(erase=True))
    await store.commit_turns([commit], 1)

    await store.keep_summary(lease, ID, summary="Salajane", summarised=2)

    assert (await conversation(store)).summary == ""


async def test_what_is_newer_than_the_wish_to_erase_is_kept(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message(text="Kustuta"))
    erasing = turn(lease, await conversation(store), after=After(erase=True))
    unclear = echo(text="Inimene?")
    await recorded(
        store,
        lease,
        message(text="Tere jälle"),
        new(unclear, state=EventState.UNDETERMINED),
    )

    assert await store.commit_turns([erasing], 1) == [COMMITTED]

    assert [item.event.text for item in (await conversation(store)).pending] == ["Tere jälle"]
    assert [item.event.text for item in await store.undetermined(lease)] == ["Inimene?"]
    await answered(store, lease, "Tere!")
    assert await texts(store) == ["Tere jälle", "Tere!", "Tere!"]


async def test_erasing_many_in_one_group_erases_theirs_only(store: Store) -> None:
    lease = await hold(store)
    users = [f"user-{n}" for n in range(4)]
    for user in users:
        await answered(store, lease, "Tere!", user=user, asked=message(user, text=user))
    await recorded(store, lease, *(message(user) for user in users))
    turns = [
        turn(lease, await conversation(store, user), after=After(erase=bool(n % 2)))
        for n, user in enumerate(users)
    ]

    assert await store.commit_turns(turns, 1) == [COMMITTED] * 4

    assert [await texts(store, user) for user in users] == [
        *(["user-0", "Tere!"], []),
        *(["user-2", "Tere!"], []),
    ]
