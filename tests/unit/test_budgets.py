"""Keeping to a daily budget: over processes, over restarts, while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from vestlus.accounts.budgets import BudgetNotice, Budgets
from vestlus.assistant.spending import Count, Labels, Purpose, Spending, paid_by, payer
from vestlus.assistant.token_usage import TokenUsage, told_by
from vestlus.conversation.budget import NANO, Stage, day_at
from vestlus.errors import StoreUnavailable
from vestlus.settings_account import Account
from vestlus.settings_prices import DailyBudget, Price, Prices
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.usage_rows import UsageRow

ACCOUNT = "17841400000000001"
MODEL = "small"
NOON_MS = 1_773_482_400_000
#: A unit of money.
USAGE = TokenUsage(input=1_000_000, cached=0, output=0)
PRICES = Prices(
    models={MODEL: Price(input=Decimal(1), cached_input=Decimal("0.1"), output=Decimal(4))}
)
RESPONSE = b"""{"usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 2, "total_tokens": 7}, "model": "m"}"""
COMPLETION = b"""{"usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens": 2}}"""


@dataclass
class Process:
    """What one process counts, and whom it told."""

    store: Any
    clock_ms: int = NOON_MS
    budget: DailyBudget | None = field(default_factory=lambda: DailyBudget(money=Decimal(10)))
    told: list[BudgetNotice] = field(default_factory=list)

    def __post_init__(self) -> None:
        account = Account(id=ACCOUNT, timezone="Europe/Tallinn", daily_budget=self.budget)
        self.spending = Spending(PRICES, {ACCOUNT: account}.get, lambda: self.clock_ms)
        self.budgets = Budgets(
            self.spending,
            self.store,
            [account],
            clock=lambda: self.clock_ms,
            tell=self.told.append,
        )

    def spends(self, units: int = 1, model: str = MODEL) -> None:
        for _ in range(units):
            self.budgets.spent(ACCOUNT, model, Purpose.ANSWER, USAGE)

    @property
    def may_ask(self) -> bool:
        return not self.budgets.spent_until(ACCOUNT)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    async with open_store(url, partitions=1, outbox_partitions=1) as opened:
        yield opened


async def test_the_last_unit_uses_the_budget_up_at_once_until_midnight(store: Store) -> None:
    one = Process(store)
    one.spends(9)
    assert one.may_ask
    one.spends()
    assert one.budgets.spent_until(ACCOUNT) == day_at(NOON_MS, "Europe/Tallinn").ends_ms


async def test_the_next_day_it_goes_on_by_itself(store: Store) -> None:
    one = Process(store)
    one.spends(10)
    await one.budgets.look()
    assert not one.may_ask
    one.clock_ms = one.budgets.spent_until(ACCOUNT)
    assert one.may_ask
    await one.budgets.look()
    assert one.may_ask


async def test_what_other_processes_spend_counts_once_it_is_written_and_read(store: Store) -> None:
    one, other = Process(store), Process(store)
    one.spends(6)
    other.spends(6)
    assert one.may_ask
    assert other.may_ask
    await one.budgets.look()
    await other.budgets.look()
    await one.budgets.look()
    assert not one.may_ask
    assert not other.may_ask


async def test_what_was_spent_is_known_after_a_restart(store: Store) -> None:
    async with Process(store).budgets as first:
        for _ in range(10):
            first.spent(ACCOUNT, MODEL, Purpose.CAPTION, USAGE)
    again = Process(store)
    async with again.budgets:
        assert not again.may_ask


async def test_nothing_is_counted_twice_between_writing_and_reading(store: Store) -> None:
    one = Process(store)
    one.spends(6)
    await one.budgets.write()
    assert one.may_ask
    await one.budgets.look()
    one.spends(3)
    assert one.may_ask
    await one.budgets.look()
    assert one.may_ask


async def test_people_are_told_of_each_stage_once_by_one_process(store: Store) -> None:
    one, other = Process(store), Process(store)
    one.spends(7)
    await one.budgets.look()
    assert not one.told
    one.spends()
    for _ in range(3):
        await one.budgets.look()
        await other.budgets.look()
    assert [notice.stage for notice in one.told + other.told] == [Stage.NEAR]
    other.spends(5)
    for _ in range(3):
        await other.budgets.look()
        await one.budgets.look()
    notices = one.told + other.told
    assert [notice.stage for notice in notices] == [Stage.NEAR, Stage.SPENT]
    assert notices[-1].spent.cost_nano == 13 * NANO


async def test_a_budget_of_tokens_counts_all_purposes(store: Store) -> None:
    one = Process(store, budget=DailyBudget(tokens=3_000_000))
    one.budgets.spent(ACCOUNT, MODEL, Purpose.ANSWER, USAGE)
    one.budgets.spent(ACCOUNT, "without a price", Purpose.EMBEDDING, USAGE)
    assert one.may_ask
    one.budgets.spent(ACCOUNT, MODEL, Purpose.SUMMARY, TokenUsage(input=0, output=1_000_000))
    assert not one.may_ask


async def test_without_a_budget_everything_is_counted_and_nothing_refused(store: Store) -> None:
    one = Process(store, budget=None)
    one.spends(1000)
    await one.budgets.look()
    assert one.may_ask
    assert not one.told
    (row,) = await store.usage("2026-01-01")
    assert (row.calls, row.cost_nano) == (1000, 1000 * NANO)


class Away:
    """A store that answers only when it is there."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.there = False
        self.tried = asyncio.Event()

    async def add_usage(self, rows: Sequence[UsageRow]) -> None:
        self.tried.set()
        if not self.there:
            raise StoreUnavailable("away")
        await self.store.add_usage(rows)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self.store, name)


async def test_what_a_store_that_is_away_did_not_take_is_written_later(store: Store) -> None:
    away = Away(store)
    one = Process(away)
    one.spends(10)
    with pytest.raises(StoreUnavailable):
        await one.budgets.look()
    assert not one.may_ask
    away.there = True
    await one.budgets.look()
    assert not one.may_ask
    assert [row.calls for row in await store.usage("2026-01-01")] == [10]


async def test_the_end_writes_what_is_left_and_waits_for_no_silent_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vestlus.accounts.budgets.WRITE_SECONDS", 0.01)
    away = Away(store)
    with capture_logs() as logs:
        async with Process(away).budgets as budgets:
            budgets.spent(ACCOUNT, MODEL, Purpose.ANSWER, USAGE)
            await away.tried.wait()
            away.there = True
    assert [row.calls for row in await store.usage("2026-01-01")] == [1]
    assert "usage_not_written_yet" in {line["event"] for line in logs}


def test_a_call_costs_by_its_fresh_its_cached_and_its_output_tokens() -> None:
    price = PRICES.models[MODEL]
    cost = price.cost_nano(input_tokens=1000, cached_tokens=600, output_tokens=50)
    assert cost == (400 * 1000) + (600 * 100) + (50 * 4000)
    assert Price(input=Decimal(2)).cost_nano(input_tokens=10, cached_tokens=5, output_tokens=9) == (
        20_000
    )


async def test_sums_of_the_process_are_by_account_model_and_purpose(store: Store) -> None:
    one = Process(store)
    one.spends(2)
    one.spends(1, "without a price")
    one.budgets.spent(ACCOUNT, MODEL, Purpose.ANSWER, None)
    await one.budgets.look()
    tokens = 2_000_000
    assert one.spending.counts() == {
        Labels(ACCOUNT, MODEL, "answer"): Count(3, tokens, 0, 0, 2 * NANO, 1),
        Labels(ACCOUNT, "without a price", "answer"): Count(1, 1_000_000, 0, 0, 0, 1),
    }


def test_who_pays_is_known_within_and_not_afterwards() -> None:
    with paid_by("a"):
        with paid_by("b"):
            assert payer() == "b"
        assert payer() == "a"
    assert payer() == ""


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (
            RESPONSE,
            TokenUsage(5, 3, 2),
        ),
        (
            COMPLETION,
            TokenUsage(5, 3, 2),
        ),
        (b'{"usage": {"prompt_tokens": 5, "total_tokens": 5}}', TokenUsage(5, 0, 0)),
        (b'{"usage": {"prompt_tokens": -5, "completion_tokens": 1e30}}', None),
        (b'{"usage": {"input_tokens": -5, "output_tokens": 2}}', TokenUsage(0, 0, 2)),
        (b'{"usage": null}', None),
        (b'{"usage": "many"}', None),
        (b"[]", None),
        (b"no JSON", None),
        (b"", None),
    ],
)
def test_what_a_response_says_of_its_tokens_is_read_and_nothing_else_fails(
    body: bytes, usage: TokenUsage | None
) -> None:
    assert told_by(body).usage == usage


class Walked(list[UsageRow]):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[UsageRow]:
        self.times += 1
        return super().__iter__()


class ManyRows:
    """Has the rows that were added, and hands them out together."""

    def __init__(self) -> None:
        self.rows = Walked()

    async def add_usage(self, rows: Sequence[UsageRow]) -> None:
        self.rows.extend(rows)

    async def usage(self, *_: object) -> Walked:
        return self.rows

    async def forget_usage(self, _: str) -> None:
        """There is nothing so old."""


async def test_of_many_accounts_each_row_is_looked_at_once_and_none_is_made_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [f"{ACCOUNT[:-3]}{number:03}" for number in range(300)]
    budget = DailyBudget(money=Decimal(10))
    accounts = {one: Account(id=one, daily_budget=budget) for one in ids}
    store: Any = ManyRows()
    spending = Spending(PRICES, accounts.get, lambda: NOON_MS)
    budgets = Budgets(spending, store, accounts.values(), clock=lambda: NOON_MS)
    for number, one in enumerate(ids):
        for _ in range(number % 3 + 1):
            budgets.spent(one, MODEL, Purpose.ANSWER, USAGE)
    parts = {one: (number % 3 + 1) / 10 for number, one in enumerate(ids)}
    made = 0

    def make(**values: Any) -> UsageRow:  # noqa: ANN401 - a row's
        nonlocal made
        made += 1
        return UsageRow(**values)

    monkeypatch.setattr("vestlus.assistant.spending.UsageRow", make)
    assert budgets.used() == pytest.approx(parts)
    assert made == 0
    await budgets.look()
    assert (made, store.rows.times) == (300, 1)
    assert budgets.used() == pytest.approx(parts)
    assert (made, store.rows.times) == (300, 1)
