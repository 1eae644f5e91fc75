"""A user erased, on both stores: nothing is left, nothing comes back, and others are untouched."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.contract.erasing_support import (
    GRAVES,
    ID,
    OTHER,
    SECRET,
    USER,
    came,
    dumped,
    erased,
    ids_of,
    lived,
    traces,
    whom,
    wish,
)
from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    answered,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    path,
    recorded,
    rival,
    store,
    texts,
    turn,
    walk,
    whose_entries,
)
from tests.contract.test_store_opening import in_database
from vestlus.conversation.events import EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.errors import CodeTaken, ConversationGone, ConversationPreserved
from vestlus.messages import decode_inbox, encode, inbox_message
from vestlus.privacy.inventory import HOLDS
from vestlus.store.erasing import ErasureState, Way
from vestlus.store.ledger import SendState
from vestlus.store.names import inbox_lease
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult, DeadLetter, TransitionResult
from vestlus.store.sql_store import SqlStore

__all__ = ["rival", "store"]


async def test_everything_that_is_held_of_a_user_is_given_out_and_then_gone(store: Store) -> None:
    inbox = await hold(store)
    for user in (USER, OTHER):
        await lived(store, inbox, user)
        await store.preserve(conversation_id(ACCOUNT, user), reason=SECRET, by="mari", until_ms=1)
    before = await traces(store, OTHER)
    data = await store.user_data(ACCOUNT, USER, ID)
    assert set(data) == set(HOLDS)
    assert len(data["dead_letter"]) == 4
    assert not any(OTHER in str(row) for rows in data.values() for row in rows)

    done = await erased(store, USER)

    assert await traces(store, USER) == []
    assert (await dumped(store))["conversation_read"] == [
        {"conversation": conversation_id(ACCOUNT, OTHER), "user_ms": 1, "read_ms": 1}
    ]
    assert sorted(await traces(store, OTHER)) == sorted(before)
    assert done.counts["history"] == len(data["history"])
    assert done.counts["ledger"] == len(data["ledger"])
    assert done.counts["inbox_event"] == len(data["inbox_event"]) + 1
    assert done.counts["dead_letter"] == 4
    assert await store.user_data(ACCOUNT, USER, ID) == {}
    assert (await store.erasure(done.code)) == done
    assert done.state is ErasureState.ERASED
    await erased(store, OTHER)
    assert await traces(store, SECRET) == []


async def test_a_preserved_user_is_erased_only_by_who_says_that_the_mark_is_known(
    store: Store,
) -> None:
    inbox = await hold(store)
    for user in (USER, OTHER):
        await lived(store, inbox, user)
    await store.preserve(ID, reason=SECRET, by="mari")
    before = await dumped(store)

    with pytest.raises(ConversationPreserved) as refused:
        await store.erase(wish("NO"), [whom(OTHER), whom(USER)])

    assert refused.value.conversations == (ID,)
    assert await store.erasure("NO") is None
    assert await dumped(store) == before, "nothing was done to the other one either"

    done = await store.erase(wish("YES"), [whom(OTHER), whom(USER)], even_preserved=True)
    assert done.counts["preservation"] == 1
    assert await traces(store, USER, OTHER, SECRET) == []
    assert await traces(store, ID) == ["tombstone.conversation"]
    assert await store.preservation(ID) is None
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))
    assert (await erased(store, USER)).counts["conversation"] == 1


async def test_a_mark_that_is_over_keeps_nobody_from_being_erased(store: Store) -> None:
    inbox = await hold(store)
    await lived(store, inbox, USER)
    await store.preserve(ID, reason=SECRET, by="mari", until_ms=await store.now_ms() - 1)

    await erased(store, USER)

    assert await traces(store, USER, SECRET) == []


async def test_a_mark_set_at_the_same_moment_refuses_the_erasure_or_finds_nobody(
    store: Store, rival: Store
) -> None:
    inbox = await hold(store)
    for number in range(12):
        user = f"{USER}{number}"
        id_ = conversation_id(ACCOUNT, user)
        await recorded(store, inbox, message(user, text=SECRET))
        marked, done = await asyncio.gather(
            rival.preserve(id_, reason="Vaidlus 7", by="mari"),
            erased(store, user),
            return_exceptions=True,
        )
        assert marked is isinstance(done, ConversationPreserved), (marked, done)
        assert bool(await traces(store, user)) is marked
        assert (await store.preservation(id_) is not None) is marked


async def test_what_was_written_before_is_dropped_and_what_comes_later_begins_anew(
    store: Store,
) -> None:
    inbox = await hold(store)
    await answered(store, inbox, f"{SECRET} vastus", user=USER)
    old_version = (await conversation(store, USER)).version
    await erased(store, USER)

    now = await store.now_ms()
    queued = message(USER, text=SECRET, timestamp_ms=now - 60_000)
    listed = replace(queued, key="another key", timestamp_ms=now - 3_600_000)
    assert await came(store, inbox, queued, listed) == []
    assert await traces(store, USER, SECRET) == []

    fresh = message(USER, text="Tere jälle", timestamp_ms=now + 1_000)
    stranger = message(OTHER, text="Mina ka", timestamp_ms=1)
    assert len(await came(store, inbox, queued, fresh, stranger)) == 2
    row = await conversation(store, USER)
    assert await ids_of(store, USER) == ["Tere jälle"]
    assert (row.history, row.summary, row.usage.in_day) == ((), "", 0)
    assert row.version > old_version
    await answered(store, inbox, "Tere!", user=USER)
    assert "Tere!" in await texts(store, USER)


async def test_a_turn_under_way_commits_nothing_though_the_user_came_back(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER, text=SECRET))
    under_way = turn(inbox, await conversation(store, USER))
    alarm = replace(under_way, answered=())

    await erased(store, USER)
    assert await store.commit_turns([under_way], 9) == [CommitResult.CONFLICT]
    with pytest.raises(ConversationGone):
        await store.postpone(inbox, ID, wake_ms=1, failures=1)
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))

    assert await store.commit_turns([under_way, alarm], 9) == [CommitResult.CONFLICT] * 2
    summary = await store.keep_summary(inbox, ID, summary=SECRET, summarised=9, version=0)
    assert not summary
    assert await traces(store, SECRET) == []


async def test_a_send_under_way_makes_no_further_step(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    sends = [
        (await answered(store, inbox, SECRET, user=USER))[0],
        (await answered(store, inbox, SECRET, user=USER))[0],
    ]
    await walk(store, outbox, path(sends[0], SendState.SENDING))

    await erased(store, USER)

    steps = [
        path(sends[0], SendState.SENDING, SendState.LOOKING, SendState.UNKNOWN)[-1],
        path(sends[1], SendState.SENDING)[0],
    ]
    assert await store.transition(outbox, steps) == [TransitionResult.STALE] * 2
    assert await store.unfinished(OUTBOX, limit=9) == ()
    assert await store.dead_letters(limit=9) == ()


async def test_echoes_of_what_was_under_way_and_all_readings_are_dropped(store: Store) -> None:
    inbox = await hold(store)
    await answered(store, inbox, "Tere!", user=USER)
    await erased(store, USER)
    now = await store.now_ms()
    late = now + 10 * 60_000

    events = [
        echo(USER, text=SECRET, timestamp_ms=now + 20_000),
        message(USER, kind=EventKind.READ, text=None, timestamp_ms=late),
    ]
    assert await came(store, inbox, *events) == []
    assert await traces(store, USER) == []
    persons = echo(USER, text="Siin Mari", timestamp_ms=late)
    assert len(await came(store, inbox, persons)) == 1


async def test_no_letter_is_kept_that_names_somebody_who_was_erased(store: Store) -> None:
    await erased(store, USER)
    entry = f'"entry": [{{"id": "{ACCOUNT}"}}], "sender": {{"id": "%s"}}, "text": "{SECRET}'
    letters = [
        DeadLetter(
            id=f"dead.{user}", source="dead", reason="x", body=(entry % user).encode(), at_ms=1
        )
        for user in (USER, OTHER)
    ]
    of_conversation = DeadLetter(
        id="event:1", source="inbox_event", reason="x", body=b"x", at_ms=1, conversation=ID
    )

    await store.bury([GRAVES.of_letter(one) for one in (*letters, of_conversation)])

    assert [one.id for one in await store.dead_letters(limit=9)] == [f"dead.{OTHER}"]


async def test_a_letter_with_others_in_it_is_given_out_and_erased_by_each_ones_part(
    store: Store,
) -> None:
    nobodys = replace(message(USER, text=f"about {USER}"), user=None, conversation=None)
    events = (message(USER, text="Minu"), message(OTHER, text=f"{SECRET} teise"), nobodys)
    body = encode(inbox_message(events, at_ms=1, forget=("others-conversation",)))
    outbox = f'{{"sends": [{{"user": "{USER}", "user": "{OTHER}"}}]}}'.encode()
    await store.bury(
        [
            DeadLetter(id=id_, source="dead", reason="x", body=one, at_ms=1)
            for id_, one in (("dead.1", body), ("dead.2", outbox))
        ]
    )

    data = await store.user_data(ACCOUNT, USER, ID)

    given = {row["id"]: row["body"] for row in data["dead_letter"]}
    assert decode_inbox(given["dead.1"]).events == (events[0], nobodys)
    assert decode_inbox(given["dead.1"]).forget == ()
    assert given["dead.2"] == b"", "nobody can tell whose words are in it"

    assert (await erased(store, USER)).counts["dead_letter"] == 2
    [left] = await store.dead_letters(limit=9)
    assert (left.id, decode_inbox(left.body).events) == ("dead.1", (events[1],))
    assert await traces(store, USER) == []
    await erased(store, OTHER)
    assert await store.dead_letters(limit=9) == ()


async def test_one_code_erases_once(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER))
    first = await store.erase(wish("TWICE"), [whom(USER)])
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))

    again = await store.erase(wish("TWICE"), [whom(USER)])
    assert again == first
    assert (first.is_new, again.is_new) == (True, False)
    assert await ids_of(store, USER) == ["Tere jälle"]
    assert await store.erasures(limit=9) == (first,)


@pytest.mark.parametrize(
    ("way", "audited"),
    [(Way.CLI, "command"), (Way.API, "api"), (Way.CHAT, "chat"), (Way.META, "meta")],
)
async def test_an_erasure_and_its_entry_in_the_audit_are_written_together_and_once(
    store: Store, way: Way, audited: str
) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER))
    wanted = replace(wish(), way=way)
    done = await store.erase(wanted, [whom(USER)])
    await store.erase(wanted, [whom(USER)])

    [entry] = await store.audit_entries(action="user.erase")
    assert (entry.way, entry.person, entry.role) == (audited, "mari", "")
    assert (entry.target, entry.outcome, entry.detail) == (done.code, "done", "")
    assert entry.at_ms == done.asked_ms
    assert await traces(store, USER, SECRET) == []

    opened = await store.erase(replace(wish(state=ErasureState.OPEN), way=way), [])
    entries = await store.audit_entries(action="user.erase")
    assert [(one.target, one.outcome) for one in entries] == [
        (opened.code, "open"),
        (done.code, "done"),
    ]


async def test_who_erases_by_hand_stands_in_the_entry_as_they_came(store: Store) -> None:
    who = AuditEntry(1, "Mari", "admin", "oidc", "user.erase", "not a code", detail="x")
    who = replace(who, account=ACCOUNT)
    done = await store.erase(replace(wish(), way=Way.CONSOLE), [whom(USER)], entry=who)
    [entry] = await store.audit_entries()
    assert (entry.person, entry.role, entry.way) == ("Mari", "admin", "oidc")
    assert (entry.at_ms, entry.target, entry.detail) == (done.asked_ms, done.code, "")
    # Which would say among fewer people whose data they were.
    assert await in_database(store, whose_entries) == [""]


async def test_what_is_not_erased_has_no_entry_of_an_erasure(store: Store) -> None:
    inbox = await hold(store)
    await lived(store, inbox, USER)
    await store.preserve(ID, reason=SECRET, by="mari")
    with pytest.raises(ConversationPreserved):
        await store.erase(wish(), [whom(USER)])
    assert await store.audit_entries() == ()


async def test_a_code_of_another_erasure_erases_nobody_and_does_not_say_so(store: Store) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(USER), message(OTHER))
    first = await store.erase(wish("MINE"), [whom(USER)])
    before = await dumped(store)

    for others in ([whom(OTHER)], [whom(USER), whom(OTHER)]):
        with pytest.raises(CodeTaken):
            await store.erase(wish("MINE"), others)
    with pytest.raises(CodeTaken):
        await store.erasure_of("MINE", whom(OTHER).grave)
    assert await dumped(store) == before
    assert await store.erasure_of("MINE", whom(USER).grave) == first
    assert await store.erasure_of("NONE", whom(USER).grave) is None

    by_meta = replace(wish("MINE"), way=Way.META)
    assert await store.erase(by_meta, [whom(USER), whom(OTHER)]) == first, "as it was made then"


async def test_what_no_transaction_has_room_for_goes_in_steps_unseen(store: Store) -> None:
    assert isinstance(store, SqlStore)
    store.most_rows = 3
    inbox = await hold(store)
    for number in range(6):
        await answered(
            store, inbox, f"{SECRET} {number}", user=USER, asked=message(USER, text=SECRET)
        )
    await recorded(store, inbox, *(message(USER, text=SECRET) for _ in range(8)))

    done = await erased(store, USER)

    assert await ids_of_or_none(store) is None
    assert await store.dead_letters(limit=9) == ()
    assert await store.unfinished(OUTBOX, limit=9) == ()
    now = await store.now_ms()
    await came(store, inbox, message(USER, text="Tere jälle", timestamp_ms=now + 1_000))
    row = (await store.load([ID], 1_000))[ID]
    assert [one.event.text for one in row.pending] == ["Tere jälle"]
    assert row.history == ()
    steps = 0
    while await store.erase_more(done.code):
        steps += 1
    assert steps > 1
    assert await traces(store, SECRET) == []
    assert await ids_of(store, USER) == ["Tere jälle"]
    recorded_counts = await store.erasure(done.code)
    assert recorded_counts is not None
    assert recorded_counts.counts["history"] == 12


async def ids_of_or_none(store: Store) -> object:
    return (await store.load([ID], 1)).get(ID)


async def test_whoever_records_at_the_same_moment_comes_wholly_before_or_after(
    store: Store, rival: Store
) -> None:
    name = inbox_lease(whom(USER).partition)
    inbox = await hold(store, name)
    old = [message(USER, text=SECRET, timestamp_ms=1) for _ in range(40)]

    async def arrive() -> None:
        for event in old:
            await came(rival, inbox, event)

    arriving = asyncio.create_task(arrive())
    while not await store.load([ID], 1):
        await asyncio.sleep(0)
    await erased(store, USER)
    await arriving

    assert await traces(store, USER, SECRET) == []
