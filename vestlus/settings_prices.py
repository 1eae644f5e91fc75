"""What models cost and what may be spent: ``[prices]``, and ``daily_budget`` of an account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from vestlus.conversation.budget import NANO, Budget

if TYPE_CHECKING:
    from vestlus.settings import Settings

#: Providers' price lists are by the million tokens.
_TOKENS = 1_000_000

#: More is a slip: the dearest models cost some hundreds.
Money = Annotated[Decimal, Field(ge=0, le=100_000)]


class Price(BaseModel):
    """What a million tokens of a model cost: ``[prices.models."NAME"]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Money
    #: Of the input, what the provider had in its cache; as the rest where it is not said.
    cached_input: Money | None = None
    output: Money = Decimal(0)

    def cost_nano(self, *, input_tokens: int, cached_tokens: int, output_tokens: int) -> int:
        """What a call cost, in billionths. ``cached_tokens`` are among ``input_tokens``."""
        fresh = max(0, input_tokens - cached_tokens)
        of_fresh, of_cached, of_output = self._nano
        return round(fresh * of_fresh + cached_tokens * of_cached + output_tokens * of_output)

    @cached_property
    def _nano(self) -> tuple[float, float, float]:
        """Of one token each: sums of fewer than 2^53 lose nothing that matters."""
        cached = self.input if self.cached_input is None else self.cached_input
        of_input, of_cached, of_output = (
            float(price * NANO / _TOKENS) for price in (self.input, cached, self.output)
        )
        return of_input, of_cached, of_output


class Prices(BaseModel):
    """The price list. There is none but what is written here: prices change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: What the prices and the budgets are in: ISO 4217.
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    models: dict[str, Price] = {}


class DailyBudget(BaseModel):
    """What an account may spend on models in a day of its zone: ``[accounts.daily_budget]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    money: Annotated[Decimal, Field(gt=0, le=1_000_000)] | None = None
    #: Of all kinds together.
    tokens: Annotated[int, Field(ge=1, le=10**12)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> DailyBudget:
        if self.money is None and self.tokens is None:
            raise ValueError("must say money, tokens, or both")
        return self

    @property
    def budget(self) -> Budget:
        """The same for whoever decides."""
        return Budget(round((self.money or 0) * NANO), self.tokens or 0)


def price_problems(settings: Settings, origin: Mapping[str, Any]) -> list[str]:
    """A line for each budget in money that could not be kept, because a price is missing."""
    return [
        f"{origin.get('accounts', 'accounts')}.{place}.daily_budget.money: the model "
        f'{model} has no price; add [prices.models."{model}"], or budget tokens'
        for place, model in _unpriced(settings)
    ]


def _unpriced(settings: Settings) -> Iterable[tuple[int, str]]:
    for place, account in enumerate(settings.accounts):
        model = account.model or settings.model
        budget = account.daily_budget
        if budget and budget.money is not None and model not in settings.prices.models:
            yield place, model
