"""The number of partitions is changed while nobody uses the store; everything is found again."""

import pytest

from tests.contract.store_support import (
    ANNA,
    OUTBOX_PARTITIONS,
    PARTITIONS,
    another,
    message,
    store,
)
from vestlus.conversation.identity import partition_of
from vestlus.errors import PartitionMismatch
from vestlus.store.in_use import StoreInUse
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.repartition import repartition
from vestlus.store.rows import EventState, NewEvent

__all__ = ["store"]

USERS = [f"user-{number}" for number in range(40)]
MORE = 16


def nothing(_: int) -> None:
    """Nobody is told of progress."""


async def write(url: str) -> None:
    async with another(url) as opened:
        names = [inbox_lease(partition) for partition in range(PARTITIONS)]
        leases = await opened.acquire(names, ANNA, 600)
        for user in USERS:
            event = message(user)
            lease = leases[inbox_lease(partition_of(event.account, user, PARTITIONS))]
            await opened.record([(lease, [NewEvent(event, EventState.PENDING)])], 1_000)
        await opened.release(list(leases.values()), ANNA)


async def waiting(url: str, partitions: int) -> dict[str, int]:
    """Where each conversation with something unanswered is found."""
    found = {}
    async with open_store(
        url, partitions=partitions, outbox_partitions=OUTBOX_PARTITIONS
    ) as opened:
        names = [inbox_lease(partition) for partition in range(partitions)]
        leases = await opened.acquire(names, ANNA, 600)
        for partition in range(partitions):
            for each in await opened.take_over(leases[inbox_lease(partition)]):
                found[each] = partition
        await opened.release(list(leases.values()), ANNA)
    return found


async def test_every_waiting_conversation_is_found_in_its_new_partition(store_url: str) -> None:
    await write(store_url)

    done = await repartition(store_url, PARTITIONS, MORE, nothing)

    expected = {
        message(user).conversation: partition_of(message(user).account, user, MORE)
        for user in USERS
    }
    assert await waiting(store_url, MORE) == expected
    assert done.events > len(USERS) / 2
    assert done.conversations == done.events


async def test_back_again_is_as_before(store_url: str) -> None:
    await write(store_url)
    before = await waiting(store_url, PARTITIONS)

    await repartition(store_url, PARTITIONS, MORE, nothing)
    await repartition(store_url, MORE, PARTITIONS, nothing)

    assert await waiting(store_url, PARTITIONS) == before


async def test_the_old_number_is_refused_afterwards(store_url: str) -> None:
    await write(store_url)
    await repartition(store_url, PARTITIONS, MORE, nothing)

    with pytest.raises(PartitionMismatch, match=str(MORE)):
        async with another(store_url):
            pass
    with pytest.raises(PartitionMismatch):
        await repartition(store_url, PARTITIONS, 8, nothing)


async def test_a_store_in_use_is_left_alone(store: Store, store_url: str) -> None:
    await store.heartbeat(ANNA)
    with pytest.raises(StoreInUse, match=ANNA.id):
        await repartition(store_url, PARTITIONS, MORE, nothing)
    await store.retire(ANNA)

    leases = await store.acquire([inbox_lease(0)], ANNA, 600)
    with pytest.raises(StoreInUse, match=r"inbox\.0"):
        await repartition(store_url, PARTITIONS, MORE, nothing)

    await store.release(list(leases.values()), ANNA)
    await repartition(store_url, PARTITIONS, MORE, nothing)


async def test_a_change_that_breaks_off_changes_nothing(store_url: str) -> None:
    await write(store_url)
    before = await waiting(store_url, PARTITIONS)

    def breaks(_: int) -> None:
        raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="terminal"):
        await repartition(store_url, PARTITIONS, MORE, breaks)

    assert await waiting(store_url, PARTITIONS) == before
