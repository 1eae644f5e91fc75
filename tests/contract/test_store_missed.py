"""Messages whose webhooks were missed: what is recorded of them, and what they change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    ANNA_AGAIN,
    OUTBOX,
    answered,
    changed,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    recorded,
    store,
    texts,
    unfinished,
)
from vestlus.conversation.echoes import Judgement, Whose
from vestlus.conversation.events import Event, EventKind, Missed
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.window import LONGEST_REDELIVERY_MS
from vestlus.errors import LeaseLost
from vestlus.hosting.effects import PeoplePolicy, effect_of
from vestlus.store.names import outbox_lease
from vestlus.store.port import Store
from vestlus.store.rows import Change, NewEvent, RecordedMessage, Silence

__all__ = ["store"]

ID = conversation_id(ACCOUNT, "user")
HOUR_MS = 3_600_000
NOW = 100 * 24 * HOUR_MS
POLICY = PeoplePolicy(pause_ms=HOUR_MS)


async def test_how_far_was_looked_never_goes_back_and_is_the_holders_to_say(store: Store) -> None:
    lease = await hold_outbox(store)
    assert await store.looked_until(ACCOUNT) == 0
    await store.note_looked(lease, ACCOUNT, 50)
    await store.note_looked(lease, ACCOUNT, 40)
    assert await store.looked_until(ACCOUNT) == 50
    assert await store.looked_until("another") == 0
    await store.acquire([outbox_lease(OUTBOX)], ANNA_AGAIN, 60.0)
    with pytest.raises(LeaseLost):
        await store.note_looked(lease, ACCOUNT, 60)
    assert await store.looked_until(ACCOUNT) == 50


async def test_messages_are_known_by_mid_and_by_time_and_what_names_them_is_none(
    store: Store,
) -> None:
    lease = await hold(store)
    await recorded(
        store,
        lease,
        message(mid="old", timestamp_ms=5, text="vana"),
        message(mid="recent", timestamp_ms=90, text="uus"),
        echo(mid="e", timestamp_ms=95, text="kaja"),
        message(mid="only-read", kind=EventKind.READ, timestamp_ms=99),
        message(mid="gone", timestamp_ms=96),
        message(mid="gone", kind=EventKind.UNSEND, timestamp_ms=97),
        message("jaan", mid="other", timestamp_ms=98),
    )

    found = await store.known_messages(ACCOUNT, ID, ["old", "only-read", "nobody's"], 90)

    assert RecordedMessage("old", "vana", 5, from_user=True) in found
    assert RecordedMessage("e", "kaja", 95, from_user=False) in found
    assert {one.mid for one in found} == {"old", "recent", "e", "gone"}
    assert all(one.taken_back for one in found if one.mid == "gone")


async def test_a_stale_message_is_shown_and_not_answered(store: Store) -> None:
    lease = await hold(store)
    at_ms = NOW - 40 * HOUR_MS
    stale = message(text="Kas olete avatud?", timestamp_ms=at_ms, missed=Missed.STALE)

    await recorded(store, lease, effect_of(stale, POLICY, NOW), now_ms=NOW)

    row = await conversation(store)
    assert (row.pending, row.waiting_ms, row.silence) == ((), NOW, Silence.NONE)
    assert row.note.startswith("missed_message (")
    # The window is that of when it was written, however old that is.
    assert row.user_ms == at_ms < NOW - LONGEST_REDELIVERY_MS
    assert await texts(store) == ["Kas olete avatud?"]


async def test_what_was_answered_long_ago_makes_nobody_wait(store: Store) -> None:
    lease = await hold(store)
    past = message(text="Ammu", timestamp_ms=NOW - 8 * HOUR_MS, missed=Missed.PAST)

    await recorded(store, lease, effect_of(past, POLICY, NOW), now_ms=NOW)

    row = await conversation(store)
    assert (row.pending, row.waiting_ms, row.note) == ((), 0, "")
    assert await texts(store) == ["Ammu"]


async def test_whoever_waits_for_a_person_already_keeps_place_and_note(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    await changed(store, lease, Change(waiting_ms=7, note="Tulekahju"))
    stale = message(timestamp_ms=NOW - 8 * HOUR_MS, missed=Missed.STALE)

    await recorded(store, lease, effect_of(stale, POLICY, NOW), now_ms=NOW)

    row = await conversation(store)
    assert (row.waiting_ms, row.note) == (7, "Tulekahju")


async def test_a_wish_of_the_users_is_never_too_old(store: Store) -> None:
    lease = await hold(store)
    wish = message(text="Kustuta mu andmed", timestamp_ms=NOW - 8 * HOUR_MS)
    await recorded(store, lease, effect_of(replace(wish, missed=Missed.STALE), POLICY, NOW))
    assert [one.event.text for one in (await conversation(store)).pending] == [wish.text]


async def test_a_late_echo_of_a_persons_answers_only_what_was_asked_before_it(
    store: Store,
) -> None:
    lease = await hold(store)
    mari = echo(timestamp_ms=NOW - HOUR_MS // 2, text="Siin Mari")
    await recorded(
        store,
        lease,
        message(text="enne", timestamp_ms=NOW - HOUR_MS),
        message(text="pärast", timestamp_ms=NOW - HOUR_MS // 4),
    )

    await recorded(store, lease, _persons(mari), now_ms=NOW)

    row = await conversation(store)
    assert [one.event.text for one in row.pending] == ["pärast"]
    assert (row.silence, row.silent_until_ms) == (Silence.PERSON, NOW + HOUR_MS // 2)
    assert await texts(store) == ["enne", "Siin Mari"]


async def test_what_a_late_echo_cancels_is_asked_again_unless_the_person_answered_it(
    store: Store,
) -> None:
    lease = await hold(store)
    asked = message(text="pärast", timestamp_ms=NOW - 1000)
    await answered(store, lease, "Boti vastus", asked=asked, answers=(str(asked.mid),))

    await recorded(store, lease, _persons(echo(timestamp_ms=NOW - 9 * HOUR_MS)), now_ms=NOW)

    assert await unfinished(store) == ()
    row = await conversation(store)
    assert [one.event.text for one in row.pending] == ["pärast"]
    # The pause is long over: the bot answers.
    assert row.silence is Silence.NONE


async def test_an_older_echo_shortens_no_pause(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    newer = Change(silence=Silence.PERSON, silent_until_ms=NOW + HOUR_MS)
    await changed(store, lease, newer)

    await recorded(store, lease, _persons(echo(timestamp_ms=NOW - HOUR_MS // 2)), now_ms=NOW)

    assert (await conversation(store)).silent_until_ms == NOW + HOUR_MS


def _persons(event: Event) -> NewEvent:
    """The echo as the desk records it once it is known to be a person's."""
    late = replace(event, missed=Missed.LATE)
    return effect_of(late, POLICY, NOW, judgement=Judgement(Whose.PERSON))
