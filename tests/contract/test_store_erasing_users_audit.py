"""Who erased a user, on both stores: one code erases once, and has one entry in the audit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.erasing_support import (
    ID,
    OTHER,
    SECRET,
    USER,
    came,
    dumped,
    ids_of,
    lived,
    traces,
    whom,
    wish,
)
from tests.contract.store_support import ACCOUNT, hold, message, recorded, store, whose_entries
from tests.contract.test_store_opening import in_database
from vestlus.errors import CodeTaken, ConversationPreserved
from vestlus.store.erasing import ErasureState, Way
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store

__all__ = ["store"]


async def test_one_code_erases_once(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER))
    first = await store.erase(wish("TWICE"), [whom(USER)])
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))

    again = await store.erase(wish("TWICE"), [whom(USER)])
    assert again == first
    assert (first.is_new, again.is_new) == (True, False)
    assert await ids_of(store, USER) == ["Tere jälle"]
    assert await store.erasures(limit=9) == (first,)


@pytest.mark.parametrize(
    ("way", "audited"),
    [(Way.CLI, "command"), (Way.API, "api"), (Way.CHAT, "chat"), (Way.META, "meta")],
)
async def test_an_erasure_and_its_entry_in_the_audit_are_written_together_and_once(
    store: Store, way: Way, audited: str
) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER))
    wanted = replace(wish(), way=way)
    done = await store.erase(wanted, [whom(USER)])
    await store.erase(wanted, [whom(USER)])

    [entry] = await store.audit_entries(action="user.erase")
    assert (entry.way, entry.person, entry.role) == (audited, "mari", "")
    assert (entry.target, entry.outcome, entry.detail) == (done.code, "done", "")
    assert entry.at_ms == done.asked_ms
    assert await traces(store, USER, SECRET) == []

    opened = await store.erase(replace(wish(state=ErasureState.OPEN), way=way), [])
    entries = await store.audit_entries(action="user.erase")
    assert [(one.target, one.outcome) for one in entries] == [
        (opened.code, "open"),
        (done.code, "done"),
    ]


async def test_who_erases_by_hand_stands_in_the_entry_as_they_came(store: Store) -> None:
    who = AuditEntry(1, "Mari", "admin", "oidc", "user.erase", "not a code", detail="x")
    who = replace(who, account=ACCOUNT)
    done = await store.erase(replace(wish(), way=Way.CONSOLE), [whom(USER)], entry=who)
    [entry] = await store.audit_entries()
    assert (entry.person, entry.role, entry.way) == ("Mari", "admin", "oidc")
    assert (entry.at_ms, entry.target, entry.detail) == (done.asked_ms, done.code, "")
    # Which would say among fewer people whose data they were.
    assert await in_database(store, whose_entries) == [""]


async def test_what_is_not_erased_has_no_entry_of_an_erasure(store: Store) -> None:
    inbox = await hold(store)
    await lived(store, inbox, USER)
    await store.preserve(ID, reason=SECRET, by="mari")
    with pytest.raises(ConversationPreserved):
        await store.erase(wish(), [whom(USER)])
    assert await store.audit_entries() == ()


async def test_a_code_of_another_erasure_erases_nobody_and_does_not_say_so(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER), message(OTHER))
    first = await store.erase(wish("MINE"), [whom(USER)])
    before = await dumped(store)

    for others in ([whom(OTHER)], [whom(USER), whom(OTHER)]):
        with pytest.raises(CodeTaken):
            await store.erase(wish("MINE"), others)
    with pytest.raises(CodeTaken):
        await store.erasure_of("MINE", whom(OTHER).grave)
    assert await dumped(store) == before
    assert await store.erasure_of("MINE", whom(USER).grave) == first
    assert await store.erasure_of("NONE", whom(USER).grave) is None

    by_meta = replace(wish("MINE"), way=Way.META)
    assert await store.erase(by_meta, [whom(USER), whom(OTHER)]) == first, "as it was made then"
