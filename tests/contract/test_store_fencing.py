"""A holder who was overtaken changes nothing, whatever it calls and whenever."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.contract.store_support import (
    ACCOUNT,
    ANNA,
    BERT,
    INBOX,
    LONG,
    OUTBOX,
    another,
    conversation,
    hold,
    hold_outbox,
    message,
    new,
    promise,
    recorded,
    rival,
    said,
    send,
    store,
    turn,
)
from vestlus.conversation.identity import conversation_id
from vestlus.errors import LeaseLost
from vestlus.store.ledger import SendState
from vestlus.store.names import REGISTRY, outbox_lease
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult, Lease, Member, Settled, Transition, TransitionResult

__all__ = ["rival", "store"]

USER = conversation_id(ACCOUNT, "user")
COMMITTED, LEASE_LOST = CommitResult.COMMITTED, CommitResult.LEASE_LOST


async def _record(store: Store, lease: Lease) -> bool:
    return (await store.record([(lease, [new(message("new"))])], 1))[0] is None


async def _commit(store: Store, lease: Lease) -> bool:
    row = await conversation(store)
    commit = turn(lease, row, history=[said("x")], sends=[send()])
    return await store.commit_turns([commit], 1) == [LEASE_LOST]


async def _transition(store: Store, lease: Lease) -> bool:
    (row,) = await store.unfinished(OUTBOX, limit=1)
    step = Transition(id=row.id, before=row.state, after=SendState.PENDING, at_ms=1)
    return await store.transition(lease, [step]) == [TransitionResult.LEASE_LOST]


def _raising(
    call: Callable[[Store, Lease], Awaitable[object]],
) -> Callable[[Store, Lease], Awaitable[bool]]:
    async def is_refused(store: Store, lease: Lease) -> bool:
        with pytest.raises(LeaseLost):
            await call(store, lease)
        return True

    return is_refused


#: Every method that takes a lease: its lease's name, and a call that says whether it was refused.
METHODS: dict[str, tuple[str, Callable[[Store, Lease], Awaitable[bool]]]] = {
    "assign": (REGISTRY, _raising(lambda s, x: s.assign(x, {"inbox.0": "anna"}))),
    "record": (INBOX, _record),
    "take_over": (INBOX, _raising(lambda s, x: s.take_over(x))),
    "commit_turns": (INBOX, _commit),
    "postpone": (INBOX, _raising(lambda s, x: s.postpone(x, USER, wake_ms=9, failures=9))),
    "probe": (INBOX, _raising(lambda s, x: s.probe(x, USER))),
    "undetermined": (INBOX, _raising(lambda s, x: s.undetermined(x))),
    "settle": (INBOX, _raising(lambda s, x: s.settle(x, [Settled(seq=1, conversation=USER)], 1))),
    "keep_summary": (
        INBOX,
        _raising(lambda s, x: s.keep_summary(x, USER, summary="s", summarised=9)),
    ),
    "give_up": (INBOX, _raising(lambda s, x: s.give_up(x, USER, reason="r", now_ms=1))),
    "recover": (outbox_lease(OUTBOX), _raising(lambda s, x: s.recover(x, 1))),
    "transition": (outbox_lease(OUTBOX), _transition),
}


async def _everything(store: Store) -> object:
    rows = await store.load([USER, conversation_id(ACCOUNT, "new")], 100)
    sends = await store.unfinished(OUTBOX, limit=100)
    return rows, sends, await store.counts(), await store.assignment("")


@pytest.mark.parametrize("method", METHODS)
async def test_a_stale_epoch_is_refused_and_changes_nothing(
    store: Store, rival: Store, method: str
) -> None:
    name, is_refused = METHODS[method]
    await promise(store, send())
    sending = (await store.unfinished(OUTBOX, limit=1))[0]
    step = Transition(id=sending.id, before=SendState.PENDING, after=SendState.SENDING, at_ms=1)
    await store.transition(await hold_outbox(store), [step])
    await recorded(store, await hold(store), message())
    lease = await hold(store, name, seconds=0)
    await hold(rival, name, BERT)
    before = await _everything(store)

    assert await is_refused(store, lease)
    assert await is_refused(store, Lease(name, lease.epoch + 100))
    assert await is_refused(store, Lease(name.replace(name[-1], "3"), lease.epoch))
    assert await _everything(store) == before


async def test_an_expired_lease_that_nobody_took_still_commits(store: Store) -> None:
    lease = await hold(store, seconds=0)
    await recorded(store, lease, message())

    assert await store.commit_turns([turn(lease, await conversation(store))], 1) == [COMMITTED]


@asynccontextmanager
async def lease_row_locked(url: str) -> AsyncIterator[None]:
    """Holds the row of INBOX as a takeover does, and raises its epoch when left."""
    raise_epoch = f"UPDATE lease SET epoch = epoch + 1 WHERE name = '{INBOX}'"  # noqa: S608
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None) as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute(raise_epoch)
            yield
            file.execute("COMMIT")
        file.close()
        return
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(raise_epoch)
            yield
    finally:
        await connection.close()


async def test_a_commit_waits_for_a_takeover_under_way_and_is_refused(
    store: Store, store_url: str
) -> None:
    lease = await hold(store)
    await recorded(store, lease, message())
    row = await conversation(store)

    async with lease_row_locked(store_url):
        commit = asyncio.create_task(store.commit_turns([turn(lease, row)], 1))
        # A reader sees the old epoch all the while; a commit that only read would be through.
        for _ in range(20):
            await store.check()
        assert not commit.done()

    assert await commit == [LEASE_LOST]
    assert (await conversation(store)).version == row.version


async def test_of_a_commit_and_a_takeover_that_meet_the_commit_is_first_or_refused(
    store: Store, rival: Store
) -> None:
    holders: list[tuple[Store, Member]] = [(store, ANNA), (rival, BERT)]
    await recorded(store, await hold(store, seconds=0), message())
    outcomes = []
    for round_ in range(30):
        (old, member), (new, usurper) = holders[round_ % 2], holders[1 - round_ % 2]
        lease = await hold(old, member=member, seconds=0)
        version = (await conversation(old)).version
        row = await conversation(old)
        commits = [
            asyncio.create_task(old.commit_turns([turn(lease, row, history=[said("x")])], 1))
            for _ in range(2)
        ]

        async def take_and_look(new: Store = new, usurper: Member = usurper) -> int:
            await hold(new, member=usurper, seconds=0)
            return (await conversation(new)).version

        seen = await take_and_look()
        results = [result for commit in commits for result in await commit]

        assert (await conversation(new)).version == seen, (
            "something was committed after the takeover"
        )
        assert results.count(COMMITTED) == seen - version
        assert COMMITTED in results or LEASE_LOST in results
        outcomes.append(tuple(results))
    assert len((await conversation(store, history=100)).history) == sum(
        results.count(COMMITTED) for results in outcomes
    )


async def test_a_lease_has_one_holder_however_many_ask_at_once(store_url: str) -> None:
    async with another(store_url) as one, another(store_url) as two, another(store_url) as three:
        names = [f"inbox.{n}" for n in range(4)]
        for round_ in range(5):
            answers = await asyncio.gather(
                *(
                    asked.acquire(
                        names if number % 2 else names[::-1],
                        Member(f"m{number}-{round_}", ANNA.kind, "1", "h", 1),
                        0 if round_ < 4 else LONG,
                    )
                    for number, asked in enumerate((one, two, three))
                )
            )
        taken = [(name, lease.epoch) for answer in answers for name, lease in answer.items()]
        assert sorted(name for name, _ in taken) == names
