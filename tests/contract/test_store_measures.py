"""Minutes and processes as they are measured, and what is not done yet."""

from __future__ import annotations

import asyncio

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    hold,
    hold_outbox,
    message,
    path,
    promise,
    recorded,
    rival,
    send,
    store,
    walk,
)
from vestlus.store.ledger import SendState
from vestlus.store.measure_rows import MINUTE_MS, NO_TIMES, MinuteRow, OpenWork, Told
from vestlus.store.port import Store
from vestlus.store.rows import FOREVER_MS, Change, DeadLetter, LettersWanted, Silence

__all__ = ["rival", "store"]

#: A person sees to the conversation.
SILENT = Change(silence=Silence.PERSON, silent_until_ms=FOREVER_MS)

TIMES = (1, *NO_TIMES[2:], 4)


def minute(number: int, account: str = "a", received: int = 0, backlog: int = 0) -> MinuteRow:
    return MinuteRow(
        minute_ms=number * MINUTE_MS, account=account, received=received, backlog=backlog
    )


async def test_what_processes_add_to_a_minute_is_added_up(store: Store, rival: Store) -> None:
    row = MinuteRow(
        minute_ms=0, account="a", received=2, answered=1, failed=3, backlog=7, times=TIMES
    )
    less = MinuteRow(minute_ms=0, account="a", received=1, backlog=4, times=TIMES)
    await asyncio.gather(store.add_minutes([row]), rival.add_minutes([less]))
    assert await store.minutes(0, 1) == (
        MinuteRow(
            minute_ms=0,
            account="a",
            received=3,
            answered=1,
            failed=3,
            backlog=7,
            times=tuple(2 * number for number in TIMES),
        ),
    )


async def test_minutes_are_read_by_span_and_account_in_order(store: Store) -> None:
    rows = [minute(n, account, received=n) for n in (3, 1, 2) for account in ("b", "a")]
    await store.add_minutes(rows)
    found = await store.minutes(MINUTE_MS, 3 * MINUTE_MS)
    assert [(row.minute_ms // MINUTE_MS, row.account) for row in found] == [
        (1, "a"),
        (1, "b"),
        (2, "a"),
        (2, "b"),
    ]
    assert await store.minutes(0, 9 * MINUTE_MS, account="b") == tuple(
        minute(n, "b", received=n) for n in (1, 2, 3)
    )
    assert await store.minutes(MINUTE_MS + 1, 2 * MINUTE_MS) == ()


async def test_an_account_that_cannot_be_has_no_minutes(store: Store) -> None:
    await store.add_minutes([minute(1)])
    assert await store.minutes(0, 2 * MINUTE_MS, account="b\0\ud800") == ()


async def test_processes_that_add_to_many_minutes_at_once_do_not_hold_each_other_up(
    store: Store, rival: Store
) -> None:
    rows = [minute(n, received=1) for n in range(20)]
    await asyncio.gather(
        *(one.add_minutes(some) for one in (store, rival) for some in (rows, rows[::-1]) * 3)
    )
    found = await store.minutes(0, 20 * MINUTE_MS)
    assert [row.received for row in found] == [12] * 20


async def test_old_minutes_are_taken_away(store: Store) -> None:
    await store.add_minutes([minute(n, account) for n in range(4) for account in "ab"])
    assert await store.forget_minutes(2 * MINUTE_MS) == 4
    assert await store.forget_minutes(2 * MINUTE_MS) == 0
    assert {row.minute_ms for row in await store.minutes(0, 9 * MINUTE_MS)} == {
        2 * MINUTE_MS,
        3 * MINUTE_MS,
    }


async def test_a_minutes_backlog_is_what_is_unanswered_and_not_left_to_people(
    store: Store,
) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("anna"), message("anna"), message("bert"))
    await recorded(store, lease, message("clara"))
    await changed(store, lease, SILENT, "clara")
    await store.note_backlogs(0)
    assert await store.minutes(0, 1) == (minute(0, ACCOUNT, backlog=3),)
    await store.add_minutes([minute(0, ACCOUNT, received=1, backlog=1)])
    await store.note_backlogs(0)
    assert await store.minutes(0, 1) == (minute(0, ACCOUNT, received=1, backlog=3),)


def told(process: str, name: str = "", body: bytes = b"") -> Told:
    return Told(process=process, name=name or process, kind="publisher", node="host-a", body=body)


async def test_a_process_tells_in_place_of_what_it_told_before(store: Store) -> None:
    await store.tell_measures(told("p1", body=b"old"))
    await store.tell_measures(told("p2", body=b"\x00\xff"))
    await store.tell_measures(told("p1", body=b"new"))
    found = await store.measures(60)
    assert [(one.process, one.kind, one.node, one.body) for one in found] == [
        ("p1", "publisher", "host-a", b"new"),
        ("p2", "publisher", "host-a", b"\x00\xff"),
    ]
    assert all(0 <= one.silent_ms < 60_000 for one in found)


async def test_a_process_that_was_started_again_replaces_its_predecessor(store: Store) -> None:
    await store.tell_measures(told("p1", "publisher-0"))
    await store.tell_measures(told("p2", "publisher-1"))
    await store.tell_measures(told("p3", "publisher-0"))
    assert [one.process for one in await store.measures(60)] == ["p2", "p3"]


async def test_a_process_that_ended_or_was_silent_for_long_is_left_out(store: Store) -> None:
    for process in ("p1", "p2", "p3"):
        await store.tell_measures(told(process))
    await store.withdraw_measures("p2")
    assert [one.process for one in await store.measures(60)] == ["p1", "p3"]
    # As of a minute ahead, all of them told long ago.
    assert await store.measures(-60) == ()
    assert await store.forget_measures(60) == 0
    assert await store.forget_measures(-60) == 2
    assert await store.measures(3600) == ()


async def test_a_store_in_which_nothing_waits_has_no_open_work(store: Store) -> None:
    lease = await hold(store)
    await answered(store, lease)
    work = await store.open_work()
    assert (work.events, work.sends, work.dead_letters) == ({}, {}, {})
    assert (work.unanswered_since_ms, work.due_since_ms, work.deadline_ms) == (None, None, None)
    assert (work.waiting, work.waiting_since_ms, work.closing) == (0, None, 0)


async def test_unanswered_messages_are_counted_and_the_oldest_has_its_time(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message("clara"), now_ms=1_000)
    await changed(store, lease, SILENT, "clara")
    assert (await store.open_work()).unanswered_since_ms is None
    await recorded(store, lease, message("anna"), now_ms=3_000)
    await recorded(store, lease, message("bert"), now_ms=2_000)
    work = await store.open_work()
    assert work.events == {"message/pending": 3}
    assert work.unanswered_since_ms == 2_000


async def test_what_is_to_be_sent_is_counted_with_its_nearest_deadline(store: Store) -> None:
    outbox = await hold_outbox(store)
    now_ms = await store.now_ms()
    first = send("anna", due_ms=0, deadline_ms=now_ms + 9_000)
    later = send("bert", due_ms=now_ms + 60_000, deadline_ms=now_ms + 5_000)
    draft = send("clara", due_ms=0, deadline_ms=now_ms + 1_000, draft=True)
    await promise(store, first, later, draft)
    work = await store.open_work()
    assert work.sends == {"pending": 2, "draft": 1}
    assert work.deadline_ms == now_ms + 5_000
    assert work.draft_deadline_ms == now_ms + 1_000
    # Since it was decided, because it was due at once.
    assert work.due_since_ms == 20
    await walk(store, outbox, path(first, SendState.SENDING, SendState.SENT))
    work = await store.open_work()
    assert work.sends == {"pending": 1, "draft": 1}
    assert work.due_since_ms is None


async def test_people_are_waited_for_since_the_first_asked_for_one(store: Store) -> None:
    lease = await hold(store)
    for user, since in (("anna", 5_000), ("bert", 4_000)):
        await changed(store, lease, Change(waiting_ms=since), user)
    work = await store.open_work()
    assert (work.waiting, work.waiting_since_ms) == (2, 4_000)


async def test_windows_that_close_soon_are_those_with_something_open(store: Store) -> None:
    lease = await hold(store)
    now_ms = await store.now_ms()
    soon = now_ms - 23 * 60 * MINUTE_MS
    await answered(store, lease, asked=message("anna", timestamp_ms=soon), user="anna")
    await recorded(store, lease, message("bert", timestamp_ms=soon), now_ms=soon)
    await recorded(store, lease, message("clara", timestamp_ms=now_ms), now_ms=now_ms)
    assert (await store.open_work()).closing == 1


async def test_each_account_has_its_own_open_work(store: Store) -> None:
    lease = await hold(store)
    now_ms = await store.now_ms()
    soon = now_ms - 23 * 60 * MINUTE_MS
    for user, account, later in (("anna", ACCOUNT, 2_000), ("bert", "other", 1_000)):
        due = send(user, account=account, due_ms=0, deadline_ms=now_ms + later)
        draft = send(user, account=account, due_ms=0, deadline_ms=now_ms + 2 * later, draft=True)
        await promise(store, due, draft)
        asked = message(user, account=account, timestamp_ms=soon)
        await recorded(store, lease, asked, now_ms=soon + later)
    letters = (("l1", ACCOUNT), ("l2", "other"), ("l3", None))
    await store.bury(
        [
            DeadLetter(id=id_, source="inbox.1", reason="late", body=b"x", at_ms=1, account=account)
            for id_, account in letters
        ]
    )
    of_all = await store.open_work()
    assert of_all.events == {"message/pending": 2}
    assert of_all.sends == {"pending": 2, "draft": 2}
    assert of_all.dead_letters == {"late": 3}
    assert of_all.closing == 2
    for account, later in ((ACCOUNT, 2_000), ("other", 1_000)):
        work = await store.open_work(account=account)
        assert work.events == {"message/pending": 1}
        assert work.unanswered_since_ms == soon + later
        assert work.sends == {"pending": 1, "draft": 1}
        assert work.deadline_ms == now_ms + later
        assert work.draft_deadline_ms == now_ms + 2 * later
        assert work.dead_letters == {"late": 1}
        assert work.closing == 1
    for nobody in ("third", "third\0\ud800"):
        assert await store.open_work(account=nobody) == OpenWork()


async def test_dead_letters_are_counted_by_reason_until_somebody_saw_to_them(
    store: Store,
) -> None:
    letters = [
        DeadLetter(id=f"l{n}", source="inbox.1", reason=reason, body=b"x", at_ms=n)
        for n, reason in enumerate(("too_large", "too_large", "not_json"))
    ]
    await store.bury(letters)
    assert (await store.open_work()).dead_letters == {"too_large": 2, "not_json": 1}
    await store.discard("l0", by="anna", now_ms=9)
    await store.discard("l2", by="anna", now_ms=9)
    assert (await store.open_work()).dead_letters == {"too_large": 1}
    assert len(await store.dead_letters(limit=9, wanted=LettersWanted(reason="too_large"))) == 2
