"""What is old and over goes, in small steps; what anybody needs stays, whatever its age."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Update, insert, select, update

from tests.contract.pruning_support import (
    AHEAD,
    BEFORE,
    DAY_MS,
    LATER,
    MARI,
    TALKS,
    Talk,
    fill,
    left_rows,
    needed_rows,
    pruned,
)
from tests.contract.store_support import (
    ACCOUNT,
    another,
    answered,
    conversation,
    hold,
    message,
    recorded,
    store,
    texts,
    unfinished,
)
from tests.contract.test_store_opening import in_database
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.port import Store
from vestlus.store.posts import PostState
from vestlus.store.pruning import (
    Remains,
)
from vestlus.store.rows import DeadLetter, EventState, LetterState

__all__ = ["store"]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talks=st.lists(TALKS, min_size=4, max_size=16))
async def test_exactly_what_the_rules_let_go_is_gone(store: Store, talks: list[Talk]) -> None:
    # Events are recorded in the order of time.
    talks = sorted(talks, key=lambda talk: talk.at_ms)
    await in_database(store, lambda connection: fill(connection, talks))

    for what in (Remains.EVENTS, Remains.SENDS, Remains.MESSAGES, Remains.LETTERS):
        await pruned(store, what, BEFORE)

    left = await in_database(store, left_rows)
    assert left == {
        kind: {f"talk-{n}" for n, talk in enumerate(talks) if needed_rows(talk)[kind]}
        for kind in left
    }


@given(talk=TALKS)
def test_the_rules_never_let_go_what_is_open_or_held_or_young(talk: Talk) -> None:
    needed = needed_rows(talk)
    if talk.hold.holds or BEFORE <= talk.at_ms < AHEAD:
        assert all(needed.values())
    assert needed["messages"] or talk.at_ms < BEFORE or talk.user_ms < BEFORE
    assert needed["events"] or talk.event not in (EventState.PENDING, EventState.UNDETERMINED)
    if talk.event is EventState.DEAD and talk.letter is LetterState.OPEN:
        assert needed["events"]
    open_ = {s for s in SendState if s not in ("sent", "dead", "cancelled")}
    assert needed["sends"] or talk.send not in open_
    assert needed["dead_letters"] or talk.letter is not LetterState.OPEN


async def test_an_event_that_is_kept_is_still_known_when_it_comes_again(store: Store) -> None:
    lease = await hold(store)
    old, young = message("mari", mid="old"), message("mari", mid="young")
    await recorded(store, lease, old, now_ms=LATER)
    row = await conversation(store, "mari")
    await in_database(store, lambda c: c.execute(update(schema.inbox_event).values(state="noted")))
    await recorded(store, lease, young, now_ms=LATER + DAY_MS)

    assert len(row.pending) == 1
    assert await pruned(store, Remains.EVENTS, LATER + DAY_MS) == 1

    assert await recorded(store, lease, young, now_ms=LATER + DAY_MS) == []
    assert len(await recorded(store, lease, old, now_ms=LATER + DAY_MS)) == 1


async def test_rows_of_a_clock_that_was_ahead_hold_up_no_others(store: Store) -> None:
    lease = await hold(store)
    for number in range(4):
        event = message(f"u{number}", kind=EventKind.READ)
        await recorded(store, lease, event, now_ms=2**50)
    await recorded(store, lease, message("mari", kind=EventKind.READ), now_ms=LATER)

    assert await pruned(store, Remains.EVENTS, LATER + 1, limit=2) == 1


async def test_a_walk_ends_where_everything_is_younger(store: Store) -> None:
    lease = await hold(store)
    for number in range(6):
        await recorded(store, lease, message(f"u{number}", kind=EventKind.READ), now_ms=LATER)

    batch = await store.prune(Remains.EVENTS, LATER, limit=2)

    assert (batch.removed, batch.after) == (0, None)


async def test_a_conversation_goes_on_after_its_old_messages_went(store: Store) -> None:
    lease = await hold(store)
    await answered(store, lease, "Vana", user="mari")
    old = {"at_ms": LATER}
    await in_database(store, lambda c: c.execute(update(schema.history).values(old)))
    assert await pruned(store, Remains.MESSAGES, LATER + 1) == 2

    await answered(store, lease, "Uus", user="mari")

    assert await texts(store, "mari") == ["Tere!", "Uus"]
    assert len(await unfinished(store)) == 1


async def _changed(store: Store, statement: Update) -> None:
    await in_database(store, lambda connection: connection.execute(statement))


async def test_a_message_from_the_future_goes_when_its_user_has_been_silent(store: Store) -> None:
    lease = await hold(store)
    now_ms = await store.now_ms()
    for user, user_ms in (("mari", LATER), ("jaan", LATER + DAY_MS)):
        await answered(store, lease, "Tere", user=user)
        heard = update(schema.conversation).where(schema.conversation.c.user_id == user)
        await _changed(store, heard.values(user_ms=user_ms))
    # A clock that is a little ahead; one that is wrong, or a year without a partition.
    for at_ms, going in ((now_ms + DAY_MS // 2, 0), (now_ms + 400 * DAY_MS, 2)):
        ahead = update(schema.history).values(at_ms=at_ms)
        await _changed(store, ahead)
        assert await pruned(store, Remains.MESSAGES, LATER + 1, limit=1) == going

    assert (await texts(store, "mari"), await texts(store, "jaan")) == ([], ["Tere!", "Tere"])


async def test_summaries_of_silent_conversations_are_emptied(store: Store) -> None:
    lease = await hold(store)
    for user, at_ms in (("mari", LATER), ("jaan", LATER + DAY_MS)):
        await recorded(store, lease, message(user, timestamp_ms=at_ms), now_ms=at_ms)
        id_ = conversation_id(ACCOUNT, user)
        await store.keep_summary(lease, id_, summary="Küsis sadama kohta.", summarised=1)

    assert await pruned(store, Remains.SUMMARIES, LATER + 1) == 1

    rows = [await conversation(store, user) for user in ("mari", "jaan")]
    assert [row.summary for row in rows] == ["", "Küsis sadama kohta."]


async def test_a_held_conversation_keeps_its_own_summary_and_nobody_elses(store: Store) -> None:
    lease = await hold(store)
    for user in ("mari", "jaan"):
        await recorded(store, lease, message(user, timestamp_ms=LATER), now_ms=LATER)
        id_ = conversation_id(ACCOUNT, user)
        await store.keep_summary(lease, id_, summary="Küsis sadama kohta.", summarised=1)
    await store.preserve(MARI, reason="Vaidlus 7", by="mari")

    assert await pruned(store, Remains.SUMMARIES, LATER + 1) == 1

    rows = [await conversation(store, user) for user in ("mari", "jaan")]
    assert [row.summary for row in rows] == ["Küsis sadama kohta.", ""]


async def test_a_walk_for_summaries_looks_at_conversations_that_have_words_only(
    store: Store,
) -> None:
    lease = await hold(store)
    for number in range(6):
        await recorded(store, lease, message(f"u{number}", kind=EventKind.READ), now_ms=LATER)
    await recorded(store, lease, message("mari", timestamp_ms=LATER), now_ms=LATER)
    await store.keep_summary(lease, MARI, summary="Küsis sadama kohta.", summarised=1)

    batch = await store.prune(Remains.SUMMARIES, LATER + 1, limit=2)

    assert (batch.removed, batch.after) == (1, None)


async def test_what_is_preserved_stays_until_the_mark_is_taken_away(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari", kind=EventKind.READ), now_ms=LATER)
    assert await store.preserve(MARI, reason="Vaidlus 7", by="mari")
    assert await pruned(store, Remains.EVENTS, LATER + 1) == 0

    assert await store.release_conversation(MARI)

    assert await pruned(store, Remains.EVENTS, LATER + 1) == 1
    assert not await store.preserve("nobody", reason="Vaidlus 7", by="mari")


async def test_letters_are_kept_until_somebody_has_seen_to_them(store: Store) -> None:
    letters = [
        DeadLetter(id=id_, source="s", reason="r", body=b"x", at_ms=LATER) for id_ in ("a", "b")
    ]
    await store.bury(letters)
    await store.discard("a", by="mari", now_ms=LATER)

    assert await pruned(store, Remains.LETTERS, LATER + 1) == 1

    assert [letter.id for letter in await store.dead_letters(limit=9)] == ["b"]


def _plans(connection: Connection, changed_ms: int) -> None:
    """A post with a container, and an occurrence, in every state; due long ago."""
    whose = {"account": ACCOUNT, "created_ms": 1, "changed_ms": changed_ms}
    for state in PostState:
        connection.execute(
            insert(schema.post).values(
                id=state,
                key=state,
                outbox=0,
                kind="image",
                pictures="[]",
                caption="",
                state=state,
                planned_ms=LATER,
                due_ms=LATER,
                deadline_ms=LATER,
                **whose,
            )
        )
        connection.execute(
            insert(schema.post_container).values(
                post=state, number=0, account=ACCOUNT, begun_ms=LATER
            )
        )
    for ending in OccurrenceState:
        connection.execute(
            insert(schema.occurrence).values(
                id=ending,
                key=ending,
                trigger="schedule",
                name="tund",
                recipe="{}",
                state=ending,
                due_ms=LATER,
                **whose,
            )
        )


async def test_posts_and_occurrences_go_when_they_ended_and_nothing_is_doubtful(
    store: Store,
) -> None:
    await in_database(store, lambda connection: _plans(connection, LATER + DAY_MS))
    kinds = (Remains.POSTS, Remains.OCCURRENCES)
    # They were due long ago, and ended just now.
    assert [await pruned(store, what, LATER + 1) for what in kinds] == [0, 0]

    for what in kinds:
        await pruned(store, what, LATER + DAY_MS + 1)

    def left(connection: Connection) -> list[set[str]]:
        columns = (schema.post.c.id, schema.post_container.c.post, schema.occurrence.c.id)
        return [set(connection.execute(select(column)).scalars()) for column in columns]

    posts = {*PostState} - {PostState.PUBLISHED, PostState.DEAD, PostState.CANCELLED}
    open_ = {OccurrenceState.PLANNED, OccurrenceState.WAITING, OccurrenceState.READY}
    assert await in_database(store, left) == [posts, posts, open_]


async def test_a_file_is_given_back_what_pruning_freed(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    async with another(f"sqlite:///{file}") as store:
        lease = await hold(store)
    empty = file.stat().st_size
    async with another(f"sqlite:///{file}") as store:
        long = "Tere! " * 2_000
        events = [message("mari", kind=EventKind.READ, text=long) for _ in range(40)]
        await recorded(store, lease, *events, now_ms=LATER)
        assert await pruned(store, Remains.EVENTS, LATER + 1, limit=10) == 40

        assert await store.give_back(20) == 20 * 4096
        given = 0
        while some := await store.give_back(20):
            given += some
        assert given > len(long) * 30

    assert file.stat().st_size < empty + len(long) * 5
