"""What this process spent on models, told as measures: read off before each telling."""

from __future__ import annotations

from typing import Final

from vestlus.accounts.budgets import Budgets
from vestlus.assistant.spending import Count, Labels
from vestlus.conversation.budget import NANO
from vestlus.measuring.catalogue import (
    BUDGET_USED,
    MODEL_CALLS,
    MODEL_COST,
    MODEL_TOKENS,
    MODEL_UNPRICED,
    of,
)

_NOTHING: Final = Count()


class SpentMeasures:
    """Counts what was spent since it was read off last. One per process, as its counters are."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._told: dict[Labels, Count] = {}

    def read_off(self) -> None:
        """Adds what is new to the counters, and says how far budgets are used up."""
        for labels, count in self._budgets.spending.counts().items():
            before = self._told.get(labels, _NOTHING)
            if count != before:
                _add(labels, count, before)
                self._told[labels] = count
        for account, used in self._budgets.used().items():
            of(BUDGET_USED, account).set(used)


def _add(labels: Labels, count: Count, before: Count) -> None:
    of(MODEL_CALLS, *labels).inc(count.calls - before.calls)
    cached = count.cached_tokens - before.cached_tokens
    for kind, tokens in (
        # What came from the provider's cache is apart, so that the kinds add up.
        ("input", max(0, count.input_tokens - before.input_tokens - cached)),
        ("cached", cached),
        ("output", count.output_tokens - before.output_tokens),
    ):
        of(MODEL_TOKENS, *labels, kind).inc(tokens)
    of(MODEL_COST, *labels).inc((count.cost_nano - before.cost_nano) / NANO)
    of(MODEL_UNPRICED, *labels).inc(count.unpriced - before.unpriced)
