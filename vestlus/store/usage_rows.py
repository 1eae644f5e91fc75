"""Rows about what was spent on models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """What an account spent on one model for one purpose in a day of its zone (``2026-03-14``).

    ``cost_nano``: billionths of a unit of money, by the prices at the time of each call;
    ``unpriced``: calls whose model had no price then, and which are not in it.
    """

    account: str
    day: str
    model: str
    purpose: str
    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    unpriced: int = 0
