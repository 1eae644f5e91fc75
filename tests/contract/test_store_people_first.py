"""What people wrote is found behind any backlog, and what nobody knows is listed."""

from __future__ import annotations

from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    hold_outbox,
    path,
    promise,
    send,
    step,
    store,
    unfinished,
    walk,
)
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import Origin

__all__ = ["store"]

SENDING, LOOKING, UNKNOWN = SendState.SENDING, SendState.LOOKING, SendState.UNKNOWN


async def test_what_people_wrote_is_read_apart_nearest_deadline_first(store: Store) -> None:
    backlog = [send(f"bot-{n}", deadline_ms=n) for n in range(3)]
    people = [send(f"person-{n}", deadline_ms=10_000 - n, origin=Origin.PERSON) for n in range(3)]
    await promise(store, *backlog, *people)
    lease = await hold_outbox(store)
    await walk(store, lease, path(people[2], SENDING, SendState.SENT, sent_mid="m"))

    found = await unfinished(store, people=True)

    assert [row.user for row in found] == ["person-1", "person-0"]
    assert [row.user for row in await unfinished(store, people=True, limit=1)] == ["person-1"]
    assert len(await unfinished(store)) == 5
    without = await store.unfinished(OUTBOX, limit=9, people=True, without_accounts=[ACCOUNT])
    assert without == ()


async def test_sends_that_nobody_knows_of_are_listed_newest_first(store: Store) -> None:
    sends = [send(f"user-{n}") for n in range(3)]
    await promise(store, *sends)
    lease = await hold_outbox(store)
    for number, new in enumerate(sends[:2]):
        await walk(store, lease, path(new, SENDING, LOOKING))
        reason = f"reason_{number}"
        await walk(store, lease, [step(new, LOOKING, UNKNOWN, at_ms=50 + number, reason=reason)])

    found = await store.unknown_sends(limit=9)

    assert [(one.row.id, one.reason, one.at_ms) for one in found] == [
        (sends[1].id, "reason_1", 51),
        (sends[0].id, "reason_0", 50),
    ]
    assert found[0].row.state is UNKNOWN
    assert await store.unknown_sends(limit=1) == found[:1]
    assert await store.unknown_sends(limit=9, account=sends[0].account) == found
    assert await store.unknown_sends(limit=9, account="another") == ()
