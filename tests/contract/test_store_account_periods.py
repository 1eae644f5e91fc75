"""Accounts that keep things for other times than most: each one's go by its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select, update

from tests.contract.plan_support import schedule
from tests.contract.pruning_support import (
    BEFORE,
    DAY_MS,
    LATER,
    TALKS,
    Talk,
    fill,
    left_rows,
    pruned,
)
from tests.contract.store_support import ACCOUNT, hold, message, recorded, store, whose_entries
from tests.contract.test_store_opening import in_database
from vestlus.conversation.events import EventKind
from vestlus.retention import pruner
from vestlus.retention.accounts import AccountPeriods
from vestlus.retention.periods import Periods
from vestlus.retention.pruner import Pruner
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store
from vestlus.store.pruning import (
    Hold,
    Mark,
    Remains,
    event_may_go,
    letter_may_go,
    message_may_go,
    send_may_go,
)
from vestlus.store.rows import DeadLetter, EventState, LetterState
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_preserving import is_preserved
from vestlus.store.sql_store import SqlStore

__all__ = ["store"]

BRIEF, LONG, OTHER = ("17841400000000002", "17841400000000003", ACCOUNT)

PERIODS = AccountPeriods(
    Periods(messages=40, events=40, media=20, sends=40, dead_letters=40),
    {
        BRIEF: Periods(messages=10, events=12, media=12, sends=11, dead_letters=10),
        LONG: Periods(messages=70, events=60, media=60, sends=60, dead_letters=60),
    },
)
NOW_MS = BEFORE + 30 * DAY_MS

WRONG = (5, 2**50)

#: Around every limit, at both walks.
TIMES = st.one_of(
    st.integers(0, 80).map(lambda days: NOW_MS - days * DAY_MS - DAY_MS // 2),
    st.sampled_from(WRONG),
)
MANY = st.lists(
    st.builds(
        replace,
        TALKS,
        at_ms=TIMES,
        user_ms=TIMES,
        account=st.sampled_from([BRIEF, LONG, OTHER]),
        media=st.sampled_from(["", "picture", "story"]),
    ),
    min_size=4,
    max_size=16,
)


async def _nothing(_: float) -> None:
    return None


class At:
    """The store at another time."""

    def __init__(self, store: Store, now_ms: int) -> None:
        self._store = store
        self._now_ms = now_ms

    async def now_ms(self) -> int:
        return self._now_ms

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


async def _walk(store: Store, now_ms: int, *, whole: bool = False) -> None:
    moved: Store = At(store, now_ms)  # type: ignore[assignment]
    await Pruner(moved, PERIODS, whole=whole, sleep=_nothing).walk()


def _needed(talk: Talk, now_ms: int) -> dict[str, bool]:
    """By the plain rules, at that time."""
    of = PERIODS.of(talk.account).days
    before = {what: now_ms - days * DAY_MS for what, days in of.items()}
    media = Remains.MEDIA if talk.media else Remains.EVENTS
    at_ms, hold_ = talk.at_ms, talk.hold
    return {
        "events": not event_may_go(talk.event, at_ms, hold_, before[media], letter=talk.letter),
        "sends": not send_may_go(talk.send, at_ms, hold_, before[Remains.SENDS]),
        "messages": not message_may_go(at_ms, talk.user_ms, hold_, before[Remains.MESSAGES], 2**45),
        "dead_letters": not letter_may_go(talk.letter, at_ms, hold_, before[Remains.LETTERS]),
    }


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talks=MANY, days=st.integers(0, 6))
async def test_each_accounts_things_go_by_its_own_periods_at_every_walk(
    store: Store, talks: list[Talk], days: int
) -> None:
    # Events are recorded in the order of time.
    talks = sorted(talks, key=lambda talk: talk.at_ms)
    await in_database(store, lambda connection: fill(connection, talks))
    await store.release_conversation("")  # forgets how far earlier walks came
    later_ms = NOW_MS + days * DAY_MS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruner, "ROWS", 3)
        for now_ms, whole in ((NOW_MS, False), (later_ms, False), (later_ms, True)):
            await _walk(store, now_ms, whole=whole)

            left = await in_database(store, left_rows)
            needed = {
                kind: {f"talk-{n}" for n, talk in enumerate(talks) if _needed(talk, now_ms)[kind]}
                for kind in left
            }
            assert all(needed[kind] <= left[kind] for kind in left)
            # Of a time that cannot be true: it goes by its user's silence, which only a walk that
            # looks at everything again finds.
            unsure = {f"talk-{n}" for n, talk in enumerate(talks) if talk.at_ms in WRONG}
            late = set() if whole else unsure
            assert {kind: left[kind] - late for kind in left} == {
                kind: needed[kind] - late for kind in left
            }


async def test_marks_are_kept_until_a_conversation_is_released(store: Store) -> None:
    mark = Mark(7, {0: (3, "x"), "history_w20261123": ("talk", 4)})
    assert await store.mark("events:1") is None

    await store.keep_mark("events:1", Mark(5))
    await store.keep_mark("events:1", mark)

    assert await store.mark("events:1") == mark
    await store.release_conversation("nobody")
    assert await store.mark("events:1") is None


async def test_what_was_kept_of_a_released_conversation_goes_although_walks_had_passed_it(
    store: Store,
) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari", kind=EventKind.READ, account=BRIEF), now_ms=LATER)
    row = (await store.conversations(limit=1, account=BRIEF))[0]
    await store.preserve(row.id, reason="Vaidlus 7", by="mari")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruner, "ROWS", 1)
        await _walk(store, LATER + 13 * DAY_MS)
        assert await _events(store) == 1
        await store.release_conversation(row.id)

        await _walk(store, LATER + 13 * DAY_MS)

    assert await _events(store) == 0


async def _events(store: Store) -> int:
    def work(connection: Connection) -> int:
        return len(connection.execute(select(schema.inbox_event.c.seq)).all())

    return await in_database(store, work)


async def test_an_account_that_is_served_no_more_goes_by_what_holds_for_most(store: Store) -> None:
    gone = Talk(
        hold=Hold(),
        user_ms=1,
        event=EventState.ANSWERED,
        send=SendState.SENT,
        letter=LetterState.DISCARDED,
        at_ms=NOW_MS - 41 * DAY_MS,
        account="17841400000000099",
    )
    await in_database(store, lambda connection: fill(connection, [gone]))

    await _walk(store, NOW_MS)

    assert all(not left for left in (await in_database(store, left_rows)).values())


async def test_of_what_people_did_only_what_is_old_goes(store: Store) -> None:
    for at_ms in range(LATER, LATER + 5):
        await store.audit(
            AuditEntry(
                at_ms=at_ms,
                person="mari",
                role="admin",
                way="token",
                action="conversation.preserve",
                target="c",
                outcome="done",
            )
        )

    assert await pruned(store, Remains.AUDIT, LATER + 3, limit=2) == 3

    left = select(schema.audit.c.at_ms).order_by(schema.audit.c.at_ms)
    rows = await in_database(store, lambda connection: list(connection.execute(left).scalars()))
    assert rows == [LATER + 3, LATER + 4]


async def test_what_was_done_to_an_accounts_things_goes_by_that_accounts_period(
    store: Store,
) -> None:
    periods = AccountPeriods(Periods(audit=40), {BRIEF: Periods(audit=10), LONG: Periods(audit=70)})
    lease = await hold(store)
    asked = {one: message("mari", account=one) for one in (BRIEF, LONG, OTHER)}
    await recorded(store, lease, *asked.values())
    letter = DeadLetter(id="l", source="inbox.1", reason="x", body=b"x", at_ms=1, account=BRIEF)
    await store.bury([letter])
    targets = {one: str(event.conversation) for one, event in asked.items()}
    targets |= {"a letter": "l", "nobody's": "all", "nothing": ""}
    for target in targets.values():
        for days in (5, 20, 50, 80):
            await store.audit(
                AuditEntry(
                    at_ms=NOW_MS - days * DAY_MS,
                    person="mari",
                    role="admin",
                    way="token",
                    action="dead_letter.discard" if target == "l" else "conversation.reply",
                    target=target,
                )
            )

    for errand in periods.errands(NOW_MS):
        if errand.what is Remains.AUDIT:
            await pruned(store, errand.what, errand.before_ms, whose=errand.whose)

    left = await store.audit_entries(limit=99)
    kept = {
        name: sorted((NOW_MS - one.at_ms) // DAY_MS for one in left if one.target == target)
        for name, target in targets.items()
    }
    assert kept == {
        BRIEF: [5],
        LONG: [5, 20, 50],
        OTHER: [5, 20],
        "a letter": [5],
        "nobody's": [5, 20],
        "nothing": [5, 20],
    }


@pytest.mark.parametrize(
    ("action", "whose"),
    [
        *((one, BRIEF) for one in ("schedule.pause", "schedule.resume")),
        *((one, "") for one in ("event.fire", "image.retire", "pool.resize", "schedules.pause")),
    ],
)
async def test_what_only_reads_like_the_name_of_an_accounts_schedule_is_not_the_accounts(
    store: Store, action: str, whose: str
) -> None:
    assert await store.add_schedule(schedule("emadepäev", account=BRIEF))
    await store.audit(AuditEntry(1, "mari", "admin", "token", action, "emadepäev"))
    assert await in_database(store, whose_entries) == [whose]


async def test_entries_are_the_accounts_of_what_each_act_names(store: Store) -> None:
    lease = await hold(store)
    asked = message("mari", account=BRIEF)
    await recorded(store, lease, asked)
    conversation = str(asked.conversation)
    for action in ("conversation.reply", "user.export", "post.reject", "image.retire"):
        await store.audit(AuditEntry(1, "mari", "admin", "token", action, conversation))
    assert await in_database(store, whose_entries) == [BRIEF, BRIEF, "", ""]


async def test_an_entry_is_of_the_account_that_its_writer_knows_though_its_row_is_gone(
    store: Store,
) -> None:
    assert await store.add_schedule(schedule("emadepäev", account=BRIEF))
    for action in ("schedule.remove", "event.fire"):
        await store.audit(
            AuditEntry(1, "mari", "admin", "token", action, "gone already", account=LONG)
        )
    await store.audit(AuditEntry(1, "mari", "admin", "token", "schedule.pause", "emadepäev"))
    assert await in_database(store, whose_entries) == [LONG, LONG, BRIEF]
    assert {one.account for one in await store.audit_entries()} == {""}


async def test_whoever_erases_asks_for_the_mark_in_the_same_transaction(store: Store) -> None:
    assert isinstance(store, SqlStore)
    dialect: Dialect = store._dialect

    async def preserved(conversation: str) -> bool:
        return await in_database(store, lambda c: is_preserved(c, dialect, conversation))

    lease = await hold(store)
    await recorded(store, lease, message("mari", kind=EventKind.READ), now_ms=LATER)
    id_ = (await store.conversations(limit=1))[0].id
    assert not await preserved("nobody")
    assert not await preserved(id_)
    await store.preserve(id_, reason="Vaidlus 7", by="mari")
    assert await preserved(id_)

    now_ms = await store.now_ms()
    await store.preserve(id_, reason="Vaidlus 7", by="mari", until_ms=now_ms - 1)
    assert not await preserved(id_)
    # Marked by a version that knew no reasons.
    forgotten = delete(schema.preservation)
    await in_database(store, lambda connection: connection.execute(forgotten))
    assert await preserved(id_)
    await store.release_conversation(id_)
    assert not await preserved(id_)


async def test_a_mark_that_is_over_holds_nothing(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("mari", kind=EventKind.READ), now_ms=LATER)
    id_ = (await store.conversations(limit=1))[0].id
    now_ms = await store.now_ms()
    await store.preserve(id_, reason="Vaidlus 7", by="mari", until_ms=now_ms + DAY_MS)
    assert await store.end_preservations() == 0
    mark = await store.preservation(id_)
    assert mark is not None
    assert (mark.reason, mark.by, mark.until_ms) == ("Vaidlus 7", "mari", now_ms + DAY_MS)
    since_ms = mark.since_ms

    await store.preserve(id_, reason="Vaidlus 8", by="jaan", until_ms=now_ms + 2 * DAY_MS)
    mark = await store.preservation(id_)
    assert mark is not None
    assert (mark.reason, mark.by, mark.since_ms) == ("Vaidlus 8", "jaan", since_ms)

    ended = update(schema.preservation).values(until_ms=now_ms - 1)
    await in_database(store, lambda connection: connection.execute(ended))
    assert await store.preservation(id_) is None
    assert await store.end_preservations() == 1
    assert await store.end_preservations() == 0
    held = select(schema.conversation.c.preserved_ms)
    assert await in_database(store, lambda connection: connection.execute(held).scalar()) == 0


async def test_a_mark_that_was_renewed_since_its_end_was_read_is_not_taken_away(
    store: Store,
) -> None:
    assert isinstance(store, SqlStore)
    lease = await hold(store)
    for user in ("mari", "jaan"):
        await recorded(store, lease, message(user, kind=EventKind.READ), now_ms=LATER)
    renewed, over = (row.id for row in await store.conversations(limit=2))
    now_ms = await store.now_ms()
    await store.preserve(renewed, reason="Vaidlus 7", by="mari", until_ms=now_ms + DAY_MS)
    await store.preserve(over, reason="Vaidlus 8", by="mari", until_ms=now_ms - 1)
    # What was read while both were over.
    store._ended = select(schema.preservation.c.conversation)

    assert await store.end_preservations() == 1

    mark = await store.preservation(renewed)
    assert mark is not None
    assert mark.until_ms == now_ms + DAY_MS
    of = schema.conversation.c
    marked = select(of.id).where(of.preserved_ms > 0)
    held = await in_database(store, lambda connection: list(connection.execute(marked).scalars()))
    assert held == [renewed]
