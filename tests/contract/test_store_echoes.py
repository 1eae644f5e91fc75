"""Whose echoes are: compared with what was sent, claimed, undetermined, settled."""

from __future__ import annotations

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    echo,
    hold,
    hold_outbox,
    new,
    path,
    recorded,
    rival,
    step,
    store,
    unfinished,
    walk,
)
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    Change,
    Kind,
    RecentSend,
)

__all__ = ["rival", "store"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
SENT = SendState.SENT
ID = conversation_id(ACCOUNT, "user")
UNTIL_MS = 10_000


async def recent(store: Store, since_ms: int = 0, user: str = "user") -> list[RecentSend]:
    """What was sent to a user since then."""
    id_ = conversation_id(ACCOUNT, user)
    return list((await store.recent_sends([id_], since_ms)).get(id_, ()))


async def test_sends_are_compared_by_what_their_rows_say(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    one, two, never = await answered(store, inbox, "Üks", "Kaks", "Kolm")
    (shown,) = await answered(
        store, inbox, "", user="jaan", kind=Kind.PICTURES, pictures=("a", "b")
    )
    await walk(store, outbox, path(one, SENDING))
    await walk(store, outbox, [step(one, SENDING, SENT, sent_mid="m-1", at_ms=60)])
    await walk(store, outbox, [step(two, PENDING, SENDING, at_ms=70)])
    await walk(store, outbox, [step(shown, PENDING, SENDING, at_ms=55)])
    await recorded(store, inbox, new(echo(mid="e-1"), echo_of=one.id))

    found = await store.recent_sends([ID, conversation_id(ACCOUNT, "jaan"), "unheard of"], 1)

    assert found[ID] == (
        RecentSend(
            id=one.id,
            conversation=ID,
            kind=Kind.TEXT,
            text="Üks",
            pictures=0,
            state=SENT,
            attempted_ms=50,
            changed_ms=60,
            sent_mid="m-1",
            echo_mid="e-1",
        ),
        RecentSend(
            id=two.id,
            conversation=ID,
            kind=Kind.TEXT,
            text="Kaks",
            pictures=0,
            state=SENDING,
            attempted_ms=70,
            changed_ms=70,
            sent_mid=None,
            echo_mid=None,
        ),
    )
    (jaans,) = found[conversation_id(ACCOUNT, "jaan")]
    assert (jaans.kind, jaans.pictures, jaans.state) == (Kind.PICTURES, 2, SENDING)
    assert set(found) == {ID, conversation_id(ACCOUNT, "jaan")}
    assert never.id not in {row.id for row in found[ID]}
    assert await store.recent_sends([], 0) == {}


async def test_sends_are_recent_by_their_attempt_or_by_the_proof_of_it(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    early, proved, late, given_up = await answered(store, inbox, "1", "2", "3", "4")
    for one, at_ms in ((early, 100), (proved, 110), (late, 300), (given_up, 120)):
        await walk(store, outbox, [step(one, PENDING, SENDING, at_ms=at_ms)])
    await walk(store, outbox, [step(early, SENDING, SENT, at_ms=150)])
    await walk(store, outbox, [step(proved, SENDING, SENT, at_ms=250)])
    await walk(store, outbox, [step(given_up, SENDING, SendState.DEAD, at_ms=260)])

    assert [row.text for row in await recent(store, 200)] == ["2", "3"]
    assert [row.text for row in await recent(store, 120)] == ["1", "2", "4", "3"]
    assert [row.text for row in await recent(store, 301)] == []


async def test_an_echo_is_noted_with_its_send_and_the_first_one_counts(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    one, two = await answered(store, inbox, "Üks", "Kaks")
    await walk(store, outbox, [*path(one, SENDING, SENT), *path(two, SENDING)])

    await recorded(
        store,
        inbox,
        new(echo(mid="e-1"), echo_of=one.id),
        new(echo(mid="e-2"), echo_of=two.id),
        new(echo(mid="e-3"), echo_of=two.id),
        new(echo(mid="m" * 100_000), echo_of=one.id),
    )
    await recorded(store, inbox, new(echo(mid="e-4"), echo_of=one.id))

    assert [row.echo_mid for row in await recent(store)] == ["e-1", "e-2"]
    assert (await conversation(store)).version == 1


async def test_an_echo_of_another_conversation_is_nobodys(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (one,) = await answered(store, inbox, "Üks")
    await walk(store, outbox, path(one, SENDING, SENT))

    await recorded(store, inbox, new(echo("jaan", mid="e-1"), echo_of=one.id))
    await recorded(store, inbox, new(echo(mid="e-2"), echo_of="unheard of"))

    assert [row.echo_mid for row in await recent(store)] == [None]


async def test_an_echo_that_also_changes_something_does_both(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (one,) = await answered(store, inbox, "Üks")
    await walk(store, outbox, path(one, SENDING, SENT))
    change = Change(cancel_sends=True, note="both")

    await recorded(store, inbox, new(echo(mid="e-1"), change, echo_of=one.id))

    assert [row.echo_mid for row in await recent(store)] == ["e-1"]
    assert (await conversation(store)).note == "both"


async def test_echoes_that_were_told_are_claimed(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    one, two = await answered(store, inbox, "Üks", "Kaks")
    await walk(store, outbox, [*path(one, SENDING), *path(two, SENDING)])
    await walk(store, outbox, [step(one, SENDING, SENT, sent_mid="m-1")])
    await recorded(store, inbox, new(echo(mid="e-1"), echo_of=one.id))
    await recorded(store, inbox, new(echo(mid="e-2"), echo_of=two.id), echo(mid="e-3"))

    asked = ["m-1", "e-1", "e-2", "e-3"]
    assert await store.claimed_mids(ACCOUNT, asked) == {"m-1", "e-1", "e-2"}
    assert await store.claimed_mids("other", asked) == frozenset()
    for of, wanted in ((two.id, ["e-2", "e-3"]), (one.id, ["e-1", "e-3"]), ("x", ["e-3"])):
        found = await store.unclaimed_echoes(ID, 0, of=of)
        assert [row.mid for row in found] == wanted


async def test_a_send_row_shows_what_it_is_made_of(store: Store) -> None:
    inbox = await hold(store)
    await changed(store, inbox, Change(note="n"))
    (shown,) = await answered(store, inbox, "", kind=Kind.PICTURES, pictures=("a", "b"))

    (row,) = await unfinished(store)

    assert (row.id, row.kind, row.pictures, row.turn) == (shown.id, Kind.PICTURES, ("a", "b"), 1)
