"""What ``vestlus accounts`` tells of tokens and money spent on models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from vestlus.assistant.spending import spent_in
from vestlus.cli.accounts_desk import Service
from vestlus.clock import system_clock
from vestlus.conversation.budget import NANO, Budget, day_at, stage_of
from vestlus.notices import money, used_words
from vestlus.settings_account import DEFAULT_ZONE
from vestlus.store.usage_rows import UsageRow


async def used(service: Service, accounts: Collection[str], days: int) -> list[dict[str, Any]]:
    """What accounts spent today and on the days before, newest first. Raises NoSuchAccount."""
    known = await service.known(accounts)
    now_ms = system_clock()
    since = date.fromisoformat(day_at(now_ms, "UTC").name) - timedelta(days=days)
    rows: defaultdict[tuple[str, str], list[UsageRow]] = defaultdict(list)
    for row in await service.store.usage(since.isoformat()):
        if row.account in known or (not accounts and not row.account):
            rows[row.account, row.day].append(row)
    for account in known:
        rows.setdefault((account, _today(service, account, now_ms)), [])
    first = {one: _first(service, one, now_ms, days) for one, _ in rows}
    return [
        _told(service, account, day, rows[account, day])
        for account, day in sorted(rows, key=lambda key: (key[0], _back(key[1])))
        if day >= first[account]
    ]


def line_of(told: dict[str, Any]) -> str:
    """The same for people, one account and day."""
    whose = told["account"] or "(no account)"
    parts = [f"{told['calls']} calls, {told['tokens']:,} tokens"]
    if told["calls"] > told["calls_without_price"]:
        parts.append(f"{money(told['cost_nano'])} {told['currency']}")
    if told["calls_without_price"]:
        parts.append(f"{told['calls_without_price']} calls without a price")
    if told["budget"]:
        parts.append(f"budget: {told['budget']} ({told['budget_state']})")
    return f"{whose}  {told['day']}  {'; '.join(parts)}"


def _told(service: Service, account: str, day: str, rows: list[UsageRow]) -> dict[str, Any]:
    settings = service.settings
    found = settings.account(account)
    budget = found.daily_budget.budget if found and found.daily_budget else Budget()
    spent = spent_in(iter(rows))
    words = used_words(budget, spent, settings.prices.currency)
    return {
        "account": account,
        "day": day,
        "calls": spent.calls,
        "tokens": spent.tokens,
        "cost": spent.cost_nano / NANO,
        "cost_nano": spent.cost_nano,
        "currency": settings.prices.currency,
        "calls_without_price": spent.unpriced,
        "budget": words,
        "budget_state": stage_of(budget, spent).name.lower() if words else "",
        "by_model": [
            {
                "model": row.model,
                "purpose": row.purpose,
                "calls": row.calls,
                "input_tokens": row.input_tokens,
                "cached_tokens": row.cached_tokens,
                "output_tokens": row.output_tokens,
                "cost": row.cost_nano / NANO,
                "calls_without_price": row.unpriced,
            }
            for row in rows
        ],
    }


def _today(service: Service, account: str, now_ms: int) -> str:
    found = service.settings.account(account)
    return day_at(now_ms, found.timezone if found else DEFAULT_ZONE).name


def _first(service: Service, account: str, now_ms: int, days: int) -> str:
    today = date.fromisoformat(_today(service, account, now_ms))
    return (today - timedelta(days=days - 1)).isoformat()


def _back(day: str) -> int:
    return -date.fromisoformat(day).toordinal()
