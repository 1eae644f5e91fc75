"""After a person answered, nothing of the bot's starts; while it is unclear who did, neither."""

from __future__ import annotations

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
    send,
    step,
    store,
    texts,
    turn,
    unfinished,
    walk,
)
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    FOREVER_MS,
    After,
    Change,
    CommitResult,
    PersonSend,
    Silence,
    TransitionResult,
    persons_until_ms,
    stopped_until_ms,
)

__all__ = ["store"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
SENT, DEAD, CANCELLED = SendState.SENT, SendState.DEAD, SendState.CANCELLED
UNKNOWN = SendState.UNKNOWN
DONE, STALE = TransitionResult.DONE, TransitionResult.STALE
HELD, SILENCED = TransitionResult.HELD, TransitionResult.SILENCED

SILENCE = Change(cancel_sends=True)


async def test_what_the_bot_decided_and_did_not_send_is_cancelled_and_unsaid(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    asked = message(text="Mis kell?")
    first, second = await answered(store, inbox, "Kell üheksa.", "Või kümme.", asked=asked)
    await answered(store, inbox, "Jaanile", user="jaan")

    await changed(store, inbox, SILENCE)

    assert await texts(store) == ["Mis kell?"]
    assert (await store.counts()).sends == {"cancelled": 2, "pending": 1}
    assert [row.user for row in await unfinished(store)] == ["jaan"]
    begin = [step(first, PENDING, SENDING), step(second, PENDING, SENDING)]
    assert await store.transition(outbox, begin) == [STALE, STALE]
    assert await store.dead_letters(limit=9) == ()


async def test_what_was_said_in_part_stays_said(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    first, _ = await answered(store, inbox, "Üks.", "Kaks.")
    await walk(store, outbox, path(first, SENDING, SENT))

    await changed(store, inbox, SILENCE)

    assert await texts(store) == ["Tere!", "Üks.\n\nKaks."]
    assert (await store.counts()).sends == {"sent": 1, "cancelled": 1}


async def test_what_may_have_been_seen_stays_said(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    for user, states in (
        ("mari", [SENDING]),
        ("jaan", [SENDING, LOOKING]),
        ("tiiu", [SENDING, LOOKING, UNKNOWN]),
    ):
        first, _ = await answered(store, inbox, "Üks.", "Kaks.", user=user)
        await walk(store, outbox, path(first, *states))
        await changed(store, inbox, SILENCE, user)
        assert await texts(store, user) == ["Tere!", "Üks.\n\nKaks."]
    first, _ = await answered(store, inbox, "Üks.", "Kaks.", user="never seen")
    await walk(store, outbox, path(first, SENDING, DEAD))
    await changed(store, inbox, SILENCE, "never seen")
    assert await texts(store, "never seen") == ["Tere!"]


async def test_only_the_turns_that_were_cancelled_are_unsaid(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (first,) = await answered(store, inbox, "Esimene.")
    await walk(store, outbox, path(first, SENDING, SENT))
    await answered(store, inbox, "Teine.")
    await answered(store, inbox, "Kolmas.")

    await changed(store, inbox, SILENCE)

    row = await conversation(store)
    assert [item.text for item in row.history] == ["Tere!", "Esimene.", "Tere!", "Tere!"]
    assert row.messages == 6
    await answered(store, inbox, "Neljas.")
    assert await texts(store) == [*["Tere!", "Esimene."], *["Tere!"] * 3, "Neljas."]


async def test_a_send_that_was_begun_before_is_not_begun_again(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (begun,) = await answered(store, inbox, "Tere!")
    await walk(store, outbox, path(begun, SENDING))
    await changed(store, inbox, SILENCE)
    await walk(store, outbox, [step(begun, SENDING, PENDING, due_ms=1)])

    assert await store.transition(outbox, [step(begun, PENDING, SENDING)]) == [SILENCED]

    (row,) = await unfinished(store)
    assert (row.state, row.attempts, row.turn) == (PENDING, 1, 0)
    version = (await conversation(store)).version
    await walk(store, outbox, [step(begun, PENDING, CANCELLED, reason="silenced")])
    assert (await unfinished(store), await texts(store)) == ((), ["Tere!"])
    assert (await conversation(store)).version == version + 1
    assert await store.dead_letters(limit=9) == ()


async def test_a_cancelled_part_leaves_the_history_while_other_parts_may_be_seen(
    store: Store,
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    one, two, three = await answered(store, inbox, "1", "2", "3")
    await walk(store, outbox, path(one, CANCELLED))
    version = (await conversation(store)).version
    assert await texts(store) == ["Tere!", "1\n\n2\n\n3"]

    await walk(store, outbox, [*path(two, DEAD), *path(three, CANCELLED)])

    assert await texts(store) == ["Tere!"]
    assert (await conversation(store)).version == version + 1


async def test_what_is_decided_after_a_silence_is_sent(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await changed(store, inbox, SILENCE)
    (new,) = await answered(store, inbox, "Tere jälle!")

    assert await store.transition(outbox, [step(new, PENDING, SENDING)]) == [DONE]


async def test_a_turn_built_before_a_silence_is_not_committed_after_it(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message())
    late = turn(inbox, await conversation(store), sends=[send()])

    await changed(store, inbox, SILENCE)

    assert await store.commit_turns([late], 1) == [CommitResult.CONFLICT]
    assert (await store.counts()).sends == {}


async def test_people_are_not_silenced_and_what_they_wrote_is_not_cancelled(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    await changed(store, inbox, Change(sends=(PersonSend(text="Mina ise"),)), now_ms=1)
    await changed(store, inbox, Change(cancel_sends=True, held_until_ms=9_999))

    (row,) = await unfinished(store)
    begin = step(send(id=row.id), PENDING, SENDING, at_ms=5)
    assert await store.transition(outbox, [begin]) == [DONE]


async def test_nothing_of_the_bots_starts_while_a_conversation_is_held(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (held,) = await answered(store, inbox, "Tere!")
    (free,) = await answered(store, inbox, "Tere!", user="jaan")
    await changed(store, inbox, Change(held_until_ms=200))

    def begun(at_ms: int) -> list[object]:
        return [step(one, PENDING, SENDING, at_ms=at_ms) for one in (held, free)]

    assert await store.transition(outbox, begun(199)) == [HELD, DONE]  # type: ignore[arg-type]
    assert [row.state for row in await unfinished(store, ids=[held.id])] == [PENDING]
    assert await store.transition(outbox, begun(200)) == [DONE, STALE]  # type: ignore[arg-type]


async def test_a_hold_is_only_made_longer_or_ended(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (held,) = await answered(store, inbox, "Tere!")
    begin = step(held, PENDING, SENDING, at_ms=150)
    for until in (100, 200, 50):
        await changed(store, inbox, Change(held_until_ms=until))

    assert await store.transition(outbox, [begin]) == [HELD]
    await changed(store, inbox, Change(held_until_ms=0))
    assert await store.transition(outbox, [begin]) == [DONE]


async def test_other_steps_are_made_while_a_conversation_is_held(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    one, two = await answered(store, inbox, "1", "2")
    await walk(store, outbox, path(one, SENDING))
    await changed(store, inbox, Change(held_until_ms=9_999))

    await walk(store, outbox, [step(one, SENDING, SENT), step(two, PENDING, DEAD)])


async def test_steps_of_one_call_each_have_their_own_condition(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (silent,) = await answered(store, inbox, "Tere!", user="mari")
    await walk(store, outbox, path(silent, SENDING, PENDING))
    await changed(store, inbox, SILENCE, "mari")
    (one,) = await answered(store, inbox, "Tere!", user="jaan")
    # The silenced row was begun, so it was not cancelled but for the silence itself.
    assert (await store.counts()).sends == {"cancelled": 1, "pending": 1}

    steps = [*path(one, SENDING, SENT), step(silent, PENDING, SENDING)]

    assert await store.transition(outbox, steps) == [DONE, DONE, STALE]


async def test_a_silence_by_a_change_is_told_by_the_conversation(store: Store) -> None:
    inbox = await hold(store)
    await changed(store, inbox, Change(disclose_again=True, cancel_sends=True))

    row = await conversation(store)

    assert row.id == conversation_id(ACCOUNT, "user")
    assert (row.version, row.disclosed_ms) == (1, 0)


async def test_a_person_who_writes_to_a_user_who_said_stop_has_the_conversation_beneath_it(
    store: Store,
) -> None:
    inbox = await hold(store)
    await changed(store, inbox, Change(silence=Silence.STOPPED, silent_until_ms=FOREVER_MS))

    async def theirs_after(silence: Silence, until_ms: int) -> int:
        await changed(store, inbox, Change(silence=silence, silent_until_ms=until_ms))
        row = await conversation(store)
        assert row.silence is Silence.STOPPED
        assert row.silent_until_ms >= FOREVER_MS
        return persons_until_ms(row.silence, row.silent_until_ms)

    assert await theirs_after(Silence.PERSON, 9_000) == 9_000
    # Told late: it began before the other.
    assert await theirs_after(Silence.PERSON, 7_000) == 9_000
    assert await theirs_after(Silence.STANDBY, 99_000) == 9_000
    assert await theirs_after(Silence.NONE, 0) == 0


async def test_a_stop_is_committed_with_the_pause_of_the_person_who_has_the_conversation(
    store: Store,
) -> None:
    inbox = await hold(store)
    await changed(store, inbox, Change(silence=Silence.PERSON, silent_until_ms=9_000))
    after = After(silence=Silence.STOPPED, silent_until_ms=stopped_until_ms(9_000))
    await recorded(store, inbox, message())

    done = await store.commit_turns([turn(inbox, await conversation(store), after=after)], 20)

    assert done == [CommitResult.COMMITTED]
    row = await conversation(store)
    assert persons_until_ms(row.silence, row.silent_until_ms) == 9_000
