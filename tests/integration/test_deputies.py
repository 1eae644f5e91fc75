"""While no registry gives a sign of life, others assign what the dead served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.test_membership import ANNA, BERT, ROOT, Holder, until
from vestlus.bus.port import Topology
from vestlus.errors import StoreUnavailable
from vestlus.hosting.assigning import Deputy
from vestlus.hosting.membership import LEASE_SECONDS, Membership
from vestlus.store.names import REGISTRY, SCHEDULER, inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Lease, Member, MemberKind

TOPOLOGY = Topology(inbox=4, outbox=1)
INBOX = [inbox_lease(number) for number in range(TOPOLOGY.inbox)]
DEAD = Member("c/conversation-2", MemberKind.CONVERSATION, "1", "h", 4)
PAULA = Member("c/publisher-0", MemberKind.PUBLISHER, "1", "h", 5)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    place = f"sqlite:///{tmp_path / 'store.sqlite'}"
    async with open_store(place, partitions=4, outbox_partitions=1) as opened:
        yield opened


async def assigned(store: Store, *members: Member) -> None:
    """The registry gives the inbox to these in turn, and then is gone without a trace."""
    await store.heartbeat(ROOT)
    lease = (await store.acquire([REGISTRY], ROOT, LEASE_SECONDS))[REGISTRY]
    wanted = {name: members[at % len(members)].id for at, name in enumerate(INBOX)}
    await store.assign(lease, wanted)
    await store.leave(ROOT)


async def test_what_the_dead_served_is_given_to_the_living(store: Store) -> None:
    await assigned(store, ANNA, DEAD)
    await store.heartbeat(ANNA)
    await Deputy(store, PAULA, TOPOLOGY).stand_in()
    assert await store.assignment("inbox.") == dict.fromkeys(INBOX, ANNA.id)


async def test_every_kind_is_looked_after(store: Store) -> None:
    await assigned(store, ANNA)
    planner = Member("c/scheduler", MemberKind.SCHEDULER, "1", "h", 6)
    for member in (ANNA, PAULA, planner):
        await store.heartbeat(member)
    await Deputy(store, ANNA, TOPOLOGY).stand_in()
    assert await store.assignment("outbox.") == {outbox_lease(0): PAULA.id}
    assert await store.assignment(SCHEDULER) == {SCHEDULER: planner.id}


async def test_a_registry_that_comes_back_finds_the_right_to_assign_free(store: Store) -> None:
    await assigned(store, DEAD)
    await store.heartbeat(ANNA)
    await Deputy(store, ANNA, TOPOLOGY).stand_in()
    assert set(await store.acquire([REGISTRY], ROOT, LEASE_SECONDS)) == {REGISTRY}


async def test_while_a_registry_gives_signs_of_life_nobody_stands_in(store: Store) -> None:
    await assigned(store, DEAD)
    await store.heartbeat(ANNA)
    await store.heartbeat(ROOT)
    await Deputy(store, ANNA, TOPOLOGY).stand_in()
    assert set((await store.assignment("inbox.")).values()) == {DEAD.id}


async def test_nobody_stands_in_before_the_registry_s_right_has_run_out(store: Store) -> None:
    await assigned(store, DEAD)
    await store.heartbeat(ANNA)
    await store.acquire([REGISTRY], ROOT, LEASE_SECONDS)
    await Deputy(store, ANNA, TOPOLOGY).stand_in()
    assert set((await store.assignment("inbox.")).values()) == {DEAD.id}


async def test_nothing_is_evened_out(store: Store) -> None:
    await assigned(store, ANNA)
    await store.heartbeat(ANNA)
    await store.heartbeat(BERT)
    await Deputy(store, BERT, TOPOLOGY).stand_in()
    assert set((await store.assignment("inbox.")).values()) == {ANNA.id}


async def test_with_nobody_left_to_serve_the_right_to_assign_is_not_even_taken(
    store: Store,
) -> None:
    await assigned(store, DEAD)
    before = (await store.acquire([REGISTRY], ROOT, LEASE_SECONDS))[REGISTRY]
    await store.release([before], ROOT)
    released = (await store.acquire([REGISTRY], ROOT, LEASE_SECONDS))[REGISTRY]
    await store.release([released], ROOT)
    await Deputy(store, PAULA, TOPOLOGY).stand_in()
    after = (await store.acquire([REGISTRY], ROOT, LEASE_SECONDS))[REGISTRY]
    assert after.epoch - released.epoch == released.epoch - before.epoch
    assert set((await store.assignment("inbox.")).values()) == {DEAD.id}


async def test_several_stand_in_at_the_same_time_and_one_assigns(store: Store) -> None:
    await assigned(store, DEAD)
    members = (ANNA, BERT)
    for member in members:
        await store.heartbeat(member)
    await asyncio.gather(*(Deputy(store, one, TOPOLOGY).stand_in() for one in members))
    assert sorted((await store.assignment("inbox.")).values()) == sorted([ANNA.id, BERT.id] * 2)


async def test_who_loses_the_right_meanwhile_assigns_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await assigned(store, DEAD)
    await store.heartbeat(ANNA)
    acquire = store.acquire

    async def robbed(names: list[str], member: Member, seconds: float) -> dict[str, Lease]:
        leases = await acquire(names, member, seconds)
        await store.release(list(leases.values()), member)
        return leases

    monkeypatch.setattr(store, "acquire", robbed)
    await Deputy(store, ANNA, TOPOLOGY).stand_in()
    assert set((await store.assignment("inbox.")).values()) == {DEAD.id}


async def test_a_member_takes_over_from_the_dead_by_itself(store: Store) -> None:
    await assigned(store, DEAD)
    holder, stop = Holder(), asyncio.Event()
    deputy = Deputy(store, ANNA, TOPOLOGY)
    membership = Membership(store, ANNA, holder, deputy=deputy)
    serving = asyncio.create_task(membership.run(stop, lambda: 5.0))
    await until(lambda: set(holder.holds) == set(INBOX))
    stop.set()
    await serving
    assert holder.holds == {}


async def test_what_is_served_stays_where_it_is_and_who_was_given_nothing_gets_nothing(
    store: Store,
) -> None:
    await assigned(store, ANNA, ANNA, ANNA, DEAD)
    await store.heartbeat(ANNA)
    await store.heartbeat(BERT)
    await Deputy(store, BERT, TOPOLOGY).stand_in()
    assert await store.assignment("inbox.") == dict.fromkeys(INBOX, ANNA.id)


async def test_the_right_is_given_back_later_where_the_store_went_away_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await assigned(store, DEAD)
    await store.heartbeat(ANNA)
    assign = store.assign

    async def answer_lost(lease: Lease, wanted: dict[str, str]) -> None:
        await assign(lease, wanted)
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "assign", answer_lost)
    deputy = Deputy(store, ANNA, TOPOLOGY)
    with pytest.raises(StoreUnavailable):
        await deputy.stand_in()
    await deputy.stand_in()
    assert set(await store.acquire([REGISTRY], ROOT, LEASE_SECONDS)) == {REGISTRY}
