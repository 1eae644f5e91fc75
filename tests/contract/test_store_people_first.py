"""What people wrote is found behind any backlog."""

from __future__ import annotations

from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    hold_outbox,
    path,
    promise,
    send,
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
