"""Answers that wait for a person's yes."""

from __future__ import annotations

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    answered,
    changed,
    conversation,
    hold,
    hold_outbox,
    message,
    path,
    promise,
    send,
    step,
    store,
    texts,
    unfinished,
    walk,
)
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import Change, Kind, NewSend, Origin, TransitionResult

__all__ = ["store"]

DRAFT, PENDING, SENDING = SendState.DRAFT, SendState.PENDING, SendState.SENDING
SENT, DEAD = SendState.SENT, SendState.DEAD
ID = conversation_id(ACCOUNT, "user")


async def drafted(store: Store, *parts: str, **fields: object) -> list[NewSend]:
    """A turn whose answer waits for a yes."""
    return await answered(store, await hold(store), *parts, draft=True, **fields)  # type: ignore[arg-type]


async def all_sent(store: Store) -> list[tuple[str, str]]:
    """Sends everything to the user in order; ids and texts."""
    outbox, found = await hold_outbox(store), []
    while rows := await unfinished(store):
        found.append((rows[0].id, rows[0].text))
        await walk(store, outbox, path(send(id=rows[0].id), SENDING, SENT))
    return found


async def test_a_draft_is_written_whole_and_not_sent(store: Store) -> None:
    (new,) = await drafted(store, "Tere!", deadline_ms=900)

    assert await unfinished(store) == ()
    assert await store.unfinished(OUTBOX, limit=9, ids=[new.id]) == ()
    (draft,) = await store.drafts(limit=9)
    assert (draft.id, draft.account, draft.user, draft.conversation) == (
        *(new.id, ACCOUNT),
        *("user", ID),
    )
    assert (draft.turn, draft.kind, draft.text, draft.pictures) == (0, Kind.TEXT, "Tere!", ())
    assert (draft.created_ms, draft.deadline_ms) == (20, 900)
    assert (await store.counts()).sends == {"draft": 1}
    outbox = await hold_outbox(store)
    assert await store.recover(outbox, 1) == 0
    begin = step(new, PENDING, SENDING)
    assert await store.transition(outbox, [begin]) == [TransitionResult.STALE]


async def test_drafts_are_told_by_their_deadlines_and_no_more_than_asked_for(store: Store) -> None:
    for user, deadline_ms in (("mari", 30), ("jaan", 10), ("tiiu", 20)):
        await drafted(store, "1", "2", user=user, deadline_ms=deadline_ms)

    assert [draft.deadline_ms for draft in await store.drafts(limit=9)] == [10, 10, 20, 20, 30, 30]
    assert [draft.text for draft in await store.drafts(limit=3)] == ["1", "2", "1"]


async def test_later_sends_do_not_wait_for_a_draft(store: Store) -> None:
    await drafted(store, "Ootab.")
    (later,) = await answered(store, await hold(store), "Ei oota.")

    assert [row.id for row in await unfinished(store)] == [later.id]


async def test_approved_drafts_are_sent_in_order(store: Store) -> None:
    first, second = await drafted(store, "Üks.", "Kaks.")
    other = await drafted(store, "Muu.")
    version = (await conversation(store)).version

    await changed(store, await hold(store), Change(approved_turn=first.turn), now_ms=77)

    rows = await unfinished(store)
    assert [(row.id, row.state, row.due_ms) for row in rows] == [(first.id, PENDING, 77)]
    assert await all_sent(store) == [(first.id, "Üks."), (second.id, "Kaks.")]
    assert [draft.id for draft in await store.drafts(limit=9)] == [other[0].id]
    assert (await conversation(store)).version == version + 1


async def test_what_is_given_up_after_an_approval_tells_of_it(store: Store) -> None:
    (new,) = await drafted(store, "Jah.")
    await changed(store, await hold(store), Change(approved_turn=new.turn), now_ms=77)
    refused = path(new, SENDING, DEAD, at_ms=80, reason="refused")
    await walk(store, await hold_outbox(store), refused)

    (letter,) = await store.dead_letters(limit=9)
    assert [(one.at_ms, one.what, one.detail) for one in letter.history] == [
        *((20, "decided", ""), (77, "pending", "approved")),
        *((50, "sending", ""), (80, "dead", "refused")),
    ]


async def test_an_approval_may_bring_other_texts(store: Store) -> None:
    first, second = await drafted(store, "Üks.", "Kaks.", deadline_ms=900, traceparent="00-a-b-01")
    change = Change(approved_turn=0, approved_texts=("Parem üks.\x00", "Parem kaks.", "Kolm."))

    await changed(store, await hold(store), change, now_ms=77)

    (row,) = await unfinished(store)
    assert (row.id, row.position, row.text) == (f"{ID}.0.2", 2, "Parem üks.\ufffd")
    assert (row.origin, row.turn, row.answers) == (Origin.BOT, 0, first.answers)
    assert (row.deadline_ms, row.due_ms, row.traceparent) == (900, 77, "00-a-b-01")
    assert [text for _, text in await all_sent(store)] == [
        *("Parem üks.\ufffd", "Parem kaks."),
        "Kolm.",
    ]
    assert await texts(store) == ["Tere!", "Parem üks.\ufffd\n\nParem kaks.\n\nKolm."]
    assert second.position == 1
    assert (await store.counts()).sends == {"cancelled": 2, "sent": 3}


async def test_pictures_of_an_approved_turn_are_sent_with_the_other_texts(store: Store) -> None:
    pictures = ("kaart", "maja")
    (shown,) = await drafted(store, "", kind=Kind.PICTURES, pictures=pictures)
    (draft,) = await store.drafts(limit=9)
    assert (draft.kind, draft.pictures) == (Kind.PICTURES, pictures)

    change = Change(approved_turn=0, approved_texts=("Siin on kaart.",))
    await changed(store, await hold(store), change)

    (row,) = await unfinished(store)
    assert (row.id, row.kind, row.pictures, row.text) == (shown.id, Kind.PICTURES, pictures, "")
    assert [text for _, text in await all_sent(store)] == ["", "Siin on kaart."]


@pytest.mark.parametrize("words", [(), ("Muu.",)])
async def test_an_approval_that_finds_no_drafts_sends_nothing(
    store: Store, words: tuple[str, ...]
) -> None:
    (gone,) = await drafted(store, "Hilja.")
    await walk(store, await hold_outbox(store), [step(gone, DRAFT, DEAD, reason="late")])
    lease = await hold(store)

    for turn in (0, 7):
        await changed(store, lease, Change(approved_turn=turn, approved_texts=words))

    assert await unfinished(store) == ()
    assert await texts(store) == ["Tere!"]


async def test_rejected_drafts_are_cancelled_and_unsaid(store: Store) -> None:
    await drafted(store, "Üks.", "Kaks.")
    await drafted(store, "Kolm.")
    lease = await hold(store)

    await changed(store, lease, Change(rejected_turn=0))
    await changed(store, lease, Change(rejected_turn=0))

    assert await texts(store) == ["Tere!", "Tere!", "Kolm."]
    assert [draft.text for draft in await store.drafts(limit=9)] == ["Kolm."]
    assert (await store.counts()).sends == {"cancelled": 2, "draft": 1}
    assert await store.dead_letters(limit=9) == ()


async def test_what_was_sent_is_not_unsaid_by_a_rejection(store: Store) -> None:
    (sent,) = await answered(store, await hold(store), "Läinud.")
    await walk(store, await hold_outbox(store), path(sent, SENDING, SENT))

    await changed(store, await hold(store), Change(rejected_turn=sent.turn))

    assert await texts(store) == ["Tere!", "Läinud."]


async def test_a_persons_answer_cancels_drafts_too(store: Store) -> None:
    await drafted(store, "Ootab.")

    await changed(store, await hold(store), Change(cancel_sends=True))

    assert await store.drafts(limit=9) == ()
    assert await texts(store) == ["Tere!"]


async def test_overdue_drafts_are_told_oldest_deadline_first(store: Store) -> None:
    for user, deadline_ms in (("mari", 30), ("jaan", 10), ("tiiu", 20)):
        await drafted(store, "Tere!", user=user, deadline_ms=deadline_ms)
    await promise(store, send("peeter", deadline_ms=5))

    assert [row.user for row in await store.overdue_drafts(OUTBOX, 30, 9)] == ["jaan", "tiiu"]
    assert [row.user for row in await store.overdue_drafts(OUTBOX, 31, 2)] == ["jaan", "tiiu"]
    assert await store.overdue_drafts(1 - OUTBOX, 99, 9) == ()
    assert await store.overdue_drafts(OUTBOX, 10, 9) == ()
    (row, *_) = await store.overdue_drafts(OUTBOX, 99, 9)
    assert (row.state, row.user, row.text) == (DRAFT, "jaan", "Tere!")


async def test_an_overdue_draft_becomes_a_dead_letter_and_is_unsaid(store: Store) -> None:
    (late,) = await drafted(store, "Hilja.", asked=message(text="Ruttu!"))
    version = (await conversation(store)).version

    gone = step(late, DRAFT, DEAD, reason="window_closed")
    await walk(store, await hold_outbox(store), [gone])

    (letter,) = await store.dead_letters(limit=9)
    assert (letter.reason, letter.id) == ("window_closed", f"ledger:{late.id}")
    assert "Hilja." in letter.body.decode()
    assert await store.drafts(limit=9) == ()
    assert await texts(store) == ["Ruttu!"]
    assert (await conversation(store)).version == version + 1


async def test_the_last_part_of_an_answer_keeps_since_when_the_user_has_waited(
    store: Store,
) -> None:
    lease = await hold(store)
    await answered(store, lease, "Üks.", asked_ms=5)
    (row,) = await unfinished(store)
    assert (row.asked_ms, row.created_ms) == (5, 20)


async def test_texts_in_place_of_a_draft_take_over_since_when_the_user_has_waited(
    store: Store,
) -> None:
    await drafted(store, "Üks.", asked_ms=5)
    change = Change(approved_turn=0, approved_texts=("Parem.", "Kaks."))
    await changed(store, await hold(store), change, now_ms=77)
    waited = []
    outbox = await hold_outbox(store)
    while rows := await unfinished(store):
        waited.append(rows[0].asked_ms)
        sent = send(id=rows[0].id)
        await walk(store, outbox, path(sent, SENDING, SENT))
    assert waited == [0, 5]
