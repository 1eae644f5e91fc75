"""A user erased, on both stores: nothing is left, nothing comes back, and others are untouched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.erasing_support import (
    GRAVES,
    ID,
    OTHER,
    SECRET,
    USER,
    came,
    dumped,
    erased,
    ids_of,
    lived,
    traces,
    whom,
    wish,
)
from tests.contract.store_support import ACCOUNT, OUTBOX, answered, hold, message, recorded, store
from vestlus.conversation.identity import conversation_id
from vestlus.errors import ConversationPreserved
from vestlus.messages import decode_inbox, encode, inbox_message
from vestlus.privacy.inventory import HOLDS
from vestlus.store.erasing import ErasureState
from vestlus.store.port import Store
from vestlus.store.rows import DeadLetter
from vestlus.store.sql_store import SqlStore

__all__ = ["store"]


async def test_everything_that_is_held_of_a_user_is_given_out_and_then_gone(store: Store) -> None:
    inbox = await hold(store)
    for user in (USER, OTHER):
        await lived(store, inbox, user)
        await store.preserve(conversation_id(ACCOUNT, user), reason=SECRET, by="mari", until_ms=1)
    before = await traces(store, OTHER)
    data = await store.user_data(ACCOUNT, USER, ID)
    assert set(data) == set(HOLDS)
    assert len(data["dead_letter"]) == 4
    assert not any(OTHER in str(row) for rows in data.values() for row in rows)

    done = await erased(store, USER)

    assert await traces(store, USER) == []
    assert (await dumped(store))["conversation_read"] == [
        {"conversation": conversation_id(ACCOUNT, OTHER), "user_ms": 1, "read_ms": 1}
    ]
    assert sorted(await traces(store, OTHER)) == sorted(before)
    assert done.counts["history"] == len(data["history"])
    assert done.counts["ledger"] == len(data["ledger"])
    assert done.counts["inbox_event"] == len(data["inbox_event"]) + 1
    assert done.counts["dead_letter"] == 4
    assert await store.user_data(ACCOUNT, USER, ID) == {}
    assert (await store.erasure(done.code)) == done
    assert done.state is ErasureState.ERASED
    await erased(store, OTHER)
    assert await traces(store, SECRET) == []


async def test_a_preserved_user_is_erased_only_by_who_says_that_the_mark_is_known(
    store: Store,
) -> None:
    inbox = await hold(store)
    for user in (USER, OTHER):
        await lived(store, inbox, user)
    await store.preserve(ID, reason=SECRET, by="mari")
    before = await dumped(store)

    with pytest.raises(ConversationPreserved) as refused:
        await store.erase(wish("NO"), [whom(OTHER), whom(USER)])

    assert refused.value.conversations == (ID,)
    assert await store.erasure("NO") is None
    assert await dumped(store) == before, "nothing was done to the other one either"

    done = await store.erase(wish("YES"), [whom(OTHER), whom(USER)], even_preserved=True)
    assert done.counts["preservation"] == 1
    assert await traces(store, USER, OTHER, SECRET) == []
    assert await traces(store, ID) == ["tombstone.conversation"]
    assert await store.preservation(ID) is None
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))
    assert (await erased(store, USER)).counts["conversation"] == 1


async def test_a_mark_that_is_over_keeps_nobody_from_being_erased(store: Store) -> None:
    inbox = await hold(store)
    await lived(store, inbox, USER)
    await store.preserve(ID, reason=SECRET, by="mari", until_ms=await store.now_ms() - 1)

    await erased(store, USER)

    assert await traces(store, USER, SECRET) == []


async def test_no_letter_is_kept_that_names_somebody_who_was_erased(store: Store) -> None:
    await erased(store, USER)
    entry = f'"entry": [{{"id": "{ACCOUNT}"}}], "sender": {{"id": "%s"}}, "text": "{SECRET}'
    letters = [
        DeadLetter(
            id=f"dead.{user}", source="dead", reason="x", body=(entry % user).encode(), at_ms=1
        )
        for user in (USER, OTHER)
    ]
    of_conversation = DeadLetter(
        id="event:1", source="inbox_event", reason="x", body=b"x", at_ms=1, conversation=ID
    )

    await store.bury([GRAVES.of_letter(one) for one in (*letters, of_conversation)])

    assert [one.id for one in await store.dead_letters(limit=9)] == [f"dead.{OTHER}"]


async def test_a_letter_with_others_in_it_is_given_out_and_erased_by_each_ones_part(
    store: Store,
) -> None:
    nobodys = replace(message(USER, text=f"about {USER}"), user=None, conversation=None)
    events = (message(USER, text="Minu"), message(OTHER, text=f"{SECRET} teise"), nobodys)
    body = encode(inbox_message(events, at_ms=1, forget=("others-conversation",)))
    outbox = f'{{"sends": [{{"user": "{USER}", "user": "{OTHER}"}}]}}'.encode()
    await store.bury(
        [
            DeadLetter(id=id_, source="dead", reason="x", body=one, at_ms=1)
            for id_, one in (("dead.1", body), ("dead.2", outbox))
        ]
    )

    data = await store.user_data(ACCOUNT, USER, ID)

    given = {row["id"]: row["body"] for row in data["dead_letter"]}
    assert decode_inbox(given["dead.1"]).events == (events[0], nobodys)
    assert decode_inbox(given["dead.1"]).forget == ()
    assert given["dead.2"] == b"", "nobody can tell whose words are in it"

    assert (await erased(store, USER)).counts["dead_letter"] == 2
    [left] = await store.dead_letters(limit=9)
    assert (left.id, decode_inbox(left.body).events) == ("dead.1", (events[1],))
    assert await traces(store, USER) == []
    await erased(store, OTHER)
    assert await store.dead_letters(limit=9) == ()


async def test_what_no_transaction_has_room_for_goes_in_steps_unseen(store: Store) -> None:
    assert isinstance(store, SqlStore)
    store.most_rows = 3
    inbox = await hold(store)
    for number in range(6):
        await answered(
            store, inbox, f"{SECRET} {number}", user=USER, asked=message(USER, text=SECRET)
        )
    await recorded(store, inbox, *(message(USER, text=SECRET) for _ in range(8)))

    done = await erased(store, USER)

    assert await ids_of_or_none(store) is None
    assert await store.dead_letters(limit=9) == ()
    assert await store.unfinished(OUTBOX, limit=9) == ()
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))
    row = (await store.load([ID], 1_000))[ID]
    assert [one.event.text for one in row.pending] == ["Tere jälle"]
    assert row.history == ()
    steps = 0
    while await store.erase_more(done.code):
        steps += 1
    assert steps > 1
    assert await traces(store, SECRET) == []
    assert await ids_of(store, USER) == ["Tere jälle"]
    recorded_counts = await store.erasure(done.code)
    assert recorded_counts is not None
    assert recorded_counts.counts["history"] == 12


async def ids_of_or_none(store: Store) -> object:
    return (await store.load([ID], 1)).get(ID)
