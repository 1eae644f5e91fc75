"""What an event changes of its conversation, in the transaction that records it."""

from __future__ import annotations

import pytest

from tests.contract.store_support import (
    ACCOUNT,
    BERT,
    answered,
    changed,
    conversation,
    echo,
    hold,
    message,
    new,
    recorded,
    rival,
    said,
    store,
    texts,
    turn,
    unfinished,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.window import WINDOW_MS
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    FOREVER_MS,
    Change,
    CommitResult,
    EventState,
    Origin,
    PersonSend,
    Silence,
)

__all__ = ["rival", "store"]

DAY_MS = 24 * 60 * 60 * 1000
NOW_MS = 1_700_000_000_000


async def test_a_new_conversation_is_as_nothing_had_happened(store: Store) -> None:
    await recorded(store, await hold(store), new(message(), state=EventState.NOTED))

    row = await conversation(store)

    assert (row.language, row.silence, row.silent_until_ms) == ("", Silence.NONE, 0)
    assert (row.waiting_ms, row.note, row.user_ms, row.pictures) == (0, "", 0, ())
    assert (row.answered_ms, row.disclosed_ms, row.apology_ms) == (0, 0, 0)
    assert (row.summary, row.summarised, row.messages) == ("", 0, 0)


async def test_a_change_is_of_the_events_conversation_only(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("jaan"))
    before = await conversation(store, "jaan")

    change = Change(
        silence=Silence.HANDOVER,
        silent_until_ms=FOREVER_MS,
        waiting_ms=77,
        note="Küsib arvet.\x00",
        history=(said("Palun inimest"),),
    )
    await changed(store, lease, change, "mari")

    row = await conversation(store, "mari")
    assert (row.silence, row.silent_until_ms) == (Silence.HANDOVER, FOREVER_MS)
    assert (row.waiting_ms, row.note) == (77, "Küsib arvet.\ufffd")
    assert (row.version, row.messages, row.history) == (1, 1, (said("Palun inimest"),))
    assert await conversation(store, "jaan") == before


async def test_what_a_change_does_not_name_stays(store: Store) -> None:
    lease = await hold(store)
    whole = Change(silence=Silence.PERSON, silent_until_ms=5, waiting_ms=6, note="n")
    await changed(store, lease, whole)
    await changed(store, lease, Change())

    row = await conversation(store)

    assert (row.silence, row.silent_until_ms, row.waiting_ms, row.note) == (
        *(Silence.PERSON, 5, 6),
        "n",
    )
    assert row.version == 2
    await changed(store, lease, Change(silence=Silence.NONE, waiting_ms=0, note=""))
    row = await conversation(store)
    assert (row.silence, row.silent_until_ms, row.waiting_ms, row.note) == (Silence.NONE, 0, 0, "")


async def test_a_known_event_changes_nothing_again(store: Store) -> None:
    lease = await hold(store)
    event = new(echo(), Change(history=(said("once"),), sends=(PersonSend(text="once"),)))

    assert len(await recorded(store, lease, event, event)) == 1
    assert await recorded(store, lease, event) == []

    assert (await conversation(store)).version == 1
    assert await texts(store) == ["once"]
    assert [row.text for row in await unfinished(store)] == ["once"]


async def test_changes_of_a_batch_are_made_in_order_each_with_its_version(store: Store) -> None:
    lease = await hold(store)
    changes = [Change(note=str(n), history=(said(str(n)),)) for n in range(4)]

    await recorded(store, lease, *(new(echo(), change) for change in changes))

    row = await conversation(store)
    assert (row.version, row.note, await texts(store)) == (4, "3", ["0", "1", "2", "3"])


async def test_of_a_lost_lease_no_change_is_made(store: Store, rival: Store) -> None:
    held, lost = await hold(store), await hold(store, "inbox.2", seconds=0)
    await hold(rival, "inbox.2", BERT)
    theirs = new(echo("mari"), Change(note="lost"))
    mine = new(echo("jaan"), Change(note="held"))

    answers = await store.record([(lost, [theirs]), (held, [mine])], 1)

    assert [answer is None for answer in answers] == [True, False]
    assert (await conversation(store, "jaan")).note == "held"
    assert await store.load([conversation_id(ACCOUNT, "mari")], 1) == {}


async def test_a_change_makes_a_turn_under_way_a_conflict(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    under_way = turn(lease, await conversation(store), history=[said("late")])

    await changed(store, lease, Change(note="x"))

    assert await store.commit_turns([under_way], 1) == [CommitResult.CONFLICT]
    assert len((await conversation(store)).pending) == 1


async def test_unanswered_events_say_when_the_user_last_wrote(store: Store) -> None:
    lease = await hold(store)
    times = [NOW_MS - 50, NOW_MS - 70, NOW_MS + 1_000]

    for time, wanted in zip(times, [NOW_MS - 50, NOW_MS - 50, NOW_MS], strict=True):
        await recorded(store, lease, message(timestamp_ms=time), now_ms=NOW_MS)
        assert (await conversation(store)).user_ms == wanted


async def test_the_latest_of_a_batch_says_when_the_user_wrote_with_changes_or_without(
    store: Store,
) -> None:
    lease = await hold(store)
    for user, change in (("mari", None), ("jaan", Change(note="x"))):
        events = [message(user, timestamp_ms=NOW_MS - n) for n in (30, 10, 20)]
        last = new(echo(user, timestamp_ms=NOW_MS - 1), change)
        await recorded(store, lease, *events, last, now_ms=NOW_MS)
        assert (await conversation(store, user)).user_ms == NOW_MS - 10


async def test_what_calls_for_no_answer_does_not_move_when_the_user_wrote(store: Store) -> None:
    lease = await hold(store)
    seen = message(kind=EventKind.READ, timestamp_ms=NOW_MS)

    await recorded(store, lease, new(seen, Change(note="x")), now_ms=NOW_MS)
    await recorded(store, lease, echo(timestamp_ms=NOW_MS), now_ms=NOW_MS)

    assert (await conversation(store)).user_ms == 0


async def test_somebodys_answer_answers_everything_before_it(store: Store) -> None:
    lease = await hold(store)
    before = [message(text="Tere", timestamp_ms=9), message(text="Kas olete avatud?")]
    reply = HistoryMessage(Role.OPERATOR, "Jah, kella viieni.", 11, "echo-1")
    change = Change(answers_all=True, history=(reply,))
    await recorded(store, lease, before[0], message("jaan"))

    added = await recorded(
        store, lease, before[1], new(echo(), change), message(text="Aitäh! Ja homme?")
    )

    assert [item.state for item in added] == [
        *(EventState.ANSWERED, EventState.NOTED),
        EventState.PENDING,
    ]
    row = await conversation(store)
    assert [item.event.text for item in row.pending] == ["Aitäh! Ja homme?"]
    assert row.history == (
        HistoryMessage(Role.USER, "Tere", 9, before[0].mid),
        HistoryMessage(Role.USER, "Kas olete avatud?", 1_000, before[1].mid),
        reply,
    )
    assert (row.messages, len((await conversation(store, "jaan")).pending)) == (3, 1)
    assert (await store.counts()).events["message/answered"] == 2


async def test_what_a_person_writes_through_us_is_to_be_sent_until_seven_days_have_passed(
    store: Store,
) -> None:
    lease = await hold(store)
    await answered(store, lease, "Tere!", deadline_ms=NOW_MS)
    await recorded(store, lease, message(timestamp_ms=NOW_MS - 5), now_ms=NOW_MS)
    sends = (PersonSend(text="Üks"), PersonSend(text="Kaks"))
    event = message(kind=EventKind.OPERATOR, traceparent="00-a-b-01")
    change = Change(cancel_sends=True, sends=sends)

    await recorded(store, lease, new(event, change), now_ms=NOW_MS)

    (row,) = await unfinished(store)
    id_ = conversation_id(ACCOUNT, "user")
    assert (row.id, row.position, row.turn) == (f"{id_}.1.0", 1_000, 1)
    assert (row.text, row.origin, row.state) == ("Üks", Origin.PERSON, SendState.PENDING)
    assert (row.due_ms, row.deadline_ms) == (NOW_MS, NOW_MS - 5 + 7 * DAY_MS)
    assert (row.account, row.user, row.answers) == (ACCOUNT, "user", ())
    assert row.traceparent == "00-a-b-01"
    assert WINDOW_MS == DAY_MS
    assert (await store.counts()).sends == {"pending": 2, "cancelled": 1}


async def test_two_messages_of_people_in_one_batch_have_places_of_their_own(store: Store) -> None:
    lease = await hold(store)
    changes = [Change(sends=(PersonSend(text=f"{n}"), PersonSend(text=f"{n}!"))) for n in range(2)]

    await recorded(store, lease, *(new(echo(), change) for change in changes))

    assert (await store.counts()).sends == {"pending": 4}


@pytest.mark.parametrize("time", [10**30, -(10**30)])
async def test_absurd_values_do_not_stop_a_change(store: Store, time: int) -> None:
    lease = await hold(store)
    endless = "m" * 100_000
    absurd = HistoryMessage(Role.OPERATOR, "a\x00b\ud83d", time, endless)
    await recorded(store, lease, message(mid=endless, timestamp_ms=time))
    change = Change(
        history=(absurd,),
        answers_all=True,
        edited=(endless, "\x00"),
        removed_mid="\x00",
        sends=(PersonSend(text="\x00"),),
    )

    await changed(store, lease, change)

    row = await conversation(store)
    assert [item.text for item in row.history] == ["Tere!", "a\ufffdb\ufffd"]
    assert [item.mid for item in row.history] == [None, None]
