"""Members stay known while partitions move, and what is held is what is assigned."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from vestlus.errors import StoreUnavailable
from vestlus.hosting.membership import GONE_AFTER_SECONDS, Membership
from vestlus.store.names import REGISTRY, inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Lease, Member, MemberKind

ANNA = Member("c/conversation-0", MemberKind.CONVERSATION, "1", "h", 1)
BERT = Member("c/conversation-1", MemberKind.CONVERSATION, "1", "h", 2)
ROOT = Member("c/registry", MemberKind.REGISTRY, "1", "h", 3)


class Holder:
    """Holds what it is given; letting go, of what is ``busy``, takes until ``idle`` is set."""

    def __init__(self) -> None:
        self.lost: set[Lease] = set()
        self.holds: dict[str, Lease] = {}
        self.let_go_of: list[str] = []
        self.resting: set[str] = set()
        self.busy = {inbox_lease(partition) for partition in range(4)}
        self.idle = asyncio.Event()
        self.idle.set()

    async def hold(self, lease: Lease) -> None:
        self.holds[lease.name] = lease

    async def let_go(self, name: str, deadline_seconds: float) -> None:
        if deadline_seconds > 0 and name in self.busy:
            await self.idle.wait()
        self.let_go_of.append(name)
        self.holds.pop(name, None)

    async def rest(self, name: str) -> None:
        self.resting.add(name)

    async def resume(self, name: str) -> None:
        self.resting.discard(name)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    place = f"sqlite:///{tmp_path / 'store.sqlite'}"
    async with open_store(place, partitions=4, outbox_partitions=1) as opened:
        yield opened


class Serving:
    """A membership under way."""

    def __init__(self, store: Store, member: Member) -> None:
        self.holder = Holder()
        self.membership = Membership(store, member, self.holder)
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(self.membership.run(self.stop, lambda: 5.0))

    async def end(self) -> None:
        self.stop.set()
        await self.task


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def assign(store: Store, **names: Member) -> None:
    leases = await store.acquire([REGISTRY], ROOT, 60)
    wanted = {inbox_lease(int(name[1:])): member.id for name, member in names.items()}
    await store.assign(leases[REGISTRY], wanted)


def counted(store: Store, *names: str) -> Counter[str]:
    """How often each of these is called from now on, by name."""
    calls: Counter[str] = Counter()

    def counting(name: str) -> None:
        method = getattr(store, name)

        async def call(*arguments: object) -> object:
            result = await method(*arguments)
            calls[name] += 1
            return result

        setattr(store, name, call)

    for name in names:
        counting(name)
    return calls


async def test_what_is_assigned_is_held_and_what_moves_away_is_let_go(store: Store) -> None:
    await assign(store, p0=ANNA, p1=ANNA)
    anna, bert = Serving(store, ANNA), Serving(store, BERT)
    await until(lambda: set(anna.holder.holds) == {"inbox.0", "inbox.1"})
    await assign(store, p1=BERT)
    await until(lambda: set(bert.holder.holds) == {"inbox.1"})
    assert set(anna.holder.holds) == {"inbox.0"}
    await anna.end()
    await bert.end()


async def test_signs_of_life_and_renewals_go_on_while_a_slow_partition_is_handed_over(
    store: Store,
) -> None:
    await assign(store, p0=ANNA, p1=ANNA)
    anna = Serving(store, ANNA)
    await until(lambda: len(anna.holder.holds) == 2)
    anna.holder.idle.clear()
    await assign(store, p1=BERT)
    calls = counted(store, "heartbeat", "renew")
    await until(lambda: calls["heartbeat"] >= 4 and calls["renew"] >= 2)
    assert ANNA in await store.live(MemberKind.CONVERSATION, GONE_AFTER_SECONDS)
    assert anna.holder.let_go_of == []
    anna.holder.idle.set()
    await until(lambda: anna.holder.let_go_of == ["inbox.1"])
    await anna.end()


async def test_a_lease_that_the_holder_lost_is_taken_again_with_a_new_epoch(store: Store) -> None:
    await assign(store, p0=ANNA)
    anna = Serving(store, ANNA)
    await until(lambda: anna.holder.holds)
    before = anna.holder.holds["inbox.0"]
    await store.release([before], ANNA)
    anna.holder.lost.add(anna.holder.holds.pop("inbox.0"))
    await until(lambda: anna.holder.holds)
    assert anna.holder.holds["inbox.0"].epoch > before.epoch
    await anna.end()


async def test_who_ends_in_good_order_leaves_nothing_held_and_is_forgotten(store: Store) -> None:
    await assign(store, p0=ANNA)
    anna = Serving(store, ANNA)
    await until(lambda: anna.holder.holds)
    await anna.end()
    assert anna.holder.holds == {}
    assert await store.live(MemberKind.CONVERSATION, 60) == ()
    assert set(await store.acquire([inbox_lease(0)], BERT, 60)) == {"inbox.0"}


async def test_each_partition_of_who_ends_is_another_s_as_soon_as_it_is_idle(store: Store) -> None:
    await assign(store, p0=ANNA, p1=ANNA)
    anna, bert = Serving(store, ANNA), Serving(store, BERT)
    await until(lambda: len(anna.holder.holds) == 2)
    anna.holder.busy = {"inbox.1"}
    anna.holder.idle.clear()
    anna.stop.set()
    await until(lambda: anna.holder.let_go_of == ["inbox.0"])
    # A registry sees who is left, long before the last turn ends.
    async with asyncio.timeout(10):
        while [one.id for one in await store.live(MemberKind.CONVERSATION, 60)] != [BERT.id]:
            await asyncio.sleep(0.02)
    assert await store.assignment("inbox.") == {}
    await assign(store, p0=BERT, p1=BERT)
    await until(lambda: set(bert.holder.holds) == {"inbox.0"})
    assert set(anna.holder.holds) == {"inbox.1"}
    anna.holder.idle.set()
    await until(lambda: len(bert.holder.holds) == 2)
    await anna.task
    await bert.end()


async def test_a_sign_of_life_that_is_still_being_written_brings_nobody_back(store: Store) -> None:
    await assign(store, p0=ANNA)
    anna = Serving(store, ANNA)
    await until(lambda: anna.holder.holds)
    anna.holder.idle.clear()
    beat, retire = store.heartbeat, store.retire
    begun, retired = asyncio.Event(), asyncio.Event()
    writing: set[asyncio.Task[frozenset[str]]] = set()

    async def late(member: Member) -> frozenset[str]:
        # As long as it can matter.
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await retired.wait()
        return await beat(member)

    async def written_by_others(member: Member) -> frozenset[str]:
        task = asyncio.create_task(late(member))
        writing.add(task)
        begun.set()
        return await asyncio.shield(task)

    async def noted(member: Member) -> None:
        await retire(member)
        retired.set()

    store.heartbeat, store.retire = written_by_others, noted  # type: ignore[method-assign]
    await begun.wait()
    anna.stop.set()
    await retired.wait()
    await asyncio.wait(writing)
    assert await store.live(MemberKind.CONVERSATION, 60) == ()
    anna.holder.idle.set()
    await anna.task


async def test_who_ends_while_the_store_is_away_ends_all_the_same(store: Store) -> None:
    await assign(store, p0=ANNA)
    anna = Serving(store, ANNA)
    await until(lambda: anna.holder.holds)

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    for name in ("retire", "release", "leave"):
        setattr(store, name, away)
    await anna.end()
    assert anna.holder.let_go_of == ["inbox.0"]


async def test_an_error_of_the_holder_ends_the_membership(store: Store) -> None:
    await assign(store, p0=ANNA)
    anna = Serving(store, ANNA)

    async def broken(lease: Lease) -> None:
        raise KeyError("ours")

    anna.holder.hold = broken  # type: ignore[method-assign]
    with pytest.raises(ExceptionGroup):
        await anna.task
