"""What meets in the database at the same moment comes wholly before or wholly after."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    new,
    path,
    recorded,
    rival,
    said,
    step,
    store,
    turn,
    walk,
)
from vestlus.conversation.identity import conversation_id
from vestlus.store import sql_database
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import Change, Lease, NewSend, TransitionResult
from vestlus.store.sql_errors import may_repeat

__all__ = ["rival", "store"]

PENDING, SENDING, SENT = SendState.PENDING, SendState.SENDING, SendState.SENT
ID = conversation_id(ACCOUNT, "user")


@asynccontextmanager
async def under_way(url: str, statement: str) -> AsyncIterator[None]:
    """Another process's transaction has made a change, and commits when this is left."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None) as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute(statement)
            yield
            file.execute("COMMIT")
        file.close()
        return
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(statement)
            yield
    finally:
        await connection.close()


async def _stays_under_way(store: Store, task: asyncio.Task[object]) -> None:
    """Others are answered all the while."""
    for _ in range(20):
        await store.check()
    assert not task.done()


async def test_a_request_does_not_begin_while_a_hold_is_being_recorded(
    store: Store, store_url: str
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (one,) = await answered(store, inbox, "Tere!")
    holds = f"UPDATE conversation SET held_until_ms = 9999 WHERE id = '{ID}'"  # noqa: S608

    async with under_way(store_url, holds):
        begin = asyncio.create_task(store.transition(outbox, [step(one, PENDING, SENDING)]))
        await _stays_under_way(store, begin)

    assert await begin == [TransitionResult.HELD]


async def test_a_silence_waits_for_the_request_that_begins_and_leaves_it(
    store: Store, store_url: str
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    one, _ = await answered(store, inbox, "Üks", "Kaks")
    begins = f"UPDATE ledger SET state = 'sending', attempts = 1 WHERE id = '{one.id}'"  # noqa: S608
    person = new(echo(), Change(cancel_sends=True))

    async with under_way(store_url, begins):
        silence = asyncio.create_task(recorded(store, inbox, person))
        await _stays_under_way(store, silence)
    await silence

    assert (await store.counts()).sends == {"sending": 1, "cancelled": 1}
    await walk(store, outbox, [step(one, SENDING, SENT)])


async def test_an_echo_is_noted_at_a_row_that_changes_meanwhile(
    store: Store, store_url: str
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (one,) = await answered(store, inbox, "Tere!")
    await walk(store, outbox, path(one, SENDING))
    proved = f"UPDATE ledger SET state = 'sent', sent_mid = 'm' WHERE id = '{one.id}'"  # noqa: S608

    async with under_way(store_url, proved):
        noted = asyncio.create_task(recorded(store, inbox, new(echo(mid="e"), echo_of=one.id)))
        await _stays_under_way(store, noted)
    await noted

    (row,) = (await store.recent_sends([ID], 1))[ID]
    assert (row.state, row.sent_mid, row.echo_mid) == (SENT, "m", "e")


async def test_an_echo_that_another_noted_first_stays_the_rows(
    store: Store, store_url: str
) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    (one,) = await answered(store, inbox, "Tere!")
    await walk(store, outbox, path(one, SENDING))
    first = f"UPDATE ledger SET echo_mid = 'first' WHERE id = '{one.id}'"  # noqa: S608

    async with under_way(store_url, first):
        noted = asyncio.create_task(recorded(store, inbox, new(echo(mid="e"), echo_of=one.id)))
        await _stays_under_way(store, noted)
    await noted

    assert [row.echo_mid for row in (await store.recent_sends([ID], 1))[ID]] == ["first"]


@dataclass
class Crowd:
    """Hosts and publishers at work on the same conversations, each in an order of its own."""

    host: Store
    publisher: Store
    inbox: Lease
    outbox: Lease
    sends: list[NewSend]
    chance: random.Random

    def users(self) -> list[str]:
        """All of them, in a new order."""
        users = sorted({one.user for one in self.sends})
        return self.chance.sample(users, len(users))

    async def silence(self) -> None:
        change = Change(cancel_sends=True, answers_all=True, note="x")
        for _ in range(4):
            silenced = [new(echo(user), change) for user in self.users()[:6]]
            await recorded(self.host, self.inbox, *silenced, *map(message, self.users()))

    async def note_echoes(self) -> None:
        for one in self.chance.sample(self.sends, 12):
            others = self.chance.sample(self.sends, 6)
            marks = [new(echo(other.user), echo_of=other.id) for other in others]
            silenced = new(echo(one.user), Change(cancel_sends=True))
            await recorded(self.host, self.inbox, silenced, *marks)

    async def commit(self) -> None:
        for _ in range(6):
            rows = [await conversation(self.host, user) for user in self.users()]
            turns = [turn(self.inbox, row, history=[said("x")]) for row in rows]
            await self.host.commit_turns(turns, 1)

    async def publish(self) -> None:
        for _ in range(10):
            some = self.chance.sample(self.sends, 12)
            for steps in (
                [step(one, PENDING, SENDING, at_ms=1) for one in some],
                [step(one, SENDING, PENDING, due_ms=1) for one in some],
                [step(one, PENDING, SendState.CANCELLED) for one in some[:2]],
            ):
                await self.publisher.transition(self.outbox, steps)


async def test_hosts_and_publishers_never_wait_in_a_ring(
    store: Store, rival: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated: list[str] = []

    def noting(error: DBAPIError) -> bool:
        repeated.append(str(getattr(error.orig, "sqlstate", "")))
        return may_repeat(error)

    monkeypatch.setattr(sql_database, "may_repeat", noting)
    inbox, outbox = await hold(store), await hold_outbox(store)
    sends: list[NewSend] = []
    for number in range(12):
        sends += await answered(store, inbox, "Üks", "Kaks", user=f"user-{number}")
    chance = random.Random(7)  # noqa: S311 - no secret
    crowd = Crowd(store, rival, inbox, outbox, sends, chance)

    await asyncio.gather(
        crowd.silence(), crowd.note_echoes(), crowd.commit(), crowd.publish(), crowd.publish()
    )

    assert "40P01" not in repeated
