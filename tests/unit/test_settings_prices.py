"""Prices and budgets in the file, and what is passed on to other processes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.test_settings import COMPLETE
from vestlus.errors import SettingsError
from vestlus.settings import Mode, Settings, load_settings


def read(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "vestlus.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings({**COMPLETE, **environ, "VESTLUS_CONFIG": str(file)})


BUDGET = """
[[accounts]]
id = "17841400000000001"
daily_budget = { money = 5.5, tokens = 2_000_000 }
"""
PRICE = """
[prices]
currency = "EUR"
[prices.models."gpt-5.4-mini"]
input = 0.75
cached_input = 0.075
output = 4.5
"""


def test_prices_and_budgets_are_read_to_the_last_digit(tmp_path: Path) -> None:
    settings = read(tmp_path, BUDGET + PRICE)
    price = settings.prices.models["gpt-5.4-mini"]
    assert (price.input, price.cached_input, price.output) == (
        Decimal("0.75"),
        Decimal("0.075"),
        Decimal("4.5"),
    )
    assert settings.prices.currency == "EUR"
    budget = settings.accounts[0].daily_budget
    assert budget is not None
    assert (budget.budget.cost_nano, budget.budget.tokens) == (5_500_000_000, 2_000_000)


def test_there_are_no_prices_of_our_own() -> None:
    assert load_settings(COMPLETE).prices.models == {}


def test_money_without_the_model_s_price_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, BUDGET)
    assert "accounts.0.daily_budget.money" in str(caught.value)
    assert '[prices.models."gpt-5.4-mini"]' in str(caught.value)
    with pytest.raises(SettingsError):
        read(tmp_path, BUDGET + PRICE, VESTLUS_MODEL="another")


def test_tokens_can_be_budgeted_without_prices(tmp_path: Path) -> None:
    text = BUDGET.replace("money = 5.5, ", "")
    assert read(tmp_path, text).accounts[0].daily_budget is not None


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (BUDGET.replace("money = 5.5, tokens = 2_000_000", ""), "daily_budget"),
        (BUDGET.replace("5.5", "-1"), "daily_budget.money"),
        (BUDGET.replace("2_000_000", "0"), "daily_budget.tokens"),
        (BUDGET + PRICE.replace("0.75", "-0.75"), "prices.models.gpt-5.4-mini.input"),
        (BUDGET + PRICE.replace("EUR", "euros"), "prices.currency"),
        (BUDGET + PRICE.replace("output", "outputs"), "prices.models.gpt-5.4-mini.outputs"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, wrong: str, name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, wrong)
    assert name in str(caught.value)


def test_opentelemetry_s_variables_go_to_every_process_and_are_not_shown() -> None:
    headers = "authorization=SALADUS"
    settings = load_settings({**COMPLETE, "OTEL_EXPORTER_OTLP_HEADERS": headers})
    assert settings.otel == {"OTEL_EXPORTER_OTLP_HEADERS": headers}
    assert "SALADUS" not in repr(settings)


def test_lines_of_the_log_are_for_people_in_the_demo() -> None:
    assert load_settings({}, mode=Mode.DEMO).readable_logs
    assert not load_settings(COMPLETE).readable_logs
    with pytest.raises(SettingsError):
        load_settings({**COMPLETE, "VESTLUS_READABLE_LOGS": "1"})
