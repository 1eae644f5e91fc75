"""Dead letters: their histories, and what people make of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tests.contract.erasing_support import erased, traces
from tests.contract.pruning_support import pruned
from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    hold,
    hold_outbox,
    message,
    path,
    recorded,
    store,
    texts,
    turn,
    unfinished,
    walk,
)
from vestlus.conversation.events import Event
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.window import WINDOW_MS
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.pruning import Remains
from vestlus.store.rows import (
    FOREVER_MS,
    Change,
    DeadLetter,
    EventState,
    Lease,
    LetterState,
    LettersWanted,
    NewEvent,
    NewSend,
    Origin,
    PersonSend,
    ReplayWish,
    Silence,
    Transition,
)
from vestlus.store.trail import Moment

__all__ = ["store"]

ID = conversation_id(ACCOUNT, "user")
PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
DEAD, UNKNOWN, SENT = SendState.DEAD, SendState.UNKNOWN, SendState.SENT


async def letter(store: Store) -> DeadLetter:
    """The only dead letter."""
    (found,) = await store.dead_letters(limit=9)
    return found


async def replay(
    store: Store, lease: Lease, one: DeadLetter, *, now_ms: int = 60, although: bool = False
) -> None:
    wish = ReplayWish(letter=one.id, by="mari", although_sent=although)
    await changed(store, lease, Change(replay=wish), now_ms=now_ms)


async def dead_send(store: Store, inbox: Lease, outbox: Lease, text: str = "Tere!") -> NewSend:
    (send,) = await answered(store, inbox, text)
    await walk(store, outbox, path(send, SENDING, DEAD, at_ms=50, reason="refused"))
    return send


async def dead_event(store: Store, inbox: Lease, event: Event) -> DeadLetter:
    await recorded(store, inbox, event)
    await store.give_up(inbox, ID, reason="poison", now_ms=20)
    found = await store.dead_letter(f"event:{event.key}")
    assert found is not None
    return found


async def test_a_dead_send_tells_each_step_with_its_reason(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (send,) = await answered(store, inbox, "Tere!")
    again = path(send, SENDING, PENDING, at_ms=31, reason="throttled\nlong")
    await walk(store, outbox, again)
    await walk(store, outbox, path(send, SENDING))
    assert await store.recover(outbox, 40) == 1
    looked = path(send, SENDING, LOOKING, DEAD, at_ms=50, reason="window_closed")[2:]
    await walk(store, outbox, looked)

    found = await letter(store)

    assert (found.source, found.reason, found.state) == ("ledger", "window_closed", "open")
    assert [(one.at_ms, one.what, one.detail) for one in found.history] == [
        (20, "decided", ""),
        (50, "sending", ""),
        (31, "pending", "throttled long"),
        (50, "sending", ""),
        (40, "looking", "left_by_another_holder"),
        (50, "dead", "window_closed"),
    ]
    assert (found.account, found.user, found.conversation) == (ACCOUNT, "user", ID)
    assert b"Tere!" in found.body


async def test_a_send_that_ended_unknown_is_among_them_and_marked(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (send,) = await answered(store, inbox, "Tere!")
    await walk(store, outbox, path(send, SENDING, LOOKING, UNKNOWN, reason="look_failed"))

    found = await letter(store)

    assert (found.doubtful, found.reason) == (True, "look_failed")
    assert await store.dead_letters(limit=9, wanted=LettersWanted(doubtful=False)) == ()


async def test_a_message_given_up_tells_the_tries_to_answer_it(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(text="Tere!"))
    for at_ms in (12, 14):
        moment = Moment(at_ms, "not_answered", "timeout")
        await store.postpone(inbox, ID, wake_ms=at_ms, failures=1, moment=moment)
    await store.take_over(inbox)
    await store.probe(inbox, ID)

    await store.give_up(inbox, ID, reason="poison", now_ms=20)

    assert [(one.at_ms, one.what, one.detail) for one in (await letter(store)).history] == [
        (10, "taken_in", ""),
        (12, "not_answered", "timeout"),
        (14, "not_answered", "timeout"),
        (20, "owners_that_took_over", "1"),
        (20, "tries_set_apart", "1"),
        (20, "dead", "poison"),
    ]


async def test_what_was_tried_before_an_answer_is_not_told_of_later_messages(
    store: Store,
) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message())
    moment = Moment(12, "not_answered", "timeout")
    await store.postpone(inbox, ID, wake_ms=12, failures=1, moment=moment)
    await store.commit_turns([turn(inbox, await conversation(store))], 15)

    found = await dead_event(store, inbox, message())

    assert [one.what for one in found.history] == ["taken_in", "dead"]


async def test_a_replayed_send_is_a_new_row_behind_what_is_unfinished(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await dead_send(store, inbox, outbox, "Esimene")
    assert "Esimene" not in await texts(store)
    await answered(store, inbox, "Teine")

    await replay(store, inbox, await letter(store))

    (first,) = await unfinished(store)
    assert first.text == "Teine"
    await walk(store, outbox, [_sent(first.id, SENDING), _sent(first.id, SENT)])
    (again,) = await unfinished(store)
    assert (again.text, again.state, again.origin) == ("Esimene", PENDING, Origin.BOT)
    assert again.deadline_ms == (await conversation(store)).user_ms + WINDOW_MS
    # The next prompt knows that it is said after all.
    assert (await texts(store))[-1] == "Esimene"
    done = await letter(store)
    assert (done.state, done.replays) == (LetterState.REPLAYED, 1)
    assert done.history[-1] == Moment(60, "replayed", "mari")


def _sent(id_: str, after: SendState) -> Transition:
    before = PENDING if after is SENDING else SENDING
    mid = "m" if after is SENT else None
    return Transition(id=id_, before=before, after=after, at_ms=55, sent_mid=mid)


async def test_replayed_twice_at_once_it_is_done_once(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await dead_send(store, inbox, outbox)
    one = await letter(store)

    await asyncio.gather(*(replay(store, inbox, one) for _ in range(3)))

    (again,) = await unfinished(store)
    await walk(store, outbox, [_sent(again.id, SENDING), _sent(again.id, SENT)])
    assert await unfinished(store) == ()
    assert (await letter(store)).replays == 1


async def test_a_replay_is_refused_with_the_reason_in_the_history(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await dead_send(store, inbox, outbox)
    one = await letter(store)
    closes = (await conversation(store)).user_ms + WINDOW_MS

    await replay(store, inbox, one, now_ms=closes)

    assert await unfinished(store) == ()
    refused = await letter(store)
    assert refused.state is LetterState.OPEN
    assert refused.history[-1] == Moment(closes, "replay_refused", "window_closed mari")
    # The user writes again: the window is open, and the same letter goes.
    await recorded(store, inbox, message(timestamp_ms=closes), now_ms=closes)
    await replay(store, inbox, one, now_ms=closes + 1)
    assert [row.text for row in await unfinished(store)] == ["Tere!"]


async def test_what_may_have_been_sent_is_replayed_only_if_that_is_said(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (send,) = await answered(store, inbox, "Tere!")
    await walk(store, outbox, path(send, SENDING, LOOKING, UNKNOWN))
    one = await letter(store)

    await replay(store, inbox, one)
    assert await unfinished(store) == ()
    assert (await letter(store)).history[-1].detail == "may_have_been_sent mari"
    await replay(store, inbox, one, although=True)

    assert [row.text for row in await unfinished(store)] == ["Tere!"]
    # Its text never left the history: it may have been seen.
    assert (await texts(store)).count("Tere!") == 2


async def test_nothing_is_replayed_to_who_asked_for_no_more_answers(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await dead_send(store, inbox, outbox)
    await changed(store, inbox, Change(silence=Silence.STOPPED, silent_until_ms=FOREVER_MS))

    await replay(store, inbox, await letter(store))

    assert await unfinished(store) == ()
    assert (await letter(store)).history[-1].detail == "user_stopped mari"


async def test_erased_data_stay_erased(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await dead_send(store, inbox, outbox, "Salajane")
    event = message(text="Salajane")
    await dead_event(store, inbox, event)
    letters = await store.dead_letters(limit=9)
    await erased(store)

    for one in letters:
        await replay(store, inbox, one)

    assert await unfinished(store) == ()
    assert (await conversation(store)).pending == ()
    assert await store.dead_letters(limit=9) == ()
    assert await traces(store, "Salajane") == []


async def test_a_persons_message_has_a_persons_window(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await recorded(store, inbox, message())
    await changed(store, inbox, Change(sends=(PersonSend(text="Siin Mari"),)))
    (row,) = await unfinished(store)
    step = Transition(id=row.id, before=PENDING, after=DEAD, at_ms=50, reason="person_unavailable")
    await walk(store, outbox, [step])

    await replay(store, inbox, await letter(store), now_ms=3 * WINDOW_MS)

    (again,) = await unfinished(store)
    assert (again.text, again.origin) == ("Siin Mari", Origin.PERSON)
    assert again.deadline_ms == row.deadline_ms


async def test_a_replayed_message_waits_for_an_answer_again(store: Store) -> None:
    inbox = await hold(store)
    event = message(text="Mis kell?")
    one = await dead_event(store, inbox, event)
    wish = ReplayWish(letter=one.id, by="mari")
    act = replace(message(mid="act"), text=None)
    told = await recorded(store, inbox, NewEvent(act, EventState.NOTED, Change(replay=wish)))
    assert len(told) == 1

    assert [each.event.text for each in (await conversation(store)).pending] == ["Mis kell?"]
    assert (await letter(store)).state is LetterState.REPLAYED

    # Given up once more, it is the same letter, open again, with all of its history.
    await store.give_up(inbox, ID, reason="window_closed", now_ms=90)
    back = await letter(store)
    assert (back.id, back.state, back.reason) == (one.id, LetterState.OPEN, "window_closed")
    assert [each.what for each in back.history] == [
        *("taken_in", "dead", "replayed", "taken_in", "dead"),
    ]


async def test_a_message_is_kept_for_its_letter_until_somebody_has_seen_to_that(
    store: Store,
) -> None:
    inbox = await hold(store)
    one = await dead_event(store, inbox, message(text="Mis kell?"))
    old_ms = await store.now_ms() + 1
    assert await pruned(store, Remains.EVENTS, old_ms) == 0

    await store.discard(one.id, by="mari", now_ms=1)

    assert await pruned(store, Remains.EVENTS, old_ms) == 1


async def test_another_conversations_letter_is_not_replayed(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await dead_send(store, inbox, outbox)
    one = await letter(store)
    await recorded(store, inbox, message("jaan"))

    await changed(store, inbox, Change(replay=ReplayWish(letter=one.id, by="x")), "jaan")

    assert await unfinished(store) == ()
    assert (await letter(store)).state is LetterState.OPEN


async def test_a_discarded_letter_has_no_content_and_tells_who_and_when(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await dead_send(store, inbox, outbox, "Salajane")
    one = await letter(store)

    assert await store.discard(one.id, by="mari", now_ms=70)

    gone = await letter(store)
    assert (gone.state, gone.body) == (LetterState.DISCARDED, b"")
    assert gone.history[-1] == Moment(70, "discarded", "mari")
    assert "Salajane" not in repr(gone)
    assert not await store.discard(one.id, by="jaan", now_ms=80)
    assert not await store.note_replay(one.id, by="jaan", now_ms=80)
    assert await store.dead_letter(one.id) == gone
    await store.bury([one])
    assert await letter(store) == gone
    assert (await store.counts()).dead_letters == 0


async def test_letters_are_listed_by_what_is_asked_for_and_by_pages(store: Store) -> None:
    letters = [
        DeadLetter(
            id=f"x{number}",
            source="inbox.0",
            reason="a" if number % 2 else "b",
            body=b"x",
            at_ms=number // 2,
            account=ACCOUNT if number < 3 else None,
        )
        for number in range(6)
    ]
    await store.bury(letters)

    async def ids(limit: int = 9, **fields: Any) -> list[str]:  # noqa: ANN401  of several types
        found = await store.dead_letters(limit=limit, wanted=LettersWanted(**fields))
        return [one.id for one in found]

    assert await ids(reason="a") == ["x5", "x3", "x1"]
    assert await ids(account=ACCOUNT) == ["x2", "x1", "x0"]
    assert await ids(since_ms=1, before_ms=2) == ["x3", "x2"]
    assert await ids(state=LetterState.DISCARDED) == []
    pages: list[str] = []
    while page := await ids(2, behind=pages[-1] if pages else None):
        pages += page
    assert pages == ["x5", "x4", "x3", "x2", "x1", "x0"]
    assert await store.dead_letter("nobody's") is None
    assert (await store.counts()).dead_letters == 6
