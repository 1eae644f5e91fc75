"""Messages that users edit, and take back."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    hold,
    message,
    new,
    recorded,
    rival,
    store,
    texts,
)
from vestlus.conversation.events import Attachment, EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.store.port import Store
from vestlus.store.rows import (
    Change,
    EventState,
)

__all__ = ["rival", "store"]

DAY_MS = 24 * 60 * 60 * 1000
NOW_MS = 1_700_000_000_000


async def test_an_edited_message_has_its_new_text_where_it_waits_and_where_it_stands(
    store: Store,
) -> None:
    lease = await hold(store)
    old = message(mid="old", text="Kell 5?")
    await answered(store, lease, "Jah.", asked=old)
    waiting = message(mid="waits", text="Ja homme?", attachments=(Attachment("image"),))
    await recorded(store, lease, waiting)

    await changed(store, lease, Change(edited=("old", "Kell 6?")))
    await changed(store, lease, Change(edited=("waits", "Ja ülehomme?\x00")))
    await changed(store, lease, Change(edited=("unheard of", "x")))

    row = await conversation(store)
    assert await texts(store) == ["Kell 6?", "Jah."]
    (pending,) = row.pending
    assert pending.event.text is not None
    assert pending.event.text.rstrip("\x00\ufffd") == "Ja ülehomme?"
    assert pending.event.attachments == waiting.attachments
    assert row.version == 4


async def test_a_message_that_was_taken_back_is_gone_from_the_history(store: Store) -> None:
    lease = await hold(store)
    await answered(store, lease, "Jah.", asked=message(mid="old", text="Minu kood on 123"))
    await answered(store, lease, "Palun.", asked=message(mid="other", text="Aitäh"))

    await changed(store, lease, Change(removed_mid="old"))
    await changed(store, lease, Change(edited=("old", "again")))

    assert await texts(store) == ["Jah.", "Aitäh", "Palun."]
    assert (await conversation(store)).messages == 4
    mids = ["old", "other"]
    assert await store.texts_of(ACCOUNT, conversation_id(ACCOUNT, "user"), mids) == {
        "other": "Aitäh"
    }


async def test_a_message_that_was_taken_back_calls_for_no_answer(store: Store) -> None:
    lease = await hold(store)
    secret = message(
        text="salajane",
        attachments=(Attachment("image", "https://x/1"),),
        story_id="story",
        story_url="https://x/2",
        payload="button",
    )
    edit = replace(secret, key="edit", kind=EventKind.EDIT, text="salajasem", number=1)
    kept = message(text="tavaline")
    await recorded(store, lease, secret, kept)
    await recorded(store, lease, new(edit, Change(edited=(str(secret.mid), "salajasem"))))
    unsend = message(kind=EventKind.UNSEND, mid=secret.mid, text=None)

    added = await recorded(store, lease, new(unsend, Change(removed_mid=secret.mid)))

    row = await conversation(store)
    assert [item.event.text for item in row.pending] == ["tavaline"]
    assert [item.state for item in added] == [EventState.NOTED]
    assert (await store.counts()).events == {
        "message/noted": 1,
        "message/pending": 1,
        "edit/noted": 1,
        "unsend/noted": 1,
    }
    mids = [str(secret.mid), str(kept.mid)]
    assert await store.texts_of(ACCOUNT, row.id, mids) == {kept.mid: "tavaline"}


async def test_a_message_taken_back_at_once_is_not_told_as_unanswered(store: Store) -> None:
    lease = await hold(store)
    asked = message()
    unsend = new(message(kind=EventKind.UNSEND, mid=asked.mid), Change(removed_mid=asked.mid))

    added = await recorded(store, lease, asked, unsend)

    assert [item.state for item in added] == [EventState.NOTED, EventState.NOTED]


async def test_a_dead_letter_of_a_message_that_was_taken_back_is_emptied(store: Store) -> None:
    lease = await hold(store)
    secret, other = message(text="salajane"), message(text="muu")
    await recorded(store, lease, secret, other)
    id_ = conversation_id(ACCOUNT, "user")
    await store.give_up(lease, id_, reason="poison", now_ms=1)

    await changed(store, lease, Change(removed_mid=secret.mid))

    bodies = {letter.id: letter.body for letter in await store.dead_letters(limit=9)}
    assert bodies[f"event:{secret.key}"] == b""
    assert b"muu" in bodies[f"event:{other.key}"]


async def test_a_summary_that_may_repeat_what_was_taken_back_is_dropped(store: Store) -> None:
    lease = await hold(store)
    await answered(store, lease, "Jah.", asked=message(mid="old"))
    await answered(store, lease, "Jah.", asked=message(mid="newer"))
    id_ = conversation_id(ACCOUNT, "user")
    await store.keep_summary(lease, id_, summary="Ütles, et on haige.", summarised=2)

    await changed(store, lease, Change(removed_mid="newer"))
    assert (await conversation(store)).summary == "Ütles, et on haige."
    await changed(store, lease, Change(removed_mid="old"))

    row = await conversation(store)
    assert (row.summary, row.summarised) == ("", 2)


async def test_a_summary_of_what_was_edited_afterwards_is_dropped(store: Store) -> None:
    lease = await hold(store)
    await answered(store, lease, "Jah.", asked=message(mid="old"))
    await answered(store, lease, "Jah.", asked=message(mid="newer"))
    id_ = conversation_id(ACCOUNT, "user")
    await store.keep_summary(lease, id_, summary="Tuleb kell 5.", summarised=2)

    await changed(store, lease, Change(edited=("newer", "Kell 6")))
    assert (await conversation(store)).summary == "Tuleb kell 5."
    await changed(store, lease, Change(edited=("old", "Kell 6")))

    row = await conversation(store)
    assert (row.summary, row.summarised) == ("", 2)
