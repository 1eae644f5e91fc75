"""Conversations as people have them before them: lists by page, search, read marks, transcripts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    path,
    recorded,
    store,
    walk,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store
from vestlus.store.rows import FOREVER_MS, Change, Lease, Silence
from vestlus.store.talk_rows import Place, Talk, TalkPage, Wanted

__all__ = ["store"]

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


async def page(store: Store, wanted: Wanted, **how: object) -> TalkPage:
    values = {"now_ms": NOW_MS, "limit": 9, **how}
    return await store.talks(wanted, **values)  # type: ignore[arg-type]


async def listed(store: Store, wanted: Wanted, **how: object) -> list[str]:
    """The users of a page."""
    return [one.row.user for one in (await page(store, wanted, **how)).talks]


async def all_pages(store: Store, wanted: Wanted, limit: int, **how: object) -> list[str]:
    """The users of all pages, one behind the other."""
    users: list[str] = []
    behind: Place | None = None
    while True:
        found = await page(store, wanted, limit=limit, behind=behind, **how)
        users += [one.row.user for one in found.talks]
        behind = found.behind
        if behind is None:
            return users


async def talk(store: Store, user: str = "user") -> Talk:
    found = await store.talk(conversation_id(ACCOUNT, user))
    assert found is not None
    return found


async def wrote(store: Store, lease: Lease, *users: str, ago_ms: int = 0) -> None:
    for user in users:
        event = message(user, timestamp_ms=NOW_MS - ago_ms)
        await recorded(store, lease, event, now_ms=NOW_MS)


async def test_those_in_which_something_happened_last_come_first(store: Store) -> None:
    lease = await hold(store)
    await wrote(store, lease, "mari", "jaan", "tiiu", "mari", "peeter", "jaan")
    assert await listed(store, Wanted.NEWEST) == ["jaan", "peeter", "mari", "tiiu"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_pages_of_the_newest_have_each_conversation_once(store: Store, limit: int) -> None:
    lease = await hold(store)
    await wrote(store, lease, "mari", "jaan", "tiiu", "mari", "peeter", "jaan", "jaan")
    found = await all_pages(store, Wanted.NEWEST, limit)
    assert found == ["jaan", "peeter", "mari", "tiiu"]


async def test_a_list_is_one_account_s_where_that_is_asked(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari"), message("jaan", account="other"))
    await changed(store, lease, Change(waiting_ms=5), "mari")
    assert await listed(store, Wanted.NEWEST, account="\x00") == []
    assert await listed(store, Wanted.UNREAD, account="other") == ["jaan"]
    assert await listed(store, Wanted.UNREAD, account=ACCOUNT) == ["mari"]
    assert await listed(store, Wanted.WAITING, account=ACCOUNT) == ["mari"]
    assert await listed(store, Wanted.WAITING, account="other") == []


async def test_what_was_read_is_unread_again_when_the_user_writes(store: Store) -> None:
    lease = await hold(store)
    await wrote(store, lease, "mari", "jaan", ago_ms=20)
    assert await listed(store, Wanted.UNREAD) == ["jaan", "mari"]
    seen = await talk(store, "mari")
    assert seen.unread
    await store.mark_read(seen.row.id, seen.row.user_ms, NOW_MS)
    assert await listed(store, Wanted.UNREAD) == ["jaan"]
    assert not (await talk(store, "mari")).unread
    await wrote(store, lease, "mari", ago_ms=10)
    assert await listed(store, Wanted.UNREAD) == ["mari", "jaan"]
    # A page that was open for long takes nothing back.
    await store.mark_read(seen.row.id, seen.row.user_ms - 5, NOW_MS)
    assert (await talk(store, "mari")).read_ms == seen.row.user_ms
    # Nor does one of a conversation that is gone leave anything.
    await store.mark_read("none", 5, NOW_MS)
    assert await store.talk("none") is None


async def test_lists_of_what_calls_for_people_go_on_page_by_page(store: Store) -> None:
    lease = await hold(store)
    for user, at_ms in (("mari", 30), ("jaan", 10), ("tiiu", 10), ("anu", 20)):
        await changed(store, lease, Change(waiting_ms=at_ms), user)
        until_ms = NOW_MS + at_ms
        await changed(store, lease, Change(silence=Silence.PERSON, silent_until_ms=until_ms), user)
    await changed(store, lease, Change(silence=Silence.STOPPED, silent_until_ms=FOREVER_MS), "anu")
    await changed(store, lease, Change(silence=Silence.PERSON, silent_until_ms=NOW_MS), "past")
    for wanted in (Wanted.WAITING, Wanted.PAUSED):
        found = await all_pages(store, wanted, 9)
        assert sorted(found[:2]) == ["jaan", "tiiu"]
        assert found[2:] == (["anu", "mari"] if wanted is Wanted.WAITING else ["mari", "anu"])
        for limit in (1, 2, 3):
            assert await all_pages(store, wanted, limit) == found


async def test_drafts_are_listed_by_the_nearest_deadline(store: Store) -> None:
    lease = await hold(store)
    await answered(store, lease, "Tere!", user="mari", draft=True, deadline_ms=50)
    await answered(store, lease, "Tere!", "Ja veel.", user="jaan", draft=True, deadline_ms=30)
    await answered(store, lease, "Tere!", user="tiiu", deadline_ms=10)
    assert await listed(store, Wanted.DRAFTS) == ["jaan", "mari"]
    assert await all_pages(store, Wanted.DRAFTS, 1) == ["jaan", "mari"]
    jaan = await talk(store, "jaan")
    assert jaan.drafts == 2
    assert await store.drafts_of(jaan.row.id) == {jaan.row.version - 1}
    assert await store.drafts_of("none") == frozenset()


async def test_what_was_given_up_is_listed_until_somebody_sees_to_it(store: Store) -> None:
    lease, outbox = await hold(store), await hold_outbox(store)
    for user, at_ms in (("mari", 60), ("jaan", 70)):
        (sent,) = await answered(store, lease, "Tere!", user=user)
        steps = path(sent, SendState.SENDING, SendState.DEAD, at_ms=at_ms)
        await walk(store, outbox, steps)
    assert await listed(store, Wanted.FAILED) == ["jaan", "mari"]
    assert await all_pages(store, Wanted.FAILED, 1) == ["jaan", "mari"]
    assert (await talk(store, "jaan")).failed == 1
    (letter, *_) = await store.dead_letters(limit=9)
    assert await store.discard(letter.id, by="mari", now_ms=80)
    assert await listed(store, Wanted.FAILED) == ["mari"]


async def test_windows_that_close_are_listed_where_something_is_open(store: Store) -> None:
    lease = await hold(store)
    await wrote(store, lease, "mari", ago_ms=23 * HOUR_MS)
    await wrote(store, lease, "jaan", ago_ms=23 * HOUR_MS + 5)
    await wrote(store, lease, "early", ago_ms=20 * HOUR_MS)
    await wrote(store, lease, "late", ago_ms=25 * HOUR_MS)
    done = message("anu", timestamp_ms=NOW_MS - 23 * HOUR_MS)
    await recorded(store, lease, done, now_ms=NOW_MS)
    await changed(store, lease, Change(answers_all=True), "anu")
    found = await listed(store, Wanted.CLOSING, closing_ms=2 * HOUR_MS)
    assert found == ["jaan", "mari"]


async def test_a_listed_conversation_shows_what_was_said_last(store: Store) -> None:
    lease = await hold(store)
    await recorded(
        store,
        lease,
        message("mari", text="Esimene", timestamp_ms=NOW_MS - 9),
        echo("mari", text="Teine", timestamp_ms=NOW_MS - 8),
        message("mari", kind=EventKind.REACTION, timestamp_ms=NOW_MS - 7),
        now_ms=NOW_MS,
    )
    last = (await talk(store, "mari")).last
    assert last is not None
    assert last.event.text == "Teine"
    whole = await conversation(store, "mari")
    assert (await talk(store, "mari")).row == replace(whole, history=(), pending=())
    assert await store.talk("none") is None


@pytest.mark.parametrize(
    ("words", "users"),
    [
        (["tere"], ["jaan", "mari"]),
        (["TERE", "õunu"], ["mari"]),
        (["õunu"], ["mari"]),
        (["ÕUNU"], ["mari"]),
        (["100%"], ["tiiu"]),
        (["0_"], []),
        (['ütles "jah"'], ["tiiu"]),
        (["C:\\x"], ["tiiu"]),
        (["aHv"], []),
        (["\x00"], []),
        ([""], []),
        (["mid"], []),
    ],
)
async def test_words_are_found_in_whatever_case(
    store: Store, words: list[str], users: list[str]
) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari", text="Tere! Kas teil ÕUNU on?"))
    await recorded(store, lease, message("tiiu", text='100% ütles "jah" C:\\x'))
    await recorded(store, lease, echo("jaan", text="tere, jaan"))
    found = await store.talks_saying(words, limit=9)
    assert [one.row.user for one in found.talks] == users
    assert found.behind is None


@pytest.mark.parametrize("word", ["eKool", "ekool", "iPhone", "eÕpe", "Müllerstraße", "Νίκος"])
async def test_words_of_mixed_case_are_found_as_they_stand(store: Store, word: str) -> None:
    said = "eKool ja eÕpe on maas, iPhone ka. Müllerstraße 5. Πού είναι Νίκος;"
    await recorded(store, await hold(store), message("mari", text=said), message("jaan"))
    found = await store.talks_saying([word], limit=9)
    assert [one.row.user for one in found.talks] == ["mari"]


@pytest.mark.parametrize("limit", [1, 2, 9])
async def test_a_search_goes_on_where_it_ended_with_each_conversation_once(
    store: Store, limit: int
) -> None:
    lease = await hold(store)
    for user in ("mari", "jaan", "tiiu", "mari", "jaan"):
        await recorded(store, lease, message(user, text="Kohv"), now_ms=NOW_MS)
    await recorded(store, lease, message("mari", text="Tee"), message("x", account="other"))
    users: list[str] = []
    behind: Place | None = None
    while True:
        found = await store.talks_saying(["kohv"], limit=limit, account=ACCOUNT, behind=behind)
        users += [one.row.user for one in found.talks]
        assert found.looked_ms == NOW_MS
        behind = found.behind
        if behind is None:
            break
    assert users == ["jaan", "mari", "tiiu"]
    (newest, *_) = (await store.talks_saying(["kohv"], limit=9)).talks
    assert newest.last is not None
    assert newest.last.event.text == "Kohv"


async def test_a_transcript_has_what_each_table_keeps_of_it(store: Store) -> None:
    lease, outbox = await hold(store), await hold_outbox(store)
    asked = message(text="Kas on vaba?", mid="asked", timestamp_ms=1)
    (first, second) = await answered(store, lease, "On.", "Tulge!", asked=asked)
    await walk(store, outbox, path(first, SendState.SENDING, SendState.SENT, sent_mid="out"))
    about: dict[str, Any] = {"mid": "asked", "timestamp_ms": 30}
    await recorded(
        store,
        lease,
        echo(mid="out", text="On.", timestamp_ms=25),
        message(kind=EventKind.EDIT, key="edit", **about),
        message(kind=EventKind.REACTION, key="heart", mid="out", timestamp_ms=31),
        message(kind=EventKind.READ, key="read", mid="out", timestamp_ms=33, text=None),
        message(text="Aitäh", timestamp_ms=40),
    )
    id_ = conversation_id(ACCOUNT, "user")
    part = await store.transcript(id_, ACCOUNT, before_ms=NOW_MS, limit=9)
    assert [(one.position, one.role, one.mid) for one in part.history] == [
        (1, "assistant", None),
        (0, "user", "asked"),
    ]
    assert [one.event.text for one in part.events] == ["Aitäh", "On.", "Kas on vaba?"]
    assert [one.id for one in part.sends] == [second.id, first.id]
    assert [one.state for one in part.sends] == [SendState.PENDING, SendState.SENT]
    assert [one.event.kind for one in part.about] == [EventKind.EDIT, EventKind.REACTION]
    assert part.recorded == {"asked"}
    assert part.promised == {first.turn}
    assert part.claimed == {"out"}
    assert part.seen_ms == 33
    assert not part.more

    newest = await store.transcript(id_, ACCOUNT, before_ms=NOW_MS, limit=1)
    assert newest.more
    assert [len(newest.history), len(newest.events), len(newest.sends)] == [1, 1, 1]
    older = await store.transcript(id_, ACCOUNT, before_ms=25, limit=9)
    assert [one.event.mid for one in older.events] == ["asked"]

    (newest_event, *_) = part.events
    assert await store.recorded_event(id_, newest_event.seq) == newest_event
    assert await store.recorded_event("other", newest_event.seq) is None


async def test_stamps_differ_when_something_happened(store: Store) -> None:
    lease, outbox = await hold(store), await hold_outbox(store)
    id_ = conversation_id(ACCOUNT, "user")
    assert await store.talk_stamp(id_) == ""
    stamps, lists = [await store.talk_stamp(id_)], [await store.talks_stamp()]

    async def looked(*, on_list: bool) -> None:
        stamps.append(await store.talk_stamp(id_))
        lists.append(await store.talks_stamp())
        assert stamps[-1] != stamps[-2]
        assert (lists[-1] != lists[-2]) is on_list
        assert await store.talk_stamp(id_) == stamps[-1]

    await recorded(store, lease, message(timestamp_ms=5), now_ms=5)
    await looked(on_list=True)
    (sent,) = await answered(store, lease, "Tere!", asked=message(timestamp_ms=6))
    await looked(on_list=True)
    await walk(store, outbox, path(sent, SendState.SENDING))
    await looked(on_list=False)
    await store.mark_read(id_, 6, 70)
    await looked(on_list=True)
    await changed(store, lease, Change(waiting_ms=9))
    await looked(on_list=True)
    entry = AuditEntry(5, "Mari", "agent", "oidc", "conversation.take_over", id_)
    await store.audit(entry)
    await looked(on_list=False)
