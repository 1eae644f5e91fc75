"""How an erasure ends, on both stores: its last word, its tombstone, and who sees to it."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.erasing_support import (
    ID,
    USER,
    came,
    dumped,
    erased,
    tomb_times,
    traces,
    wish,
)
from tests.contract.store_support import (
    OUTBOX,
    answered,
    echo,
    hold,
    hold_outbox,
    message,
    new,
    path,
    rival,
    store,
    texts,
    walk,
)
from tests.contract.store_support import (
    send as new_send,
)
from vestlus.store.erasing import BY_META, BY_USER, KEPT_HOURS, ErasureState, Farewell, Way
from vestlus.store.ledger import SendState
from vestlus.store.port import Store

__all__ = ["rival", "store"]

SOON = 2**52


async def last_word(store: Store, outbox_state: SendState | None) -> str:
    """Erases with a last word, which gets as far as that; its id."""
    await erased(store, USER, Farewell(text="Kustutatud.", deadline_ms=SOON))
    (send,) = await store.unfinished(OUTBOX, limit=9)
    assert (send.text, send.user) == ("Kustutatud.", USER)
    outbox = await hold_outbox(store)
    if outbox_state is not None:
        sent = path(new_send(USER, id=send.id), SendState.SENDING, outbox_state)
        await walk(store, outbox, sent)
    return send.id


async def test_the_last_word_is_sent_and_then_forgotten_with_its_echo(store: Store) -> None:
    inbox = await hold(store)
    await answered(store, inbox, "Tere!", user=USER)
    id_ = await last_word(store, SendState.SENT)
    heard = new(echo(USER, text="Kustutatud.", mid=f"mid-of-{id_}", timestamp_ms=SOON), echo_of=id_)
    assert len(await came(store, inbox, heard)) == 1
    assert await store.unswept(9) == ()
    await tomb_times(store, sweep_ms=1)
    (grave,) = await store.unswept(9)

    assert await store.sweep(grave)

    assert await store.unswept(9) == ()
    assert await traces(store, USER, "Kustutatud", ID) == []
    assert [one.state for one in await store.erasures_to_end()] == [ErasureState.ERASED]
    codes = [one.code for one in await store.erasures_to_end()]
    assert await store.reclaim()
    assert await store.end_erasures(codes) == 1
    ended = await store.erasure(codes[0])
    assert ended is not None
    assert ended.state is ErasureState.DONE
    assert ended.done_ms >= ended.asked_ms


async def test_a_last_word_on_its_way_is_waited_for(store: Store) -> None:
    await hold(store)
    await last_word(store, None)
    await tomb_times(store, sweep_ms=1)
    (grave,) = await store.unswept(9)

    assert not await store.sweep(grave)
    assert await store.unswept(9) == (grave,)
    assert len(await store.unfinished(OUTBOX, limit=9)) == 1


async def test_what_the_user_wrote_since_stays_when_the_last_word_goes(store: Store) -> None:
    inbox = await hold(store)
    await last_word(store, SendState.SENT)
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Aitäh", timestamp_ms=now + 1_000))
    await answered(store, inbox, "Palun!", user=USER)
    await tomb_times(store, sweep_ms=1)
    (grave,) = await store.unswept(9)

    assert await store.sweep(grave)

    assert "Palun!" in await texts(store, USER)
    assert await traces(store, "Kustutatud") == []
    assert len(await store.unfinished(OUTBOX, limit=9)) == 1


async def test_a_tombstone_goes_when_the_service_was_looked_after_for_long_enough(
    store: Store,
) -> None:
    inbox = await hold(store)
    await erased(store, USER)
    old = await store.now_ms() - (KEPT_HOURS + 1) * 3_600_000
    await tomb_times(store, at_ms=old, counted_ms=old, hours=KEPT_HOURS - 2)

    # One hour is counted at a time: a service that was down for a month counts none.
    assert [await store.count_tombstones() for _ in range(3)] == [0, 0, 0]
    await tomb_times(store, counted_ms=old)
    assert await store.count_tombstones() == 0, "its conversation is still to be swept"
    await tomb_times(store, sweep_ms=1)
    for grave in await store.unswept(9):
        await store.sweep(grave)
    assert await store.count_tombstones() == 1
    assert (await dumped(store))["tombstone"] == []
    assert len(await came(store, inbox, message(USER, timestamp_ms=1))) == 1


async def test_one_that_waits_for_a_person_is_ended_by_one(store: Store) -> None:
    done = await store.erase(wish("OPEN", ErasureState.OPEN), [])
    assert done.state is ErasureState.OPEN
    assert not await store.close_erasure("NONE", by="jaan")
    assert await store.close_erasure("OPEN", by="jaan")
    assert not await store.close_erasure("OPEN", by="mari")
    ended = await store.erasure("OPEN")
    assert ended is not None
    assert (ended.state, ended.by) == (ErasureState.DONE, "jaan")


async def test_operators_names_go_from_old_erasures_and_nothing_else_does(store: Store) -> None:
    await store.erase(wish("OPEN", ErasureState.OPEN), [])
    for code, way, by in (("CLI", Way.CLI, "mari"), ("CHAT", Way.CHAT, BY_USER)):
        await store.erase(replace(wish(code), way=way, by=by), [])
    asked = replace(wish("SEEN", ErasureState.OPEN), way=Way.META, by=BY_META)
    await store.erase(asked, [])
    assert await store.close_erasure("SEEN", by="jaan")
    await store.end_erasures(["CLI", "CHAT"])
    before = {one.code: one for one in await store.erasures(limit=9)}

    assert await store.forget_who_erased(before["SEEN"].done_ms) == 0
    assert await store.forget_who_erased(await store.now_ms() + 1_000) == 2
    assert await store.forget_who_erased(await store.now_ms() + 1_000) == 0

    after = {one.code: one for one in await store.erasures(limit=9)}
    assert {code: one.by for code, one in after.items()} == {
        "OPEN": "mari",
        "CLI": "",
        "CHAT": BY_USER,
        "SEEN": "",
    }
    assert {code: replace(one, by="") for code, one in after.items()} == {
        code: replace(one, by="") for code, one in before.items()
    }
    closed = {code for code, one in after.items() if one.closed_by_person}
    assert closed == {"SEEN"}, "the page of the code goes on saying so"
