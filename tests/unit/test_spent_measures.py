"""What is spent on models, as it is told to Prometheus."""

from __future__ import annotations

from decimal import Decimal

from vestlus.accounts.budgets import Budgets
from vestlus.assistant.spending import Purpose, Spending
from vestlus.assistant.token_usage import TokenUsage
from vestlus.measuring.catalogue import REGISTRY
from vestlus.measuring.spent import SpentMeasures
from vestlus.settings_account import Account
from vestlus.settings_prices import DailyBudget, Price, Prices
from vestlus.store.usage_rows import UsageRow

#: No other test's, whose counters are of the same process.
ACCOUNT = "17841400000000077"
LABELS = {"account": ACCOUNT, "model": "m", "purpose": "answer"}
PRICES = Prices(models={"m": Price(input=Decimal(2), output=Decimal(10))})
NOON_MS = 1_795_867_200_000


class Usage:
    """A store of sums that nobody writes."""

    async def add_usage(self, rows: object) -> None: ...

    async def usage(self, *_: object) -> tuple[UsageRow, ...]:
        return ()

    async def budget_told(self, *_: object) -> bool:
        return False

    async def forget_usage(self, _: str) -> int:
        return 0


def budgets(**limits: object) -> Budgets:
    daily = DailyBudget.model_validate(limits) if limits else None
    account = Account(id=ACCOUNT, daily_budget=daily)
    spending = Spending(PRICES, {ACCOUNT: account}.get, lambda: NOON_MS)
    return Budgets(spending, Usage(), [account], clock=lambda: NOON_MS)


def told(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, LABELS | labels) or 0.0


def test_what_is_spent_is_counted_once_however_often_it_is_read_off() -> None:
    kept = budgets()
    measures = SpentMeasures(kept)
    for _ in range(3):
        kept.spent(ACCOUNT, "m", Purpose.ANSWER, TokenUsage(input=1000, cached=400, output=100))
        measures.read_off()
        measures.read_off()
    kept.spent(ACCOUNT, "m", Purpose.ANSWER, None)
    measures.read_off()

    assert told("vestlus_model_calls_total") == 4
    kinds = [
        told("vestlus_model_tokens_total", kind=kind) for kind in ("input", "cached", "output")
    ]
    assert kinds == [1800, 1200, 300]
    assert round(told("vestlus_model_cost_total"), 9) == round(3 * (1000 * 2 + 100 * 10) / 1e6, 9)
    assert told("vestlus_model_calls_unpriced_total") == 1


def test_the_part_of_a_budget_is_told_of_the_limit_that_is_used_up_furthest() -> None:
    kept = budgets(tokens=2000, money=100)
    measures = SpentMeasures(kept)
    kept.spent(ACCOUNT, "m", Purpose.ANSWER, TokenUsage(input=1500, cached=0, output=100))
    measures.read_off()

    used = REGISTRY.get_sample_value("vestlus_daily_budget_used_ratio", {"account": ACCOUNT})
    assert used == 0.8
    assert kept.used() == {ACCOUNT: 0.8}


def test_an_account_without_a_budget_has_no_part_of_it() -> None:
    kept = budgets()
    kept.spent(ACCOUNT, "m", Purpose.ANSWER, TokenUsage(input=1500, cached=0, output=100))
    assert kept.used() == {}
