"""What was spent on models: sums by day that any number of processes add to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.contract.store_support import ACCOUNT, rival, store
from vestlus.store.port import Store
from vestlus.store.usage_rows import UsageRow

__all__ = ["rival", "store"]

OTHER = "17841400000000002"
ROW = UsageRow(
    account=ACCOUNT,
    day="2026-03-14",
    model="small",
    purpose="answer",
    calls=1,
    input_tokens=2**33,
    cached_tokens=7,
    output_tokens=20,
    cost_nano=2**41,
    unpriced=1,
)


async def test_what_is_added_is_summed_up_by_account_day_model_and_purpose(store: Store) -> None:
    others = (
        replace(ROW, account=OTHER),
        replace(ROW, day="2026-03-15"),
        replace(ROW, model="large"),
        replace(ROW, purpose="caption"),
    )
    await store.add_usage([ROW, *others])
    await store.add_usage([ROW])
    twice = replace(
        ROW,
        calls=2,
        input_tokens=2**34,
        cached_tokens=14,
        output_tokens=40,
        cost_nano=2**42,
        unpriced=2,
    )
    found = await store.usage("2026-03-14")
    assert set(found) == {twice, *others}
    assert [one.account for one in found] == sorted(one.account for one in found)


async def test_sums_are_read_from_a_day_on_and_of_some_accounts(store: Store) -> None:
    early = replace(ROW, day="2026-03-13")
    other = replace(ROW, account=OTHER)
    await store.add_usage([early, ROW, other])
    assert await store.usage("2026-03-14") == (ROW, other)
    assert await store.usage("2026-03-14", [ACCOUNT]) == (ROW,)
    assert await store.usage("2026-03-13", [ACCOUNT]) == (early, ROW)
    assert await store.usage("2026-03-15") == ()
    assert await store.usage("2026-03-13", []) == ()


async def test_processes_that_add_at_the_same_time_lose_nothing(store: Store, rival: Store) -> None:
    rows = [replace(ROW, model=name) for name in ("a", "b", "c")]
    await asyncio.gather(
        *(one.add_usage(rows) for one in (store, rival) for _ in range(5)),
        *(one.add_usage(rows[::-1]) for one in (store, rival) for _ in range(5)),
    )
    assert [one.calls for one in await store.usage(ROW.day)] == [20, 20, 20]


async def test_of_those_who_tell_people_of_a_stage_one_does(store: Store, rival: Store) -> None:
    news = await asyncio.gather(
        *(one.budget_told(ACCOUNT, "2026-03-14", 80) for one in (store, rival, store, rival))
    )
    assert sum(news) == 1
    assert await store.budget_told(OTHER, "2026-03-14", 100)


async def test_a_stage_is_told_once_a_day_and_a_lower_one_not_after_a_higher_one(
    store: Store,
) -> None:
    assert await store.budget_told(ACCOUNT, "2026-03-14", 100)
    assert not await store.budget_told(ACCOUNT, "2026-03-14", 80)
    assert not await store.budget_told(ACCOUNT, "2026-03-14", 100)
    assert await store.budget_told(ACCOUNT, "2026-03-15", 80)
    assert await store.budget_told(ACCOUNT, "2026-03-15", 100)
    # Somebody's clock is behind.
    assert not await store.budget_told(ACCOUNT, "2026-03-14", 100)


async def test_old_days_are_forgotten(store: Store) -> None:
    await store.add_usage([replace(ROW, day=day) for day in ("2025-01-01", "2025-06-01")])
    assert await store.forget_usage("2025-06-01") == 1
    assert [one.day for one in await store.usage("2000-01-01")] == ["2025-06-01"]
