from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from tests.contract.store_support import (
    ANNA,
    ANNA_AGAIN,
    BERT,
    INBOX,
    LONG,
    another,
    hold,
    rival,
    store,
)
from vestlus.errors import LeaseLost
from vestlus.store import schema
from vestlus.store.names import REGISTRY
from vestlus.store.port import Store
from vestlus.store.rows import Lease, MemberKind
from vestlus.store.sql_store import SqlStore

__all__ = ["rival", "store"]


async def test_a_free_lease_is_taken_and_a_held_one_is_left_out(store: Store, rival: Store) -> None:
    mine = await store.acquire(["inbox.0", "inbox.1"], ANNA, LONG)
    theirs = await rival.acquire(["inbox.1", "inbox.2"], BERT, LONG)

    assert set(mine) == {"inbox.0", "inbox.1"}
    assert set(theirs) == {"inbox.2"}


async def test_the_holder_keeps_its_epoch_when_it_asks_again(store: Store) -> None:
    assert await hold(store) == await hold(store)


async def test_the_holder_keeps_its_epoch_also_after_expiry(store: Store) -> None:
    first = await hold(store, seconds=0)

    assert await hold(store) == first


async def test_an_expired_lease_goes_to_whoever_asks_with_a_new_epoch(
    store: Store, rival: Store
) -> None:
    old = await hold(store, seconds=0)
    new = await hold(rival, member=BERT)

    assert new.epoch > old.epoch
    assert await store.acquire([INBOX], ANNA, LONG) == {}


async def test_a_restarted_member_takes_over_from_its_earlier_self_at_once(store: Store) -> None:
    old = await hold(store, member=ANNA)
    new = await hold(store, member=ANNA_AGAIN)

    assert new.epoch > old.epoch
    assert await store.renew([old], ANNA, LONG) == frozenset()


async def test_renewing_keeps_others_out(store: Store, rival: Store) -> None:
    lease = await hold(store, seconds=0)

    assert await store.renew([lease], ANNA, LONG) == {INBOX}
    assert await rival.acquire([INBOX], BERT, LONG) == {}


async def test_a_lease_that_somebody_took_is_not_renewed(store: Store, rival: Store) -> None:
    lost = await hold(store, seconds=0)
    kept = await hold(store, "inbox.2")
    await hold(rival, member=BERT)

    assert await store.renew([lost, kept], ANNA, LONG) == {"inbox.2"}


async def test_nobody_renews_or_releases_the_lease_of_another(store: Store, rival: Store) -> None:
    lease = await hold(store)

    assert await rival.renew([lease], BERT, LONG) == frozenset()
    await rival.release([lease], BERT)
    assert await store.renew([lease], ANNA, LONG) == {INBOX}


async def test_a_released_lease_is_free_at_once_and_void_for_who_released_it(
    store: Store, rival: Store
) -> None:
    lease = await hold(store, REGISTRY)
    await store.release([lease], ANNA)

    with pytest.raises(LeaseLost):
        await store.assign(lease, {"inbox.1": "anna"})
    assert (await hold(rival, REGISTRY, BERT)).epoch > lease.epoch


async def test_releasing_what_was_lost_leaves_the_new_holder_alone(
    store: Store, rival: Store
) -> None:
    lost = await hold(store, seconds=0)
    new = await hold(rival, member=BERT)
    await store.release([lost], ANNA)

    assert await rival.renew([new], BERT, LONG) == {INBOX}


async def test_asking_for_nothing_gives_nothing(store: Store) -> None:
    assert await store.acquire([], ANNA, LONG) == {}
    assert await store.renew([], ANNA, LONG) == frozenset()
    await store.release([], ANNA)


async def test_leases_outlive_the_process(store_url: str) -> None:
    async with another(store_url) as first:
        lease = await hold(first)
    async with another(store_url) as second:
        assert await second.acquire([INBOX], BERT, LONG) == {}
        assert await second.renew([lease], ANNA, LONG) == {INBOX}


async def test_members_with_a_fresh_heartbeat_are_live_by_kind_and_in_order(store: Store) -> None:
    publisher = replace(BERT, id="piret", kind=MemberKind.PUBLISHER)
    for member in (BERT, publisher, ANNA):
        await store.heartbeat(member)

    assert await store.live(MemberKind.CONVERSATION, LONG) == (ANNA, BERT)
    assert await store.live(MemberKind.PUBLISHER, LONG) == (publisher,)
    assert await store.live(MemberKind.CONVERSATION, -1) == ()


async def test_a_restarted_member_replaces_its_earlier_self(store: Store) -> None:
    await store.heartbeat(ANNA)
    await store.heartbeat(ANNA_AGAIN)

    assert await store.live(MemberKind.CONVERSATION, LONG) == (ANNA_AGAIN,)


async def test_a_heartbeat_says_what_the_member_should_serve(store: Store) -> None:
    registry = await hold(store, REGISTRY)
    assert await store.heartbeat(ANNA) == frozenset()
    await store.assign(registry, {"inbox.0": "anna", "inbox.1": "anna", "outbox.0": "bert"})

    assert await store.heartbeat(ANNA) == {"inbox.0", "inbox.1"}
    assert await store.heartbeat(BERT) == {"outbox.0"}
    assert await store.assignment("inbox.") == {"inbox.0": "anna", "inbox.1": "anna"}


async def test_an_assignment_changes_what_it_names_and_nothing_else(store: Store) -> None:
    registry = await hold(store, REGISTRY)
    await store.assign(registry, {"inbox.0": "anna", "inbox.1": "anna"})
    await store.assign(registry, {"inbox.1": "bert"})

    assert await store.assignment("") == {"inbox.0": "anna", "inbox.1": "bert"}


async def test_a_prefix_is_no_pattern(store: Store) -> None:
    await store.assign(await hold(store, REGISTRY), {"inbox.0": "anna"})

    assert await store.assignment("inbox_") == {}
    assert await store.assignment("INBOX.") == {}


async def test_a_member_that_leaves_is_forgotten_with_its_assignments(store: Store) -> None:
    await store.assign(await hold(store, REGISTRY), {"inbox.0": "anna", "inbox.1": "bert"})
    await store.heartbeat(ANNA)
    await store.leave(ANNA)

    assert await store.live(MemberKind.CONVERSATION, LONG) == ()
    assert await store.assignment("") == {"inbox.1": "bert"}


async def test_a_member_that_retires_keeps_its_leases_and_is_assigned_nothing(
    store: Store, rival: Store
) -> None:
    await store.assign(await hold(store, REGISTRY), {"inbox.0": "anna", "inbox.1": "bert"})
    await store.heartbeat(ANNA)
    lease = await hold(store, member=ANNA)
    await store.retire(ANNA)

    assert await store.live(MemberKind.CONVERSATION, LONG) == ()
    assert await store.assignment("") == {"inbox.1": "bert"}
    assert await store.renew([lease], ANNA, LONG) == {INBOX}
    assert await rival.acquire([INBOX], BERT, LONG) == {}
    await store.release([lease], ANNA)
    assert set(await rival.acquire([INBOX], BERT, LONG)) == {INBOX}


async def test_a_member_that_leaves_frees_its_leases_and_they_are_void_at_once(
    store: Store, rival: Store
) -> None:
    old = await hold(store, member=ANNA)
    await store.leave(ANNA)
    new = await hold(rival, member=BERT)

    assert new.epoch > old.epoch
    with pytest.raises(LeaseLost):
        await store.take_over(old)


async def test_an_earlier_self_that_leaves_frees_nothing_of_the_new_one(store: Store) -> None:
    await hold(store, member=ANNA)
    new = await hold(store, member=ANNA_AGAIN)
    await store.leave(ANNA)

    assert await store.renew([new], ANNA_AGAIN, LONG) == {INBOX}


async def test_an_earlier_self_that_leaves_late_takes_nothing_from_the_new_one(
    store: Store,
) -> None:
    await store.assign(await hold(store, REGISTRY), {"inbox.0": "anna"})
    await store.heartbeat(ANNA_AGAIN)
    await store.leave(ANNA)

    assert await store.live(MemberKind.CONVERSATION, LONG) == (ANNA_AGAIN,)
    assert await store.assignment("") == {"inbox.0": "anna"}


async def test_only_the_registry_assigns(store: Store, rival: Store) -> None:
    lost = await hold(store, REGISTRY, seconds=0)
    registry = await hold(rival, REGISTRY, BERT)
    await rival.assign(registry, {"inbox.0": "bert"})

    with pytest.raises(LeaseLost):
        await store.assign(lost, {"inbox.0": "anna"})
    with pytest.raises(LeaseLost):
        await store.assign(Lease("never.taken", 1), {"inbox.0": "anna"})
    assert await store.assignment("") == {"inbox.0": "bert"}


async def test_a_lease_that_lasts_longer_than_any_is_one_from_before_the_clock_was_put_back(
    store: Store, rival: Store
) -> None:
    old = await hold(store, member=ANNA, seconds=3600)
    new = await hold(rival, member=BERT)

    assert new.epoch > old.epoch
    with pytest.raises(LeaseLost):
        await store.take_over(old)


async def test_a_sign_of_life_from_the_future_is_none(store: Store) -> None:
    await store.heartbeat(ANNA)
    await store.heartbeat(BERT)
    assert isinstance(store, SqlStore)
    # As after the database's clock was put back by an hour.
    later = update(schema.member).values(heartbeat_ms=schema.member.c.heartbeat_ms + 3_600_000)
    await store._database.write(lambda connection: connection.execute(later))
    assert await store.live(MemberKind.CONVERSATION, LONG) == ()
    await store.heartbeat(ANNA)

    assert await store.live(MemberKind.CONVERSATION, LONG) == (ANNA,)
