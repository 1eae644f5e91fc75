"""Sizes of pools: what people wish, and what registries tell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

from tests.contract.store_support import store
from vestlus.store.pool_rows import Pool, PoolState, PoolWish
from vestlus.store.port import Store

__all__ = ["store"]

STATE = PoolState("c1", Pool.CONVERSATION, "1", "auto:1-4", 3, 3, 2, 1, 90, 2**41, "busy 90%")


async def test_a_wish_is_kept_until_another_one_or_until_it_is_taken_back(store: Store) -> None:
    assert await store.wishes() == {}
    await store.wish({Pool.CONVERSATION: "4", Pool.WEBHOOK: "2"})
    await store.wish({Pool.CONVERSATION: "auto:1-8"})
    read = await store.wishes()
    assert {pool: replace(wish, wished_ms=0) for pool, wish in read.items()} == {
        Pool.CONVERSATION: PoolWish(Pool.CONVERSATION, "auto:1-8"),
        Pool.WEBHOOK: PoolWish(Pool.WEBHOOK, "2"),
    }
    await store.wish({Pool.CONVERSATION: None, Pool.PUBLISHER: None})
    assert list(await store.wishes()) == [Pool.WEBHOOK]


async def test_a_wish_remembers_the_settings_under_which_it_was_first_followed(
    store: Store,
) -> None:
    await store.wish({Pool.PUBLISHER: "2"})
    read = (await store.wishes())[Pool.PUBLISHER]
    await store.settle_wish(read, "1")
    bound = (await store.wishes())[Pool.PUBLISHER]
    assert bound == replace(read, configured="1")
    # Another registry read it before, and comes too late.
    await store.settle_wish(read, "7")
    await store.settle_wish(read, None)
    assert (await store.wishes())[Pool.PUBLISHER] == bound
    await store.settle_wish(bound, None)
    assert await store.wishes() == {}


async def test_a_new_wish_is_not_forgotten_with_the_one_before(store: Store) -> None:
    await store.wish({Pool.PUBLISHER: "2"})
    read = (await store.wishes())[Pool.PUBLISHER]
    await store.wish({Pool.PUBLISHER: "3"})
    await store.settle_wish(read, None)
    assert (await store.wishes())[Pool.PUBLISHER].size == "3"


async def test_the_same_wish_said_again_is_a_new_one(store: Store) -> None:
    await store.wish({Pool.PUBLISHER: "2"})
    read = (await store.wishes())[Pool.PUBLISHER]
    async with asyncio.timeout(10):
        while (again := (await store.wishes())[Pool.PUBLISHER]).wished_ms == read.wished_ms:
            await store.wish({Pool.PUBLISHER: "2"})
    await store.settle_wish(read, None)
    assert (await store.wishes())[Pool.PUBLISHER] == again


async def test_what_each_cluster_told_last_is_read_while_it_is_fresh(store: Store) -> None:
    other = replace(STATE, cluster="c2", pool=Pool.PUBLISHER, reason="")
    await store.tell_pools([STATE])
    await store.tell_pools([replace(STATE, ready=3, pending=0), other])
    assert await store.pools(600) == (replace(STATE, ready=3, pending=0), other)
    async with asyncio.timeout(10):
        while await store.pools(0.05):
            await asyncio.sleep(0.02)


async def test_pools_of_a_newer_version_are_passed_over(store: Store) -> None:
    newer = cast("Pool", "scheduler")
    await store.wish({newer: "2", Pool.PUBLISHER: "3"})
    assert list(await store.wishes()) == [Pool.PUBLISHER]
    await store.tell_pools([replace(STATE, pool=newer), STATE])
    assert await store.pools(600) == (STATE,)
